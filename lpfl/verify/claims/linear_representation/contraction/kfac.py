"""LR-03, LR-04, LR-06: what one KFAC step is, exactly."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, condition_of

BATCHES = (*setup.SIZES, setup.BATCH_SIZE, setup.COVARIANCE, setup.HEAD_COND)


@check("LR-03", setup.NOISY_BATCH, anchors=setup.paper_batches(step_size=0.01, noise_std=0.1))
def step_on_a_batch(trial: Trial) -> Iterator[Comparison]:
    """The step on a noisy batch against the printed average."""
    yield from exact_parts(trial)
    drawn = step.draw(trial, noise_std=trial.noise_std)
    G_next = drawn.kfac_step(trial.step_size)
    values = drawn.letters(eta=trial.step_size)
    for part, measured in (("step", G_next), ("complement", drawn.off(G_next))):
        yield Same(
            part=part,
            label="run",
            measured=measured,
            predicted=step.printed(trial, part, values),
            tolerance=drawn.rounding(trial),
            axes=2,
            scale=drawn.pull(),
        )


@check(
    "LR-04",
    (*BATCHES, Reals("step_size", 0.01, 0.9, easy="high"), setup.INPUT_LAW),
    anchors=(
        setup.paper(
            batch_size=1024,
            covariance=setup.paper_covariance(),
            head_log10_cond=1.0,
            step_size=0.2,
            input_law="rademacher",
        ),
    ),
)
def heads_good_and_bad(trial: Trial) -> Iterator[Comparison]:
    """One step with three heads; the worst of them sends the distance to 1, a full step to 0."""
    yield from exact_parts(trial)
    drawn = step.draw(trial)
    problem, eta = drawn.problem, trial.step_size
    overlap = drawn.representation @ problem.representation_star.mT
    bad = -eta / (1.0 - eta) * torch.linalg.solve(overlap, problem.head_star, left=False)
    heads = {
        "bad head": bad,
        "unrelated head": drawn.head,
        "least squares": model.least_squares_head(drawn.representation, drawn.batch),
    }
    values = drawn.letters(eta=eta)
    for label, F in heads.items():
        yield Same(
            part="unnormalised",
            label=label,
            measured=drawn.off(drawn.kfac_step(eta, head=F)),
            predicted=step.printed(trial, "unnormalised", values),
            tolerance=rounding_with(trial, drawn, F),
            axes=2,
            scale=moved(drawn, F, eta),
        )
    sent_away = drawn.kfac_step(eta, head=bad)
    tolerance = rounding_with(trial, drawn, bad).times(1.0 / (1.0 - eta), "over 1 - eta")
    yield Same(
        part="bad_head",
        label="run",
        measured=sent_away @ problem.representation_star.mT,
        predicted=step.printed(trial, "bad_head", values),
        tolerance=tolerance,
        axes=2,
        scale=moved(drawn, bad, eta),
    )
    yield Same(
        part="bad_head_distance",
        measured=linalg.subspace_distance(sent_away, problem.representation_star),
        predicted=trial.number("bad_head_distance"),
        tolerance=tolerance,
    )
    yield from full_step(trial, drawn)


def full_step(trial: Trial, drawn: step.Draw) -> Iterator[Comparison]:
    """A step of size 1 with an unrelated head."""
    G_star = drawn.problem.representation_star
    G_full = drawn.kfac_step(1.0)
    tolerance = rounding_with(trial, drawn, drawn.head)
    scale = moved(drawn, drawn.head, 1.0)
    yield Same(
        part="full_step",
        label="run",
        measured=drawn.off(G_full),
        predicted=step.printed(trial, "full_step", drawn.letters()),
        tolerance=tolerance,
        axes=2,
        scale=scale,
    )
    # The rounding is relative to what was added up, the distance to what is left of it.
    left = torch.linalg.svdvals(torch.linalg.pinv(drawn.head) @ drawn.problem.head_star)[..., -1]
    yield Same(
        part="full_step_distance",
        measured=linalg.subspace_distance(G_full, G_star),
        predicted=trial.number("full_step_distance"),
        tolerance=tolerance.times(
            max(float((scale / left).max()), 1.0), "over the smallest singular value left"
        ),
        scale=1.0,
    )


def moved(drawn: step.Draw, F: Tensor, eta: float) -> Tensor:
    """Return per replicate the size of what a noiseless step adds up, |G| + eta |F^+F*|."""
    norm = torch.linalg.matrix_norm
    towards = torch.linalg.pinv(F) @ drawn.problem.head_star
    return norm(drawn.representation) + eta * norm(towards)


def rounding_with(trial: Trial, drawn: step.Draw, F: Tensor) -> Tolerance:
    """Return the rounding of one step with the head ``F``, relative to :func:`moved`."""
    condition = condition_of(drawn.batch.cov_x) * condition_of(F)
    return rounding(trial.dtype, dim=trial.input_dim, condition=condition)


@check(
    "LR-06",
    (
        *BATCHES,
        Reals("head_step_size", 0.01, 1.0, easy="high"),
        setup.INPUT_LAW,
        setup.NOISE_STD,
    ),
    anchors=(
        setup.paper(
            batch_size=1024,
            covariance=setup.paper_covariance(),
            head_log10_cond=1.0,
            head_step_size=0.1,
            input_law="rademacher",
            noise_std=0.1,
        ),
    ),
)
def head_step(trial: Trial) -> Iterator[Comparison]:
    """The head step against the printed average; the least-squares head of the rows."""
    yield from exact_parts(trial)
    drawn = step.draw(trial, noise_std=trial.noise_std)
    F, G, batch, eta_F = drawn.head, drawn.representation, drawn.batch, trial.head_step_size
    assert batch.inputs is not None
    assert batch.targets is not None
    grad_F = drawn.gradients().head
    features = batch.inputs @ G.mT
    Q, R = torch.linalg.qr(features)
    by_rows = torch.linalg.solve_triangular(R, Q.mT @ batch.targets, upper=True).mT
    norm = torch.linalg.matrix_norm
    scale = norm(F) + norm(by_rows)
    tolerance = rounding(
        trial.dtype,
        dim=trial.batch_size + trial.input_dim,
        condition=condition_of(features) ** 2,
    )
    values = drawn.letters(eta_F=eta_F)
    alternating, _ = kfac.kfac(step_size=eta_F).step(model.Weights(F, G), {}, batch)
    for label, measured in (
        ("run", kfac.kfac_head_step(F, G, grad_F, batch.cov_x, step_size=eta_F)),
        ("least squares on the rows", (1.0 - eta_F) * F + eta_F * by_rows),
    ):
        yield Same(
            part="average",
            label=label,
            measured=measured,
            predicted=step.printed(trial, "average", values),
            tolerance=tolerance,
            axes=2,
            scale=scale,
        )
    for label, head in (
        ("full head step", kfac.kfac_head_step(F, G, grad_F, batch.cov_x, step_size=1.0)),
        ("least-squares head of the model", model.least_squares_head(G, batch)),
        ("head that alternating KFAC hands back", alternating.head),
    ):
        yield Same(
            part="least_squares",
            label=label,
            measured=drawn.gradients(head).head,
            predicted=step.printed(trial, "least_squares", values),
            tolerance=tolerance,
            axes=2,
            scale=scale * norm(G @ batch.cov_x @ G.mT) + norm(batch.cross @ G.mT),
        )
