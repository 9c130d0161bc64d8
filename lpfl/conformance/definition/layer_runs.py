"""Small networks on which a layer-wise subject is run, and what each layer sees in each step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Any

import torch
from torch import Tensor, nn

from lpfl.conformance.hooked.members import SeenMembers
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.oracles.layerwise import LayerSeen
from lpfl.conformance.subject import Subject


@dataclass(frozen=True)
class LayerScenario:
    """A network, the shape of one input, and the spread of the inputs' scales (in decades).

    later_rows: rows of a batch from the third step on, where their number changes.
    """

    name: str
    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    rows: int = 24
    later_rows: int = 0
    steps: int = 6
    spread: float = 0.5
    options: Any = None
    at_defaults: bool = False
    dtype: torch.dtype = torch.float64

    def rows_at(self, t: int) -> int:
        """Return the rows of the batch of step t, counted from 0."""
        return self.later_rows or self.rows if t > 1 else self.rows

    @property
    def convolves(self) -> bool:
        """Whether the network has a convolution."""
        return any(isinstance(layer, nn.Conv2d) for layer in layers_of(self.build()))


@dataclass(frozen=True)
class LayerRun:
    """Weights (bias as last column) before each step and at the end, and what the layers saw."""

    scenario: LayerScenario
    options: Mapping[str, Any]
    given: Mapping[str, Any]
    weights: list[list[Tensor]]
    seen: list[list[LayerSeen]]

    def moves(self) -> list[list[Tensor]]:
        """Return the update of every layer in each step."""
        return self._moves

    @cached_property
    def _moves(self) -> list[list[Tensor]]:
        pairs = zip(self.weights, self.weights[1:], strict=False)
        return [[b - a for a, b in zip(old, new, strict=True)] for old, new in pairs]


def without_biases(scenario: LayerScenario) -> LayerScenario:
    """Return the scenario with a network whose layers have no biases."""

    @wraps(scenario.build)
    def build() -> nn.Module:
        model = scenario.build()
        for layer in layers_of(model):
            layer.bias = None
        return model

    return replace(scenario, build=build)


def layers_of(model: nn.Module) -> list[Any]:
    """Return the linear and convolutional layers of a network in order."""
    return [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]


def joined(layer: Any) -> Tensor:
    """Return weights (b, a), flattened, the bias as last column; a float64 copy on the host."""
    W = layer.weight.detach().to("cpu", torch.float64).reshape(len(layer.weight), -1)
    if layer.bias is None:
        return W.clone()
    return torch.cat([W, layer.bias.detach().to("cpu", torch.float64)[:, None]], 1)


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    """Return half the squared distance, summed over outputs, averaged over samples."""
    return (output - target).square().sum() / (2 * len(output))


def look(
    scenario: LayerScenario, state: Mapping[str, Tensor], X: Tensor, Y: Tensor
) -> list[LayerSeen]:
    """Return what each layer sees, in float64, on a copy of the network without the subject."""
    model = built(scenario).double()
    model.load_state_dict({k: v.double() for k, v in state.items()})
    kept: dict[Any, tuple[Tensor, Tensor]] = {}

    def keep(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept[layer] = (inputs[0].detach(), output)

    layers = layers_of(model)
    for layer in layers:
        layer.register_forward_hook(keep)
    output = model(X.double()).flatten(1)
    outputs = [kept[layer][1] for layer in layers]
    grads = torch.autograd.grad(loss_of(output, Y.double()) * len(X), outputs, retain_graph=True)
    rows = [
        torch.autograd.grad(output[:, j].sum(), outputs, retain_graph=True)
        for j in range(output.shape[1])
    ]
    seen = []
    for i, layer in enumerate(layers):
        inputs, slopes = kept[layer][0], grads[i].detach()
        jacobian = torch.stack([row[i] for row in rows]).detach()
        kind: type[LayerSeen] = SeenMembers
        if isinstance(layer, nn.Conv2d) and slopes[0, 0].numel() > 1:
            inputs = nn.functional.unfold(inputs, layer.kernel_size).mT
            slopes, jacobian = slopes.flatten(2).mT, jacobian.flatten(3).mT
        elif not (isinstance(layer, nn.Linear) and inputs.ndim == 3):
            kind, inputs, slopes = LayerSeen, inputs.flatten(1), slopes.flatten(1)
            jacobian = jacobian.flatten(2)
        if layer.bias is not None:
            inputs = torch.cat([inputs, torch.ones_like(inputs[..., :1])], -1)
        seen.append(kind(inputs, slopes, jacobian, layer.bias is not None))
    return seen


def built(scenario: LayerScenario) -> nn.Module:
    """Return the network of a scenario; the global generator, of which a subject draws, stays."""
    with torch.random.fork_rng(devices=[]):
        return scenario.build()


def outputs_of(scenario: LayerScenario) -> int:
    """Return the number of outputs, seen without the subject's hooks."""
    with torch.no_grad():
        return int(built(scenario)(torch.zeros(1, *scenario.input_shape)).flatten(1).shape[1])


