"""LR-25: batch-norm on the hidden layer, by rows and by what torch differentiates."""

import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import batch_norm, sgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Reals, ScenarioSpace

REPLICATES = 2
START_TANGENT = 0.8
INPUT_MEAN = 0.7
STEPS = 3


def shifted_batch(trial: Trial, problem: model.LinearRepresentation, step: int) -> model.Batch:
    """Return a batch whose inputs have a mean, so that centring matters."""
    batch = model.sample(problem, trial.scenario.batch_size, trial.stream("batch", step))
    assert batch.inputs is not None
    assert batch.targets is not None
    return model.batch_of_rows(batch.inputs + INPUT_MEAN, batch.targets)


def torch_gradients(weights: model.Weights, batch: model.Batch) -> model.Weights:
    """Return autograd's gradients of 1/(2n) sum |y - F BN(G x)|^2 with torch's batch-norm."""
    assert batch.inputs is not None
    assert batch.targets is not None
    slopes = []
    for F, G, inputs, targets in zip(*weights, batch.inputs, batch.targets, strict=True):
        leaves = (F.clone().requires_grad_(True), G.clone().requires_grad_(True))
        hidden = inputs @ leaves[1].mT
        tiny = torch.finfo(hidden.dtype).tiny
        unit = torch.nn.functional.batch_norm(hidden, None, None, training=True, eps=tiny)
        loss = 0.5 * (targets - unit @ leaves[0].mT).square().sum() / inputs.shape[0]
        slopes.append(torch.autograd.grad(loss, leaves))
    return model.Weights(*(torch.stack(parts) for parts in zip(*slopes, strict=True)))


def relative(gap: Tensor, scale: Tensor, tolerance: float) -> decide.Verdict:
    """Decide that ``gap`` vanishes against ``scale``, per replicate."""
    norm = torch.linalg.matrix_norm
    return decide.identity(as_numpy(norm(gap) / norm(scale)), tolerance=tolerance)


def measure_batch_norm(trial: Trial) -> list[Finding]:
    """The least-squares head, one gradient and a run; then any head: torch, rows, norms."""
    scenario = trial.scenario
    eta = scenario.step_size
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=scenario.noise_std)
    batches = [shifted_batch(trial, problem, step) for step in range(STEPS)]
    centred = [batch_norm.centred(batch) for batch in batches]
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    first = centred[0]
    scale = batch_norm.hidden_std(G, first.cov_x)
    hidden = G @ first.cov_x @ G.mT
    tolerance = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.batch_size + scenario.input_dim,
        condition=condition_of(first.cov_x) * condition_of(hidden, G),
    )
    fitted = model.least_squares_head(G, first)
    plain = model.gradients(model.Weights(fitted, G), first).representation
    behind = batch_norm.batch_norm_gradients(
        model.Weights(fitted * scale.unsqueeze(-2), G), first
    ).representation
    # A gradient is a difference of these two terms, which may nearly cancel.
    terms = fitted.mT @ first.cross
    findings = setup.exact_findings(trial)
    findings.append(
        Finding("least-squares head: gradient", relative(behind - plain, terms, tolerance))
    )
    start = model.Weights(problem.head_star, G)
    size = eta / float(torch.linalg.matrix_norm(terms, ord=2).max())
    with_it, _ = simulate(
        batch_norm.batch_norm(step_size=size), start, lambda t: batches[t], num_steps=STEPS
    )
    without, _ = simulate(
        sgd.sgd(step_size=size, head="least_squares"), start, lambda t: centred[t], num_steps=STEPS
    )
    verdict = relative(with_it.representation - without.representation, G, STEPS * tolerance)
    findings.append(Finding("least-squares head: run beside AMGD's step", verdict))
    return [*findings, *any_head(trial, problem, G, batches[0], tolerance)]


def any_head(
    trial: Trial,
    problem: model.LinearRepresentation,
    G: Tensor,
    batch: model.Batch,
    tolerance: float,
) -> list[Finding]:
    """A head that is not the best: gradients against torch, rows g_i, and one joint step."""
    centred = batch_norm.centred(batch)
    unit_head = setup.draw_head(trial, replicates=REPLICATES)
    weights = model.Weights(unit_head, G)
    slope = batch_norm.batch_norm_gradients(weights, centred)
    by_torch = torch_gradients(weights, batch)
    findings = []
    for name, ours, theirs in zip(model.Weights._fields, slope, by_torch, strict=True):
        verdict = relative(ours - theirs, theirs, tolerance)
        findings.append(Finding(f"autograd: {name}", verdict))

    def row_norm(rows: Tensor) -> Tensor:
        return rows.norm(dim=-1)

    inner = (slope.representation * G).sum(-1).abs()
    size = row_norm(slope.representation) * row_norm(G)
    verdict = decide.identity(as_numpy(inner / size), tolerance=tolerance)
    findings.append(Finding("gradient head: rows are orthogonal", verdict))

    # One step of the method, from the folded head: |g+|^2 = |g|^2 + eta^2 |grad|^2, and the
    # direction of g turns by the tangent eta |grad| / |g| = (eta/|g|^2) |grad at g/|g||.
    size_of_step = trial.scenario.step_size / float(row_norm(slope.representation).max())
    folded = unit_head / batch_norm.hidden_std(G, centred.cov_x).unsqueeze(-2)
    method = batch_norm.batch_norm(step_size=size_of_step, head="joint")
    start = model.Weights(folded, G)
    after, _ = method.step(start, method.init(start), batch)
    grown = row_norm(after.representation).square() / row_norm(G).square() - 1.0
    effective = size_of_step / row_norm(G).square()
    normalised = model.Weights(unit_head, G / row_norm(G).unsqueeze(-1))
    direction = batch_norm.batch_norm_gradients(normalised, centred).representation
    expected = (effective * row_norm(direction)).square()
    verdict = decide.identity(as_numpy((grown - expected).abs()), tolerance=tolerance)
    findings.append(Finding("gradient head: effective step", verdict))
    return findings


BATCH_NORM = Check(
    claim_id="LR-25",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            setup.COVARIANCE,
            setup.HEAD_COND,
            setup.INPUT_LAW,
            setup.NOISE_STD,
            Reals("step_size", 0.05, 1.0),
        ),
        anchors=(
            setup.paper(
                batch_size=1024,
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                input_law="rademacher",
                noise_std=0.1,
                step_size=0.5,
            ),
        ),
    ),
    measure=measure_batch_norm,
)
