"""What a reference is: a claim, its options, its named conventions and one step in float64."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from lpfl.conformance.pulse import beat

Memory = dict[Any, Any]
Convention = Mapping[str, str]
Weights = Sequence[Tensor]
Gradients = Sequence[Tensor | None]
Step = Callable[[Weights, Gradients, Memory, Any, Convention], list[Tensor]]
Rule = Callable[[Tensor, Tensor, Memory, Any, Convention], Tensor]


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The update of one claimed method, written from its paper.

    ``conventions`` maps the name of an axis to its values, the paper's first. A value listed in
    ``variants`` is another documented form of the method; one listed in ``departures`` is another
    method, named so that a verdict can say which. ``relevant`` names the option without which an
    axis has no effect. ``hidden`` gives candidate values of an option that a subject may keep as
    a constant. ``aliases`` adds names under which libraries know an option. ``farthest``: the
    number of axes on which a reading may differ from the paper where the axes are many.
    ``forms``: claims of other references that are forms of the same method.
    ``for_matrices``: the method is meant for matrices, whatever its rule for vectors.
    ``off``: values that switch an option off, which a subject may write as None.
    ``free_bases``: bases come from the gradients alone, so that in a null space they are free.
    ``sums_at_one``: a weight of the past of 1, beta2, stands for a sum.
    ``asides``: options to give together in a setting of their own, the first one being what the
    setting is about: those that show nothing where readings are fitted.
    ``sees_weights``: the step depends on the weights, decay aside, and is defined where they are 0.
    """

    claim: str
    source: str
    step: Step
    options: Mapping[str, Any]
    conventions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    departures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    relevant: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probes: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    off: Mapping[str, Any] = field(default_factory=dict)
    asides: tuple[Mapping[str, Any], ...] = ()
    joint: bool = False
    least_axes: int = 0
    for_matrices: bool = False
    sees_weights: bool = False
    free_bases: bool = False
    sums_at_one: bool = False
    forms: tuple[str, ...] = ()
    farthest: int = 3

    def __post_init__(self) -> None:
        for kind in (self.variants, self.departures):
            for axis, values in kind.items():
                strange = set(values) - set(self.conventions.get(axis, ()))
                if strange:
                    raise ValueError(f"{self.claim}: {axis} has no values {sorted(strange)}")
        options = (
            self.hidden,
            self.aliases,
            self.probes,
            self.fixed,
            self.off,
            self.relevant.values(),
            *self.asides,
        )
        for names in options:
            strange = set(names) - set(self.options)
            if strange:
                raise ValueError(f"{self.claim} has no options {sorted(map(str, strange))}")

    def paper(self) -> dict[str, str]:
        """Return the first value of every axis."""
        return {axis: values[0] for axis, values in self.conventions.items()}

    def trajectory(
        self,
        start: Weights,
        gradients: Sequence[Gradients],
        *,
        options: Mapping[str, Any] | None = None,
        convention: Convention | None = None,
    ) -> list[list[Tensor]]:
        """Return the parameters before and after each step, in the dtype of ``start``."""
        memory, choice, setting = self.begin(options, convention)
        path = [list(start)]
        for row in gradients:
            path.append(self.step(path[-1], row, memory, choice, setting))
        return path

    def updates(
        self,
        values: Sequence[Weights],
        gradients: Sequence[Gradients],
        *,
        options: Mapping[str, Any] | None = None,
        convention: Convention | None = None,
        changes: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> list[list[Tensor]]:
        """Return the step taken from each of the given points, on the method's own memory.

        ``values`` are the points a subject went through. Errors do not add up along the run,
        so that the first wrong step can be told from its consequences.
        """
        memory, choice, setting = self.begin(options, convention)
        moves = []
        for t, (point, row) in enumerate(zip(values, gradients, strict=False), 1):
            beat()
            vars(choice).update((changes or {}).get(t, {}))
            after = self.step(point, row, memory, choice, setting)
            moves.append([b - a for a, b in zip(point, after, strict=True)])
        return moves

    def begin(
        self, options: Mapping[str, Any] | None, convention: Convention | None
    ) -> tuple[Memory, Any, dict[str, str]]:
        """Return an empty memory, the options and the convention, both complete and checked."""
        for given, known, what in (
            (options or {}, self.options, "options"),
            (convention or {}, self.conventions, "axes"),
        ):
            strange = set(given) - set(known)
            if strange:
                raise ValueError(f"{self.claim} has no {what} {sorted(strange)}")
        setting = {**self.paper(), **(convention or {})}
        for axis, value in setting.items():
            if value not in self.conventions[axis]:
                raise ValueError(f"{self.claim}: {axis}={value!r}, needs {self.conventions[axis]}")
        choice = SimpleNamespace(**{**self.options, **(options or {})})
        choice.first_lr = vars(choice).get("lr")
        return {}, choice, setting


def per_parameter(rule: Rule) -> Step:
    """Return the step that applies ``rule`` to every parameter that has a gradient.

    The memory of a parameter starts empty; its entry "t" counts its own gradients from 1.
    """

    def step(
        weights: Weights, gradients: Gradients, memory: Memory, o: Any, c: Convention
    ) -> list[Tensor]:
        after = []
        for i, (p, g) in enumerate(zip(weights, gradients, strict=True)):
            if g is None:
                after.append(p)
                continue
            own = memory.setdefault(i, {"t": 0})
            own["t"] += 1
            o.gradient = g
            after.append(rule(p, g, own, o, c))
        return after

    return step
