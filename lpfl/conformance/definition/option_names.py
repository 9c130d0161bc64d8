"""A subject's options under the names of the references: where they are, how they are set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lpfl.conformance.definition.seen.inherited import idle
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.layerwise import LayerOracle

NAMES: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "step_size"),
    "beta1": ("betas[0]", "beta1", "b1", "beta_1"),
    "beta2": ("betas[1]", "beta2", "b2", "beta_2"),
    "beta3": ("betas[2]", "beta3"),
    "eps": ("eps", "epsilon"),
    "weight_decay": ("weight_decay", "wd", "l2"),
    "momentum": ("momentum", "mu", "beta", "beta1", "betas[0]"),
    "decoupled_weight_decay": ("decoupled_weight_decay", "decouple_weight_decay"),
}
PROBES: Mapping[str, float] = {
    "lr": 0.05,
    "beta1": 0.8,
    "beta2": 0.94,
    "beta3": 0.88,
    "eps": 1e-3,
    "weight_decay": 0.1,
    "momentum": 0.7,
    "dampening": 0.2,
    "lr_decay": 0.12,
    "rho": 0.75,
    "alpha": 0.87,
    "momentum_decay": 0.02,
    "initial": 0.15,
    "trust": 0.01,
    "eta_minus": 0.6,
    "eta_plus": 1.3,
    "smallest": 1e-3,
    "largest": 0.2,
    "gamma": 0.13,
    "period": 1,
    "eps2": 1e-2,
    "scale": 2.0,
}
"""Values off the defaults; those of one method differ, so that no option stands for another."""
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "max_grad_norm": (1e12, 0.0),
    "clip_grad_norm": (1e12, 0.0),
    "grad_clip": (1e12, 0.0),
    "max_norm": (1e12, 0.0),
    "precondition_frequency": (1,),
    "preconditioning_compute_steps": (1,),
    "statistics_compute_steps": (1,),
    "update_period": (1,),
    "update_freq": (1,),
    "start_preconditioning_step": (1,),
    "grafting": (0, None),
    "cautious": (False,),
    "trust_clip": (False,),
    "use_gc": (False,),
    "normalize_spatial": (False,),
    "relative_step": (False,),
    "warmup_init": (False,),
    "max_precond_dim": (10000,),
    "block_size": (10000,),
    "normalize_grads": (False,),
    "merge_dims": (False,),
    "warmup_steps": (0,),
    "ema": (0.0,),
}
"""Options that are not part of a definition, with the value that brings back the definition."""
OFF: Mapping[str, Any] = {
    "weight_decay": 0.0,
    "momentum": 0.0,
    "dampening": 0.0,
    "lr_decay": 0.0,
    "amsgrad": False,
    "nesterov": False,
    "cautious": False,
}
"""Values of a reference's options that a default of None stands for: not used."""
STANDS: Mapping[str, str] = {"dampening": "momentum"}
"""Options that a default of None may also stand for: those whose value it then takes."""
LARGEST_SIDE = 64
"""Size above every side of a weight that is judged."""
CORRECTION = ("debias", "correct_bias", "bias_correction")
"""Switches of bias correction; only a definition that has one asks for it."""
PLUMBING = frozenset(
    {*CORRECTION, "params", "foreach", "fused", "capturable", "differentiable", "maximize"}
)
"""Options of a path, a direction or a correction that is looked at elsewhere."""
CORRECTED = frozenset({"adabelief", "diffgrad", "nadam", "radam"})
"""Methods whose references always correct."""


BESIDE = (
    "adamw", "adam", "lion", "sgd", "sign", "signsgd", "signum", "aux", "backup", "fallback",
    "scalar", "vector", "embed", "1d",
)  # fmt: skip
"""Words that mark an option of a hybrid's rule for vectors."""


@dataclass(frozen=True)
class Place:
    """Where a subject keeps an option: its name, an index into it, and how it is written there."""

    option: str
    index: int | None = None
    complement: bool = False

    def read(self, held: Any) -> Any:
        """Return the option's value from what the subject holds, or None if it holds no number."""
        value = held
        if self.index is not None:
            try:
                value = held[self.index]
            except (TypeError, IndexError, KeyError):
                return None
        elif isinstance(held, tuple | list):
            return None
        if isinstance(value, Tensor):
            value = value.item() if value.numel() == 1 else None
        if not isinstance(value, bool | int | float):
            return None
        return 1 - value if self.complement else value

    def holds(self, held: Any) -> bool:
        """Return whether the subject holds something that this place can be."""
        if self.index is None:
            return not isinstance(held, tuple | list | str)
        return isinstance(held, tuple | list) and self.index < len(held)

    def write(self, held: Any, value: Any) -> Any:
        """Return what the subject must hold for the option to have this value."""
        value = 1 - value if self.complement else value
        if self.index is None:
            # a power is written negative by some; -1 stands for another option's value
            negative = isinstance(held, float) and -1 < held < 0 < value
            return -value if negative else value
        parts = list(held)
        parts[self.index] = value
        return tuple(parts)


