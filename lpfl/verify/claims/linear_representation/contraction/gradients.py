"""LR-01: the closed-form gradients."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

START_TANGENT = 0.7
GRADIENTS = {"head": "nabla_F", "representation": "nabla_G"}
DIRECTIONS = {"head": "D_F", "representation": "D_G"}


@check(
    "LR-01",
    (
        *setup.SIZES,
        setup.BATCH_SIZE,
        setup.COVARIANCE,
        setup.HEAD_COND,
        setup.INPUT_LAW,
        setup.NOISE_STD,
    ),
    anchors=setup.paper_batches(noise_std=0.1),
)
def gradients_of_the_loss(trial: Trial) -> Iterator[Comparison]:
    """Closed form, autograd and differences of the loss against the printed gradients."""
    yield from exact_parts(trial)
    drawn = step.draw(trial, noise_std=trial.noise_std, tangent=START_TANGENT)
    F, G, batch = drawn.head, drawn.representation, drawn.batch
    assert batch.inputs is not None
    assert batch.targets is not None
    residual = batch.targets - batch.inputs @ drawn.problem.product_star.mT
    values = drawn.letters(X=as_numpy(batch.inputs), E=as_numpy(residual))
    for defined in ("Sigmahat", "N"):  # read from the rows through their printed definitions
        del values[defined]

    norm = torch.linalg.matrix_norm
    size = norm(F) * norm(G) * norm(batch.cov_x) + norm(batch.cross)
    # The rows are summed in another order on each side: errors grow with n as well as with d.
    tolerance = rounding(trial.dtype, dim=trial.batch_size + trial.input_dim)
    for part, other in (("head", G), ("representation", F)):
        predicted = setup.evaluate_definition(trial, GRADIENTS[part], values)
        for label, measured in measured_gradients(drawn, part).items():
            yield Same(
                part=part,
                label=label,
                measured=measured,
                predicted=predicted[: measured.shape[0]],
                tolerance=tolerance,
                axes=2,
                scale=(norm(other) * size)[: measured.shape[0]],
            )
        yield from central_difference(trial, drawn, part, values)


def measured_gradients(drawn: step.Draw, part: str) -> dict[str, Tensor]:
    """Return the gradient of one layer, (R, ., .): closed form, and autograd in two ways."""
    batch = drawn.batch
    assert batch.inputs is not None
    assert batch.targets is not None
    leaves = model.Weights(
        drawn.head.clone().requires_grad_(True), drawn.representation.clone().requires_grad_(True)
    )
    model.loss(leaves, batch.inputs, batch.targets).sum().backward()
    module = model.TwoLayerLinear(model.Weights(drawn.head[0], drawn.representation[0]))
    residual = batch.targets[0] - module(batch.inputs[0])
    (0.5 * residual.square().sum() / batch.inputs.shape[-2]).backward()
    by_rows, by_module = getattr(leaves, part).grad, getattr(module, part).grad
    assert by_rows is not None
    assert by_module is not None
    return {
        "closed form": getattr(drawn.gradients(), part),
        "autograd": by_rows,
        "module": by_module[None],
    }


def central_difference(
    trial: Trial, drawn: step.Draw, part: str, values: dict[str, object]
) -> Iterator[Comparison]:
    """Move one layer both ways along a drawn direction, and read the loss."""
    batch = drawn.batch
    assert batch.inputs is not None
    assert batch.targets is not None
    here = model.Weights(drawn.head, drawn.representation)
    layer = getattr(here, part)
    direction = torch.randn(
        layer.shape, generator=trial.stream(part), dtype=trial.dtype, device=trial.device
    )
    plus, minus = (
        model.loss(here._replace(**{part: layer + sign * direction}), batch.inputs, batch.targets)
        for sign in (1.0, -1.0)
    )
    yield Same(
        part=part,
        label="central difference",
        measured=plus - minus,
        predicted=step.printed(trial, part, {**values, DIRECTIONS[part]: as_numpy(direction)}),
        tolerance=rounding(trial.dtype, dim=trial.batch_size + trial.input_dim),
        scale=plus + minus,
    )
