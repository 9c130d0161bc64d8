"""A subject of the checks: a spec, what was guessed about it, and how to drive it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from lpfl.conformance.drives import Session, open_on_model, open_session, seed_everything
from lpfl.conformance.drives.driven import Groups
from lpfl.conformance.guess import guess
from lpfl.conformance.manners import settings
from lpfl.conformance.oracles import divided
from lpfl.conformance.signatures import (
    Undrivable,
    named_options,
    set_options,
    takes_any_option,
)
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.trajectory import Trajectory
from lpfl.seeding import generator

__all__ = ["Session", "Subject", "Trajectory", "Undrivable"]


class Subject:
    """What a check gets: the optimizer's spec and every way to run it.

    vectors: only weights of fewer than two axes are looked at. ``beside`` holds what the spec
    claims of these alone; ``spec`` is without it.
    """

    def __init__(
        self,
        spec: OptimizerSpec,
        *,
        seed: int = 0,
        device: str = "cpu",
        quick: bool = False,
        vectors: bool = False,
    ) -> None:
        claims, self.beside = divided(spec.claims)
        self.spec = replace(spec, claims=claims) if self.beside else spec
        self.seed = seed
        self.device = torch.device(device)
        self.quick = quick
        self.vectors = vectors
        self.taken: frozenset[str] = frozenset()  # options of another claimed method
        self.settings = settings()  # before the subject has run for the first time
        self.guessed: Mapping[str, str] = guess(self)
        self._handled: dict[tuple[int, ...], bool] = {}
        self.memory: dict[Any, Any] = {}
        self.literal = False
        self.control = False  # whether it is asked beside another

    @property
    def _usual(self) -> list[torch.Tensor]:
        return [torch.full((6,) if self.vectors else (6, 4), 0.5, dtype=torch.float64)]

    def on_vectors(self, claim: str) -> "Subject":
        """Return the same optimizer with one claim, looked at on vectors and numbers alone."""
        return Subject(
            replace(self.spec, claims=frozenset({claim})),
            seed=self.seed,
            device=str(self.device),
            quick=self.quick,
            vectors=True,
        )

    @property
    def needs(self) -> frozenset[str]:
        """Needs of the spec and guessed ones."""
        return self.spec.needs | self.guessed.keys()

    @cached_property
    def coarsest(self) -> torch.dtype:
        """float64, or float32 for an optimizer whose ordinary run raises for anything finer.

        Its parameters are then float32 in every check but the one that judges formats (which
        sets ``literal``): one fault is reported once.
        """
        start, gradients = self.draw([(6, 4)], 5, "coarsest")
        outer, self.literal = self.literal, True
        works = [d for d in (torch.float64, torch.float32) if self._runs_in(d, start, gradients)]
        self.literal = outer
        return torch.float32 if works == [torch.float32] else torch.float64

    def _runs_in(self, dtype: torch.dtype, start: Any, gradients: Any) -> bool:
        try:
            self.run([v.to(dtype) for v in start], [[g.to(dtype) for g in s] for s in gradients])
        except Exception:
            return False
        return True

    def fitted(self, value: torch.Tensor) -> torch.Tensor:
        """Return a start value on the device and in the format that the optimizer runs in."""
        fine = value.dtype == torch.float64 and not self.literal
        return value.to(self.device, self.coarsest if fine else value.dtype)

    @property
    def injects(self) -> bool:
        """Whether gradients are prescribed by writing p.grad and calling step()."""
        odd = {
            "closure",
            "value_closure",
            "own_backward",
            "create_graph",
            "model",
            "fused",
            "sampled",
            "in_backward",
        }
        return not self.needs & odd and self.spec.step is None

    def stream(self, *name: str | int | float) -> torch.Generator:
        """Return a fresh generator for the stream of this name."""
        return generator(self.seed, "conformance", *name)

    def tolerance(self, check_id: str, otherwise: float) -> float:
        """Return the relative tolerance of a check: the spec's own, or the given one."""
        return self.spec.tolerances.get(check_id, otherwise)

    @cached_property
    def default_group(self) -> Mapping[str, Any]:
        """Options of the first group of an optimizer built without options, without params."""
        group = dict(self.open(self._usual).optimizer.param_groups[0])
        group.pop("params")
        return group

    @cached_property
    def _kind(self) -> type:
        return type(self.open(self._usual).optimizer)

    @cached_property
    def constructor_names(self) -> frozenset[str]:
        """Options that the factory or the optimizer's own constructor names."""
        return frozenset(named_options(self.spec.factory)) | frozenset(named_options(self._kind))

    @cached_property
    def hides_options(self) -> bool:
        """Whether constructor and factory name no option, but take any."""
        takes = takes_any_option(self.spec.factory) or takes_any_option(self._kind)
        return takes and not self.constructor_names

    def accepts(self, option: str) -> bool:
        """Return whether the constructor, or the default group, knows this option."""
        return option in named_options(self.spec.factory) or option in self.default_group

    def default(self, option: str) -> Any:
        """Return the value an option has if nothing is said; None if it is unknown."""
        named = named_options(self.spec.factory).get(option)
        named = None if named is inspect.Parameter.empty else named
        return self.spec.options.get(option, self.default_group.get(option, named))

    def build(self, params: Any, **options: Any) -> Any:
        """Return the optimizer on these parameters (or groups), or on a model if it needs one.

        spec.options first, then ``options``. An option the factory does not name is set on the
        groups instead.
        Raises: Undrivable for an option that neither knows.
        """
        factory = self.spec.factory
        own = {
            n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in self.spec.options.items()
        }  # a tensor is filled by schedules, and each run starts anew
        wanted = {**own, **options}
        named = named_options(factory)
        direct = {k: v for k, v in wanted.items() if k in named or k in self.spec.options}
        later = {k: v for k, v in wanted.items() if k not in direct}
        if later and takes_any_option(factory):
            try:
                optimizer = factory(params, **direct, **later)
            except TypeError:
                optimizer = factory(params, **direct)
        else:
            optimizer = factory(params, **direct)
        later = {k: v for k, v in later.items() if not _holds(optimizer, k, v)}
        set_options(optimizer, later)
        return optimizer

    def handles(self, shape: Sequence[int]) -> bool:
        """Return whether the optimizer takes charge of a parameter of this shape."""
        key = tuple(shape)
        if self.vectors and len(key) > 1:
            return False
        if key not in self._handled:
            start = torch.full(key, 0.5, dtype=torch.float64)
            try:
                self.open([start])
                self._handled[key] = True
            except Exception:
                self._handled[key] = False
        return self._handled[key]

    def shapes(self, *candidates: Sequence[int]) -> list[tuple[int, ...]]:
        """Return those of the shapes that the optimizer takes charge of and can step on.

        A shape on which it raises is the business of the check of shapes alone; where it raises
        on all of them, all are returned.
        """
        handled = [tuple(shape) for shape in candidates if self.handles(shape)]
        stepped = [shape for shape in handled if self._steps(shape)]
        return stepped or handled

    def _steps(self, shape: tuple[int, ...]) -> bool:
        if ("steps", shape) not in self.memory:
            start, gradients = self.draw([shape], 2, "shapes")
            outer, self.literal = self.literal, False
            try:
                self.run(start, gradients)
                self.memory["steps", shape] = True
            except Exception:
                self.memory["steps", shape] = False
            self.literal = outer
        return bool(self.memory["steps", shape])

    def draw(
        self,
        shapes: Sequence[Sequence[int]],
        steps: int,
        *name: str | int | float,
        dtype: torch.dtype = torch.float64,
    ) -> tuple[list[torch.Tensor], list[list[torch.Tensor]]]:
        """Return normal start values, and ``steps`` lists of normal gradients, one per shape.

        They lie on the host, as the values of a session do; a session moves what it is given.
        """
        stream = self.stream("draw", *name)

        def normal(shape: Sequence[int]) -> torch.Tensor:
            return torch.randn(tuple(shape), generator=stream, dtype=torch.float64).to(dtype)

        start = [normal(shape) for shape in shapes]
        return start, [[normal(shape) for shape in shapes] for _ in range(steps)]

    def open(
        self,
        start: Sequence[torch.Tensor],
        *,
        options: Mapping[str, Any] | None = None,
        groups: Groups | None = None,
        seed: int | None = None,
    ) -> Session:
        """Return a session: an optimizer on fresh parameters with these values.

        groups: (indices of parameters, options of their group) for each group; default one group.
        seed: of torch's global generator, for optimizers that draw; default the subject's.
        Raises: Undrivable if the optimizer leaves one of the parameters out.
        """
        seed_everything(self.seed if seed is None else seed)
        return open_session(self, start, options or {}, groups)

    def open_on(
        self, model: torch.nn.Module, *, options: Mapping[str, Any] | None = None
    ) -> Session:
        """Return a session on a model of your own; drive it with ``session.advance(loss)``.

        The model is moved to the device. ``loss()`` runs it forward and returns the loss with its
        graph.
        """
        seed_everything(self.seed)
        return open_on_model(self, model.to(self.device), options or {})

    def run(
        self,
        start: Sequence[torch.Tensor],
        gradients: Sequence[Sequence[torch.Tensor | None]],
        *,
        options: Mapping[str, Any] | None = None,
        groups: Groups | None = None,
        observe: Callable[[Session, int], None] | None = None,
        seed: int | None = None,
    ) -> Trajectory:
        """Drive the optimizer through the gradients; ``observe(session, t)`` after step t.

        start: one tensor per parameter. gradients: per step one tensor (or None) per parameter.
        """
        session = self.open(start, options=options, groups=groups, seed=seed)
        values = [session.values()]
        for t, step in enumerate(gradients, 1):
            session.step(step)
            values.append(session.values())
            if observe is not None:
                observe(session, t)
        return Trajectory(values=values, optimizer=session.optimizer)


def _holds(optimizer: Any, name: str, value: Any) -> bool:
    held = [group[name] for group in optimizer.param_groups if name in group]
    return bool(held) and all(type(h) is type(value) and h == value for h in held)
