"""LR-03, LR-04, LR-06, LR-07: what one KFAC step is, exactly."""

import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy, condition_of
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.core import exact
from theory.linear_representation import tangent_step

REPLICATES = 3
START_TANGENT = 0.8


def relative_error(measured: Tensor, expected: Tensor, scale: Tensor | None = None) -> Tensor:
    """Return |measured - expected| / scale per replicate (scale: |expected| unless given)."""
    norm = torch.linalg.matrix_norm
    return norm(measured - expected) / (norm(expected) if scale is None else scale)


def measure_step(trial: Trial) -> list[Finding]:
    """LR-03: the torch step on a noisy batch against the right-hand side of the identity."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=scenario.noise_std)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    F = setup.draw_head(trial, replicates=REPLICATES)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    grad_G = model.gradients(model.Weights(F, G), batch).representation
    G_next = kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=scenario.step_size)
    values = {
        "G": as_numpy(G),
        "F": as_numpy(F),
        "F^*": as_numpy(problem.head_star),
        "G^*": as_numpy(problem.representation_star),
        "Sigmahat": as_numpy(batch.cov_x),
        "N": as_numpy(batch.cross - problem.product_star @ batch.cov_x),
        "eta": scenario.step_size,
    }
    sizes = {"d": scenario.input_dim, "m": scenario.output_dim, "k": scenario.rank}
    tolerance = linalg.machine_tolerance(
        trial.dtype, dim=scenario.input_dim, condition=condition_of(batch.cov_x) * condition_of(F)
    )
    G_star = problem.representation_star
    measured = {
        "step": G_next,
        "complement": G_next - G_next @ G_star.mT @ G_star,
    }
    findings = setup.exact_findings(trial)
    # The solves act on the whole gradient, noise included, and so do their rounding errors.
    pull = torch.linalg.pinv(F) @ batch.cross
    scale = torch.linalg.matrix_norm(G) + torch.linalg.matrix_norm(
        linalg.right_solve(pull, batch.cov_x)
    )
    for part, relation in trial.claim.relations().items():
        expected = trial.tensor(
            exact.evaluate_float(
                relation.rhs, values, sizes=sizes, definitions=trial.claim.definitions
            )
        )
        error = relative_error(measured[part], expected, scale)
        verdict = decide.identity(as_numpy(error), tolerance=tolerance)
        findings.append(Finding(f"run: {part}", verdict))
    return findings


KFAC_STEP = Check(
    claim_id="LR-03",
    space=ScenarioSpace(
        axes=setup.NOISY_BATCH,
        anchors=setup.paper_batches(step_size=0.01, noise_std=0.1),
    ),
    measure=measure_step,
)


def measure_bad_head(trial: Trial) -> list[Finding]:
    """LR-04: the adversarial head sends dist to 1; a full step sends it to 0 for any head."""
    scenario = trial.scenario
    eta = scenario.step_size
    problem = setup.draw_truth(trial, replicates=REPLICATES)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    G_star = problem.representation_star
    G = model.tilt(G_star, START_TANGENT, trial.stream("start"))

    def step(F: Tensor, step_size: float) -> Tensor:
        grad_G = model.gradients(model.Weights(F, G), batch).representation
        return kfac.kfac_step(G, F, grad_G, batch.cov_x, step_size=step_size)

    def off(matrix: Tensor) -> Tensor:
        return torch.linalg.matrix_norm(matrix - matrix @ G_star.mT @ G_star, ord=2)

    overlap = G @ G_star.mT
    bad = -eta / (1.0 - eta) * torch.linalg.solve(overlap, problem.head_star, left=False)
    sent_away = step(bad, eta)
    any_head = setup.draw_head(trial, replicates=REPLICATES)
    full = step(any_head, 1.0)
    pulled = torch.linalg.pinv(any_head) @ problem.head_star
    tolerance = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.input_dim,
        condition=condition_of(batch.cov_x) * condition_of(problem.head_star, overlap),
    ) / min(1.0 - eta, 1.0)
    # The step subtracts G itself: its rounding is relative to |G|, and then to what is left.
    left = torch.linalg.svdvals(pulled)[..., -1]
    swamped = float((torch.linalg.matrix_norm(G) / left).max())
    tolerance_full = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.input_dim,
        condition=condition_of(batch.cov_x) * condition_of(any_head) * max(swamped, 1.0),
    )
    away = 1.0 - linalg.subspace_distance(sent_away, G_star)
    shrink = (off(sent_away) / off(G) - (1.0 - eta)).abs()
    errors = {
        "bad head: distance is 1": (away.abs(), tolerance),
        "bad head: complement shrinks by 1 - eta": (shrink, tolerance),
        "full step: distance is 0": (linalg.subspace_distance(full, G_star), tolerance_full),
    }
    findings = setup.exact_findings(trial)
    for part, (error, limit) in errors.items():
        findings.append(Finding(part, decide.identity(as_numpy(error), tolerance=limit)))
    return findings


BAD_HEAD = Check(
    claim_id="LR-04",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            setup.COVARIANCE,
            setup.HEAD_COND,
            Reals("step_size", 0.01, 0.9, easy="high"),
            setup.INPUT_LAW,
        ),
        anchors=(
            setup.paper(
                batch_size=1024,
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=0.2,
                input_law="rademacher",
            ),
        ),
    ),
    measure=measure_bad_head,
)


def measure_head_step(trial: Trial) -> list[Finding]:
    """LR-06: KFAC's head step against an average with the least-squares head of the rows."""
    scenario = trial.scenario
    eta_F = scenario.head_step_size
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=scenario.noise_std)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    assert batch.inputs is not None
    F = setup.draw_head(trial, replicates=REPLICATES)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    grad_F = model.gradients(model.Weights(F, G), batch).head
    measured = kfac.kfac_head_step(F, G, grad_F, batch.cov_x, step_size=eta_F)
    features = batch.inputs @ G.mT
    by_rows = torch.linalg.lstsq(features, batch.targets).solution.mT
    expected = (1.0 - eta_F) * F + eta_F * by_rows
    scale = torch.linalg.matrix_norm(F) + torch.linalg.matrix_norm(by_rows)
    tolerance = linalg.machine_tolerance(
        trial.dtype,
        dim=scenario.batch_size + scenario.input_dim,
        condition=condition_of(features) ** 2,
    )
    error = relative_error(measured, expected, scale)
    return [
        *setup.exact_findings(trial),
        Finding("run: head", decide.identity(as_numpy(error), tolerance=tolerance)),
    ]


