"""SI-30: the identities read exactly, then networks trained on mapped inputs."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.measure.invariance import draw_transform
from lpfl.precondition import Preconditioner, kfac, sgd
from lpfl.problems.links import activation_named
from lpfl.problems.single_index.network import (
    TwoLayerNetwork,
    features,
    first_layer_gradient,
    forward,
    initialise,
)
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Comparison, Same
from lpfl.verify.setups import exact
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

REPLICATES, STEPS, TEST_ROWS = 3, 4, 7
FIRST_STEP, HEAD_STEP, DAMPING = 0.5, 0.1, 0.3
EMBEDDED = 2  # additional dimensions of the isometric embedding
GROWTH = 50.0  # steps carry rounding of earlier ones on: measured below 10, with room
VISIBLE = judgement(1e-6, "far above rounding; the runs part by 1e-3 to 1")

Batch = tuple[Tensor, Tensor]


@check(
    "SI-30",
    (
        Integers("input_dim", 3, 6),
        Integers("width", 4, 12),
        Integers("batch_size", lambda v: 2 * v["input_dim"], lambda v: 5 * v["input_dim"]),
        Covariances(max_log10_cond=1.5),
        Choice("activation", ("tanh", "erf", "relu", "identity")),
        Reals("noise_std", 0.1, 1.0),
        Reals("step_size", 0.1, 1.0),
    ),
)
def gram(trial: Trial) -> Iterator[Comparison]:
    """Read identities; one step by the identity; several steps in other coordinates."""
    sizes = {"d": trial.input_dim, "k": trial.width, "n": trial.batch_size}
    for part in ("outputs", "kfac_gram", "start", "sgd_gram"):
        yield exact.exact_matrix(trial, part, sizes)
    d = trial.input_dim
    network = initialise(
        replicates=REPLICATES,
        dim=d,
        width=trial.width,
        generator=trial.stream("network"),
        activation=trial.activation,
    )
    batches = [draw_batch(trial, f"batch {t}") for t in range(STEPS)]
    test = draw_batch(trial, "test", rows=TEST_ROWS)[0]
    trial.admit(damping=0.0, width=network.width)
    yield one_step(trial, network, batches[0])
    general, rotation = (
        draw_transform(kind, d, REPLICATES, trial.stream(kind), dtype=trial.dtype)
        for kind in ("general", "rotation")
    )
    wide = standard_normal(
        REPLICATES, d + EMBEDDED, d, generator=trial.stream("embedding"), dtype=trial.dtype
    )
    embedding = torch.linalg.qr(wide).Q
    undamped, damped = partial(kfac, damping=0.0), partial(kfac, damping=DAMPING)
    cases: tuple[tuple[str, str, Preconditioner, Tensor], ...] = (
        ("kept", "KFAC, any invertible map", undamped, general),
        ("kept", "SGD, rotation", sgd, rotation),
        ("kept", "SGD, isometric embedding", sgd, embedding),
        ("kept", "damped KFAC, rotation", damped, rotation),
        ("broken", "SGD, any invertible map", sgd, general),
        ("broken", "damped KFAC, any invertible map", damped, general),
    )
    condition = condition_of(general) ** 2 * max(condition_of(X.mT @ X) for X, _ in batches)
    allowed = rounding(trial.dtype, dim=d, condition=condition).times(GROWTH, "over the steps")
    for part, label, rule, linear_map in cases:
        yield compared(part, label, network, batches, test, rule, linear_map, allowed)
    few = draw_batch(trial, "few rows", rows=d - 1)
    condition = condition_of(general) ** 2 * condition_of(few[0] @ few[0].mT)
    allowed = rounding(trial.dtype, dim=d, condition=condition).times(GROWTH, "over the steps")
    for part, label, rows in (
        ("kept", "pseudo-inverse of few rows, on these rows", few[0]),
        ("broken", "pseudo-inverse of few rows, on other rows", test),
    ):
        yield compared(part, label, network, [few] * STEPS, rows, undamped, general, allowed)


def draw_batch(trial: Trial, name: str, *, rows: int | None = None) -> Batch:
    """Return inputs (R, n, d) with the scenario's covariance, and noisy labels (R, n)."""
    root = torch.linalg.cholesky(trial.tensor(trial.covariance.matrix()))
    size = (REPLICATES, rows or trial.batch_size)
    stream = trial.stream(name)
    white = standard_normal(*size, trial.input_dim, generator=stream, dtype=trial.dtype)
    noise = standard_normal(*size, generator=stream, dtype=trial.dtype)
    inputs = white @ root.mT
    return inputs, torch.tanh(inputs[..., 0]) + trial.noise_std * noise


