"""Other values for an optimizer's options, well away from the default ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject

FLAGS = ("nesterov", "amsgrad", "decoupled_weight_decay", "rmsprop", "centered", "cautious")
ROUNDS = ("ns_steps", "backend_steps", "newton_schulz_steps", "num_ns_steps")
"""Rounds of Newton and Schulz."""
NUMBERS: Mapping[str, float] = {
    "weight_decay": 0.5,
    "momentum": 0.5,
    "dampening": 0.3,
    "damping": 0.3,
    "alpha": 0.6,
    "rho": 0.5,
    "beta": 0.5,
    "beta1": 0.5,
    "beta2": 0.6,
    "eps": 1e-2,
    "epsilon": 1e-2,
    "shampoo_beta": 0.5,
}


def other_value(subject: "Subject", name: str) -> Any:
    """Return another value for an option, None where none is known to be allowed."""
    value = subject.default(name)
    if name == "lr":
        return 0.5 * value if _number(value) and value > 0 else None
    if isinstance(value, bool):
        return not value if name in FLAGS else None
    if name in ROUNDS and isinstance(value, int):
        return value - 2 if value > 2 else None
    if name in NUMBERS and _number(value):
        new = NUMBERS[name]
        return new if abs(new - value) > 0.2 * abs(new) else 0.7 * new
    if name == "betas" and isinstance(value, tuple | list) and all(_number(b) for b in value):
        return tuple(0.6 * b if b else 0.5 for b in value)
    return None


def alternatives(subject: "Subject") -> dict[str, Any]:
    """Return another value for every option of the default group that has a known one.

    A value the optimizer refuses on its own is left out.
    """
    if "alternatives" not in subject.memory:
        found = {name: other_value(subject, name) for name in subject.default_group}
        known = {name: value for name, value in found.items() if value is not None}
        subject.memory["alternatives"] = {k: v for k, v in known.items() if _works(subject, {k: v})}
    return dict(subject.memory["alternatives"])


def usual_rate(subject: "Subject") -> float | None:
    """Return the default rate as a number; None if it has none."""
    rate = subject.default("lr")
    return float(rate) if _number(rate) else None


def together(subject: "Subject") -> dict[str, Any]:
    """Return as many of the alternatives as the optimizer takes at once."""
    chosen: dict[str, Any] = {}
    for name, value in alternatives(subject).items():
        if _works(subject, {**chosen, name: value}):
            chosen[name] = value
    return chosen


def _works(subject: "Subject", options: Mapping[str, Any]) -> bool:
    start, gradients = subject.draw([(6, 4)], 2, "alternatives")
    try:
        return subject.run(start, gradients, options=options).finite
    except Exception:
        return False


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
