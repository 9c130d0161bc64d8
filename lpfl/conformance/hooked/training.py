"""Short trainings of a network by a subject, and what they show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.drives import seed_everything
from lpfl.conformance.hooked.networks import Network
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.signatures import set_option
from lpfl.conformance.subject import Subject

ROWS, OUTPUTS, WEIGHTS = 24, 2, 200


@dataclass(frozen=True)
class Scene:
    """A network, the number of inputs, steps, and options of the optimizer.

    noise: relative change of the inputs, entry by entry. scale: factor of the inputs. reseed: of
    the generators, global and the optimizer's own. at_rest: the group whose rate is set to 0.
    """

    network: type[Network]
    inputs: int
    steps: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)
    noise: float = 0.0
    scale: float = 1.0
    reseed: int = 0
    at_rest: int | None = None


@dataclass(frozen=True)
class Training:
    """Weights by name: at the start, after each step; and the names that the optimizer holds.

    rates: name of a weight -> rate of its group at the end. places: -> the number of its group.
    """

    start: dict[str, Tensor]
    path: list[dict[str, Tensor]]
    held: frozenset[str]
    trained: frozenset[str]
    rates: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def end(self) -> dict[str, Tensor]:
        """Weights after the last step."""
        return self.path[-1]

    def moved(self, name: str, *, since: int = 0) -> float:
        """Return the largest distance of a weight from where it was after step ``since``."""
        before = self.path[since - 1] if since else self.start
        return max(float((row[name] - before[name]).norm()) for row in self.path[since:])

    @property
    def way(self) -> float:
        """Distance of all trained weights from the start."""
        parts = (self.end[name] - self.start[name] for name in self.trained)
        return sum(float(part.square().sum()) for part in parts) ** 0.5

    @property
    def finite(self) -> bool:
        """Whether all weights are finite."""
        return all(bool(value.isfinite().all()) for value in self.end.values())


def data(subject: Subject, scene: Scene) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Return the batches (X, Y) of a scene, and the vector of start weights."""
    stream = subject.stream("layer", scene.network.__name__)
    normal = lambda *size: torch.randn(size, generator=stream, dtype=torch.float64)  # noqa: E731
    drawn = [(normal(ROWS, scene.inputs), normal(ROWS, OUTPUTS)) for _ in range(scene.steps)]
    batches = [(scene.scale * X, Y) for X, Y in drawn]
    return batches, 0.5 * normal(WEIGHTS)


def train(subject: Subject, scene: Scene, twin: bool = False) -> Training:
    """Train a network and return what became of its weights."""
    batches, weights = data(subject, scene)
    noise = subject.stream("layer", "noise")
    model = scene.network(twin).to(subject.device, subject.coarsest)
    model.load(weights.to(subject.coarsest))
    start = model.read()
    seed = subject.seed + scene.reseed if scene.reseed else None
    with other_draws(seed):
        session = subject.open_on(model, options=dict(scene.options))
        if scene.at_rest is not None:
            set_option(session.optimizer.param_groups[scene.at_rest], "lr", 0.0)
        if seed is not None:
            seed_everything(seed)
        path = []
        for t, (X, Y) in enumerate(batches):
            drawn = torch.randn(X.shape, generator=noise, dtype=X.dtype)
            X = X * (1 + scene.noise * drawn)
            model.before(t)
            given = (value.to(subject.device, subject.coarsest) for value in (X, Y))
            session.advance(partial(_loss, model, *given))
            path.append(read_in_eval(subject, session, model))
    named = dict(model.named_parameters(remove_duplicate=False))
    groups = session.optimizer.param_groups
    held = {id(p): float(group.get("lr") or 0.0) for group in groups for p in group["params"]}
    return Training(
        start,
        path,
        frozenset(name for name, p in named.items() if id(p) in held),
        frozenset(name for name, p in named.items() if p.requires_grad),
        {name: held[id(p)] for name, p in named.items() if id(p) in held},
        {
            name: place
            for name, p in named.items()
            for place, group in enumerate(groups)
            if any(p is other for other in group["params"])
        },
    )


def slope(subject: Subject, scene: Scene, name: str, twin: bool = False) -> float:
    """Return the length of the sum of a weight's gradients over all batches, at the start."""
    batches, weights = data(subject, scene)
    model = scene.network(twin).double()
    model.load(weights)
    for X, Y in batches:
        _loss(model, X, Y).backward()
    found = model.get_parameter(name).grad
    return 0.0 if found is None else float(found.norm())


def _loss(model: Network, X: Tensor, Y: Tensor) -> Tensor:
    return (model(X) - Y).square().sum() / (2 * len(X))


def read_in_eval(subject: Subject, session: Any, model: Network) -> dict[str, Tensor]:
    """Return the weights, in the eval mode of an optimizer that has one."""
    if "mode" not in subject.needs:
        return model.read()
    session.optimizer.eval()
    found = model.read()
    session.optimizer.train()
    return found


def apart(one: Training, two: Training) -> float:
    """Return the distance of two ends over the way of the second, by the names both train."""
    names = one.trained & two.trained
    gap = sum(float((one.end[n] - two.end[n]).square().sum()) for n in names) ** 0.5
    way = sum(float((two.end[n] - two.start[n]).square().sum()) for n in names) ** 0.5
    return gap / way if way > 0 else 0.0


def chance(
    subject: Subject, scene: Scene, change: Callable[..., Scene], rounding: float = 1e-13
) -> float:
    """Return the distance that rounding of the inputs, or a tenth of another seed, makes."""
    plain = train(subject, scene)
    noisy = train(subject, change(scene, noise=rounding))
    seeded = train(subject, change(scene, reseed=7))
    return max(apart(noisy, plain), apart(seeded, plain) / 10)