def run_layers(
    subject: Subject, scenario: LayerScenario, options: Any, given: Any, *, draws: int | None = None
) -> LayerRun:
    """Run a subject on a scenario; ``draws`` reseeds torch's generator, and those of its own."""
    stream = subject.stream("layers", scenario.name)
    normal = lambda *shape: torch.randn(shape, generator=stream, dtype=torch.float64)  # noqa: E731
    model = scenario.build()
    state = {k: 0.5 * normal(*v.shape) for k, v in model.state_dict().items()}
    model = model.to(scenario.dtype)
    model.load_state_dict({k: v.to(scenario.dtype) for k, v in state.items()})
    with other_draws(draws):
        session = subject.open_on(model, options=given)
    if draws is not None:
        torch.manual_seed(draws)
    scales = 10 ** (scenario.spread * normal(*scenario.input_shape).clamp(-2, 2))
    outputs = outputs_of(scenario)
    weights, seen = [[joined(layer) for layer in layers_of(model)]], []
    for t in range(scenario.steps):
        rows = scenario.rows_at(t)
        X = (scales * normal(rows, *scenario.input_shape)).to(scenario.dtype)
        Y = normal(rows, outputs).to(scenario.dtype)
        seen.append(look(scenario, model.state_dict(), X, Y))
        X, Y = X.to(subject.device), Y.to(subject.device)
        with other_draws(draws):
            session.advance(lambda X=X, Y=Y: loss_of(model(X).flatten(1), Y))  # type: ignore[misc]
        weights.append([joined(layer) for layer in layers_of(model)])
    return LayerRun(scenario, options, given, weights, seen)


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3))


def one_layer() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 3, bias=False))


def square_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))


def curved() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))


def whole_image() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 2), nn.Flatten())


def whole_wide_image() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, (1, 3), bias=False), nn.Flatten())


def on_sequences() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3, bias=False), nn.Flatten(), nn.Linear(9, 2, bias=False))


def at_places() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 2, 2, bias=False), nn.Flatten(), nn.Linear(8, 2, bias=False))


THREE = {"period": 3}
INVERSES = {"period": 1, "inverse_period": 3}
DIVIDED = {"period": 2, "inverse_period": 4}
UNDIVIDED = {"period": 3, "inverse_period": 2}
SQUARE = LayerScenario("two square layers", square_layers, (4,))
FITTING = LayerScenario("two linear layers", two_layers, (5,))
HOLDING = (
    LayerScenario("one layer without bias", one_layer, (6,)),
    LayerScenario("tanh between the layers", curved, (5,)),
    LayerScenario("a kernel as large as the image", whole_image, (2, 2, 2)),
    LayerScenario("a kernel of one row, as large as the image", whole_wide_image, (3, 1, 3)),
    LayerScenario("fewer rows from the third step on", two_layers, (5,), later_rows=15),
    LayerScenario("damping 1e-4", two_layers, (5,), options={"damping": 1e-4}),
    LayerScenario("damping 3", two_layers, (5,), options={"damping": 3.0}),
    LayerScenario("factors renewed every 3 steps", two_layers, (5,), steps=8, options=THREE),
    LayerScenario("inverses renewed every 3 steps", two_layers, (5,), steps=8, options=INVERSES),
    LayerScenario("periods of 2 and 4 steps", two_layers, (5,), steps=9, options=DIVIDED),
    LayerScenario("periods of 3 and 2 steps", two_layers, (5,), steps=9, options=UNDIVIDED),
    LayerScenario("default options", two_layers, (5,), at_defaults=True),
    LayerScenario("inputs of very different scales", one_layer, (6,), rows=64, spread=1.0),
    SQUARE,
)
SEQUENCES = LayerScenario("a linear layer on sequences", on_sequences, (3, 4), steps=1)
PLACES = LayerScenario("a kernel at 2 x 2 places", at_places, (2, 3, 3), steps=1)
LONG = LayerScenario(
    "two linear layers, many steps", two_layers, (5,), steps=102, options={"lr": 1e-3}
)
FEWER_ROWS = LayerScenario("some hundred rows", two_layers, (5,), rows=500, steps=2)
MANY_ROWS = LayerScenario("many rows", two_layers, (5,), rows=8000, steps=2)