def trained(
    network: TwoLayerNetwork,
    batches: list[Batch],
    rule: Preconditioner,
    moved: Callable[[Tensor], Tensor],
) -> TwoLayerNetwork:
    """Return the network after a step of both layers on each batch, inputs mapped by ``moved``."""
    for inputs, targets in batches:
        X = moved(inputs)
        gradient = first_layer_gradient(network, X, targets)
        error = (forward(network, X) - targets) / targets.shape[-1]
        head = network.output_scale * torch.einsum("rn,rnk->rk", error, features(network, X))
        G = network.first_layer - FIRST_STEP * rule(gradient, X)
        f = network.second_layer - HEAD_STEP * head
        network = TwoLayerNetwork(G, f, network.activation, network.normalised)
    return network


def compared(
    part: str,
    label: str,
    network: TwoLayerNetwork,
    batches: list[Batch],
    test: Tensor,
    rule: Preconditioner,
    linear_map: Tensor,
    allowed: Tolerance,
) -> Comparison:
    """Train on the plain and on the mapped inputs, and compare the outputs on test rows."""
    back = torch.linalg.pinv(linear_map)

    def moved(X: Tensor) -> Tensor:
        return X @ linear_map.mT

    start = TwoLayerNetwork(
        network.first_layer @ back, network.second_layer, network.activation, network.normalised
    )
    plain = forward(trained(network, batches, rule, lambda X: X), test)
    other = forward(trained(start, batches, rule, moved), moved(test))
    size = torch.linalg.vector_norm(plain, dim=-1)
    gap = torch.linalg.vector_norm(other - plain, dim=-1) / size
    if part == "broken":
        return Above(part=part, measured=gap, least=VISIBLE, label=label)
    return Same(
        part=part,
        measured=gap,
        predicted=torch.zeros_like(gap),
        scale=1.0,
        tolerance=allowed,
        label=label,
    )


def one_step(trial: Trial, network: TwoLayerNetwork, batch: Batch) -> Same:
    """The neurons' inputs after a step of SGD, against the right side of the identity."""
    X, y = batch
    eta = trial.step_size
    gradient = first_layer_gradient(network, X, y)
    after = X @ (network.first_layer - eta * sgd(gradient, X)).mT
    act = activation_named(network.activation)
    error = (forward(network, X) - y) / y.shape[-1]
    slopes = act.slope(X @ network.first_layer.mT)
    signals = (
        network.output_scale * network.second_layer[:, :, None] * (slopes * error[..., None]).mT
    )
    eye = torch.eye(X.shape[-1], dtype=X.dtype, device=X.device).expand(X.shape[0], -1, -1)
    known = {"X": X, "G": network.first_layer, "B_p": signals, "P_r": eye}
    predicted = trial.claim["outputs"].matrix(
        {**{letter: as_numpy(value) for letter, value in known.items()}, "eta": eta},
        sizes={"d": trial.input_dim, "k": trial.width, "n": trial.batch_size},
    )
    return Same(
        part="outputs",
        measured=after,
        predicted=predicted,
        axes=2,
        tolerance=rounding(trial.dtype, dim=trial.input_dim),
        label="a step of SGD",
    )
