"""LR-01: the closed-form gradients."""

import torch

from lpfl import decide
from lpfl.linalg import machine_tolerance
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import ScenarioSpace

REPLICATES = 3


def measure_gradients(trial: Trial) -> list[Finding]:
    """Exact reading; closed form against autograd through the rows and through the module."""
    scenario = trial.scenario
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=scenario.noise_std)
    batch = model.sample(problem, scenario.batch_size, trial.stream("batch"))
    assert batch.inputs is not None
    assert batch.targets is not None
    F = setup.draw_head(trial, replicates=REPLICATES)
    G = model.tilt(problem.representation_star, 0.7, trial.stream("start"))
    closed = model.gradients(model.Weights(F, G), batch)

    leaves = model.Weights(F.clone().requires_grad_(True), G.clone().requires_grad_(True))
    model.loss(leaves, batch.inputs, batch.targets).sum().backward()
    module = model.TwoLayerLinear(model.Weights(F[0], G[0]))
    residual = batch.targets[0] - module(batch.inputs[0])
    (0.5 * residual.square().sum() / scenario.batch_size).backward()

    norm = torch.linalg.matrix_norm
    residual_scale = norm(F) * norm(G) * norm(batch.cov_x) + norm(batch.cross)
    # The rows are summed in another order on each side: errors grow with n as well as with d.
    tolerance = machine_tolerance(trial.dtype, dim=scenario.batch_size + scenario.input_dim)
    findings = setup.exact_findings(trial)
    rows = (("head", norm(G)), ("representation", norm(F)))
    for index, (name, outer) in enumerate(rows):
        by_rows = getattr(leaves, name).grad
        by_module = getattr(module, name).grad
        assert by_rows is not None
        assert by_module is not None
        error = norm(closed[index] - by_rows) / (outer * residual_scale)
        error_module = norm(closed[index][0] - by_module) / (outer * residual_scale)[0]
        both = torch.cat([error, error_module[None]])
        findings.append(
            Finding(f"autograd: {name}", decide.identity(as_numpy(both), tolerance=tolerance))
        )
    return findings


GRADIENTS = Check(
    claim_id="LR-01",
    space=ScenarioSpace(
        axes=(
            *setup.SIZES,
            setup.BATCH_SIZE,
            setup.COVARIANCE,
            setup.HEAD_COND,
            setup.INPUT_LAW,
            setup.NOISE_STD,
        ),
        anchors=setup.paper_batches(noise_std=0.1),
    ),
    measure=measure_gradients,
)