HEAD_STEP = Check(
    claim_id="LR-06",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            setup.COVARIANCE,
            setup.HEAD_COND,
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
    ),
    measure=measure_head_step,
)


def measure_tangents(trial: Trial) -> list[Finding]:
    """LR-07: tangents of the angles after a KFAC step with F = F_ls(G), and its gauge."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=1)
    G_star, B = problem.representation_star, problem.complement
    G = model.tilt(G_star, scenario.tan_angle, trial.stream("start"))
    T = linalg.tangent_matrix(G, G_star, B)
    batches = {
        "population": model.population_batch(problem),
        "noiseless batch": model.sample(problem, scenario.batch_size, trial.stream("batch")),
    }
    method = kfac.kfac(step_size=scenario.step_size)
    gauge = model.tilt(G_star, 0.0, trial.stream("gauge")) @ G_star.mT
    frame = torch.cat([G_star, B], dim=-2)
    findings = setup.exact_findings(trial)
    for name, batch in batches.items():
        rows_free = model.Batch(batch.cov_x, batch.cross)
        start = model.Weights(problem.head_star, G)
        G_next = method.step(start, {}, rows_free)[0].representation
        turned = method.step(model.Weights(problem.head_star, gauge @ G), {}, rows_free)[0]
        cov_x = frame @ batch.cov_x @ frame.mT
        cov_x = (cov_x + cov_x.mT) / 2
        predicted = trial.tensor(
            tangent_step(
                "kfac",
                as_numpy(T[0]),
                step_size=scenario.step_size,
                cov_x=as_numpy(cov_x[0]),
            )
        )
        measured = linalg.tangent_matrix(G_next, G_star, B)
        overlap = G_next @ G_star.mT
        F = model.least_squares_head(G, batch)
        tolerance = linalg.machine_tolerance(
            trial.dtype,
            dim=scenario.input_dim,
            condition=condition_of(batch.cov_x) * condition_of(F, overlap, gauge),
        )
        # With step 1 the tangents vanish: errors are relative to the tangents before the step.
        error = relative_error(measured, predicted, torch.linalg.matrix_norm(T))
        again = relative_error(
            turned.representation, gauge @ G_next, torch.linalg.matrix_norm(gauge @ G)
        )
        for part, value in ((name, error), (f"{name}, gauge", again)):
            verdict = decide.identity(as_numpy(value), tolerance=tolerance)
            findings.append(Finding(f"run: {part}", verdict))
    return findings


TANGENTS = Check(
    claim_id="LR-07",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            setup.COVARIANCE,
            setup.HEAD_COND,
            setup.STEP_SIZE,
            setup.INPUT_LAW,
            Reals("tan_angle", 0.05, 2.0),
        ),
        anchors=setup.paper_batches(step_size=0.1, tan_angle=0.5),
    ),
    measure=measure_tangents,
)