def place(text: str) -> Place:
    """Return the place written as "betas[0]", "momentum" or "1 - momentum"."""
    complement = text.startswith("1 - ")
    name, bracket, index = text.removeprefix("1 - ").partition("[")
    return Place(name, int(index[:-1]) if bracket else None, complement)


def beside(texts: Sequence[str]) -> Iterator[str]:
    """Yield the names that a hybrid gives to an option of its rule for vectors."""
    for text in texts:
        if not text.startswith("1 - "):
            name, bracket, index = text.partition("[")
            for word in BESIDE:
                yield f"{word}_{text}"
                yield f"{name}_{word}{bracket}{index}"


def named_first(subject: Any, texts: Iterable[str]) -> list[Place]:
    """Return the places written so, those first that the constructor names.

    What a group alone knows may be derived from it, and derived anew in each step.
    """
    return sorted(map(place, texts), key=lambda spot: spot.option not in subject.constructor_names)


def places(subject: Any, oracle: Oracle | LayerOracle) -> dict[str, Place]:
    """Return where the subject keeps each option of the reference that it knows.

    An entry that a base class writes into the groups, and that does nothing, is not one.
    """
    found: dict[str, Place] = {}
    for name in oracle.options:
        texts = oracle.aliases.get(name, NAMES.get(name, (name,)))
        own = beside(texts) if subject.vectors else ()
        for where in [*named_first(subject, own), *named_first(subject, texts)]:
            if subject.accepts(where.option) and where.holds(subject.default(where.option)):
                if idle(subject, where.option):
                    continue
                if where not in found.values():
                    found[name] = where
                break
    return found


def defaults(
    subject: Any, oracle: Oracle | LayerOracle, where: Mapping[str, Place]
) -> dict[str, Any]:
    """Return the reference's options at the subject's defaults; None stands for not a number."""
    held = {name: spot.read(subject.default(spot.option)) for name, spot in where.items()}
    rest = {name: value for name, value in oracle.options.items() if name not in where}
    if "weight_decay" in rest:
        rest["weight_decay"] = 0.0
    return {**rest, **held}


def written(subject: Any, where: Mapping[str, Place], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the subject's own options that give the reference's options these values."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if name in where:
            spot = where[name]
            held = out.get(spot.option, subject.default(spot.option))
            out[spot.option] = spot.write(held, value)
    return out


def known_as(subject: Any, option: str) -> list[str]:
    """Return the names, of those in use for an option, that the subject knows."""
    return [name for name in NAMES[option] if subject.accepts(name)]


def neutral(
    subject: Any, oracle: Oracle | LayerOracle, where: Mapping[str, Place]
) -> dict[str, Any]:
    """Return values that bring back the definition for options that are not part of it."""
    used = {spot.option for spot in where.values()}
    out = {}
    axis = oracle.conventions.get("bias correction", ("none",))
    corrects = axis[0] != "none" or oracle.claim in CORRECTED
    switches = dict.fromkeys(CORRECTION, (True,)) if corrects else {}
    for name, values in {**NEUTRAL, **switches}.items():
        if name not in used and subject.accepts(name):
            held = subject.default(name)
            if held is not None and held not in values and not _reached(name, held):
                out[name] = values[0]
    return out


def _reached(name: str, held: Any) -> bool:
    """Return whether a size holds all weights that are judged already."""
    return name == "block_size" and isinstance(held, int) and held >= LARGEST_SIDE


def longer(subject: Any, steps: int, where: Mapping[str, Place]) -> list[str]:
    """Return options that are whole numbers of at least ``steps``, as "name=value".

    where: those of the reference, which are left out.
    """
    used = {spot.option for spot in where.values()}
    held = {n: subject.default(n) for n in {*subject.default_group, *subject.constructor_names}}
    whole = {n: v for n, v in held.items() if isinstance(v, int) and not isinstance(v, bool)}
    whole = {n: v for n, v in whole.items() if n not in used}
    return sorted(f"{name}={value}" for name, value in whole.items() if value >= steps)


def undefined(subject: Any, where: Mapping[str, Place]) -> list[str]:
    """Return switched-on options of the subject that the reference does not know."""
    used = {spot.option for spot in where.values()} | PLUMBING | NEUTRAL.keys()
    group = subject.default_group
    return sorted(
        str(name)
        for name, value in group.items()
        if name not in used and isinstance(value, bool | int | float | str) and value
    )
