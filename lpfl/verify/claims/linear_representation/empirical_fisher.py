"""LR-21: the natural gradient with the empirical Fisher matrix: contraction and floor."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lpfl import decide, linalg
from lpfl.optim import ngd_empirical
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import Check, Finding, Trial, as_numpy, default_facts
from lpfl.verify.claims.linear_representation.local import schur_spectrum
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Covariances, Integers, Reals, ScenarioSpace
from theory.linear_representation import local_rate, tangent_floor

RESPONSE_ROWS = 500_000  # over all replicates: small batches are noisier
ROWS_PER_PARAMETER = 25
FLOOR_ROWS = 80_000  # per step
STEPS = 21
BURN_IN = 5
# Truncation is of order 1e-3. Far smaller distances would magnify the gauge part of a step, which
# rounding sets at random: the Fisher matrix is singular along the gauge.
SMALL_AGAINST_NOISE = 0.03
NEAREST_RIVAL = 0.5  # KFAC's rate and floor have eta for eta / sigma^2


def parameters(fields: Mapping[str, Any]) -> int:
    """Return q = k (m + d - k), the rank of the Fisher matrix."""
    k = int(fields["rank"])
    return k * int(fields["output_dim"] + fields["input_dim"] - k)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size is the drawn effective one times the noise variance."""
    return {**default_facts(scenario), "step_size": step_size_of(scenario)}


def step_size_of(scenario: Scenario) -> float:
    """Return eta = alpha sigma^2."""
    return float(scenario.effective_step * scenario.noise_std**2)


def measure_empirical_fisher(trial: Trial) -> list[Finding]:
    """Linear response at the solution, then the stationary mean square of the tangents."""
    return [contraction(trial), floor(trial)]


def contraction(trial: Trial) -> Finding:
    """Two runs on the same batch, a tiny distance apart: what T loses in one step, in the mean.

    Finite batches: the inverse of a sample covariance of q parameters is too large by q/n, and
    every sample is in its own Fisher matrix, which lowers the response by as much: the balance is
    below q/n either way.
    """
    scenario = trial.scenario
    n, d, k = scenario.batch_size, scenario.input_dim, scenario.rank
    replicates = RESPONSE_ROWS // n
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=scenario.noise_std)
    G_star, B = problem.representation_star, problem.complement
    batch = model.sample(problem, n, trial.stream("response"))
    method = ngd_empirical.ngd_empirical(step_size=step_size_of(scenario))
    stream = trial.stream("direction")
    T = torch.randn(replicates, k, d - k, generator=stream, device=stream.device, dtype=trial.dtype)
    T = T / torch.linalg.matrix_norm(T, keepdim=True)
    # Against the noise of the parameters, which is sigma (n H Sigma)^{-1/2}.
    size = SMALL_AGAINST_NOISE * scenario.noise_std / math.sqrt(n)

    def after(sign: float) -> Tensor:
        start = model.Weights(problem.head_star, G_star + sign * size * T @ B)
        end, _ = method.step(start, {}, batch)
        return linalg.tangent_matrix(end.representation, G_star, B)

    kept = ((after(1.0) - after(-1.0)) / (2.0 * size) * T).sum((-2, -1))
    want = local_rate(  # the multiplier itself: effective steps stay below 1
        "ngd_empirical", step_size=step_size_of(scenario), noise_std=scenario.noise_std
    )
    lost = as_numpy(1.0 - kept) / (1.0 - want)
    rounding = linalg.machine_tolerance(trial.dtype, dim=d) / (size * scenario.effective_step)
    verdict = decide.equivalence(
        lost,
        predicted=1.0,
        tolerance=0.02 + parameters(scenario) / n + rounding,
        alpha=trial.alpha,
        matters=NEAREST_RIVAL,
    )
    return Finding("mean contraction", verdict.with_detail("measured: loss over predicted loss"))


def floor(trial: Trial) -> Finding:
    """Runs from the solution on fresh batches: mean of |T|_F^2 after the start is forgotten.

    Leading order in 1/n: the terms left out are about 4/3 q/n, as small runs show; 2 q/n is
    allowed. What is left of the start is (1 - alpha)^(2 BURN_IN) <= 0.1 %.
    """
    scenario = trial.scenario
    n = scenario.batch_size
    problem = setup.draw_truth(trial, replicates=1, noise_std=scenario.noise_std)
    heads, schurs = setup.head_eigenvalues(scenario), schur_spectrum(problem)
    replicates = FLOOR_ROWS // n
    wide = replace(
        problem,
        head_star=problem.head_star.expand(replicates, -1, -1),
        representation_star=problem.representation_star.expand(replicates, -1, -1),
    )
    G_star, B = wide.representation_star, problem.complement
    stream = trial.stream("floor")
    _, seen = simulate(
        ngd_empirical.ngd_empirical(step_size=step_size_of(scenario)),
        model.Weights(wide.head_star, G_star),
        lambda t: model.sample(wide, n, stream),
        num_steps=STEPS,
        observe={
            "squares": lambda w: (
                linalg.tangent_matrix(w.representation, G_star, B).square().sum((-2, -1))
            )
        },
    )
    want = tangent_floor(
        "ngd_empirical",
        step_size=step_size_of(scenario),
        noise_std=scenario.noise_std,
        n=n,
        head_eigenvalues=heads,
        schur_eigenvalues=schurs,
        output_dim=scenario.output_dim,
    )
    verdict = decide.equivalence(
        as_numpy(seen["squares"][BURN_IN + 1 :].mean(0)) / want,
        predicted=1.0,
        tolerance=0.12 + 2.0 * parameters(scenario) / n,
        alpha=trial.alpha,
        matters=NEAREST_RIVAL,
    )
    return Finding("floor", verdict.with_detail("measured: over the predicted floor"))


EMPIRICAL_FISHER = Check(
    claim_id="LR-21",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 3, 4),
            Integers("rank", 1, 2),
            Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 1),
            Integers(
                "batch_size",
                lambda v: ROWS_PER_PARAMETER * parameters(v),
                lambda v: 3 * ROWS_PER_PARAMETER * parameters(v) // 2,
            ),
            Covariances(max_log10_cond=1.0),
            Reals("head_log10_cond", 0.0, 0.5),
            Reals("noise_std", 0.005, 0.05, log=True),
            Reals("effective_step", 0.5, 0.9, easy="high"),
            Choice("input_law", ("gaussian",)),
        ),
    ),
    measure=measure_empirical_fisher,
    decisions=2,
    facts=facts,
)
