"""SI-15: a teacher that prefers some directions, and the damping it prefers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import sizes
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index import optimal_damping
from theory.single_index.teacher import energy_per_eigenspace

GRID = tuple(float(x) for x in np.logspace(-2.0, 2.0, 41))  # multiples of the isotropic lam*


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Say that the teacher is given."""
    return {**setup.facts(scenario), "teacher_law": "given"}


def half_teacher(tilt: float) -> Scenario:
    """Return eigenvalues 0.1 and 1.9 with (nearly) all of the teacher on one half of them."""
    covariance = setup.two_atom(120, 0.9, "haar")
    found: Scenario = setup.scenario(
        120, n=300, covariance=covariance, damping=0.1, teacher_tilt=tilt
    )
    return found


def tilted_teacher(trial: Trial, problem: model.SingleIndexProblem, block: int) -> Tensor:
    """Return teachers with energy s^tilt along each eigenvector, random signs (R, d)."""
    matrix = problem.covariance
    dense = matrix if matrix.ndim == 2 else torch.diag(matrix)
    values, vectors = torch.linalg.eigh(dense)
    size = (problem.replicates, problem.dim)
    coins = torch.randint(0, 2, size, generator=trial.stream("signs", block), device=trial.device)
    amplitudes = values ** (trial.scenario.teacher_tilt / 2) * (2.0 * coins.to(trial.dtype) - 1.0)
    return model.normalised_teacher(amplitudes @ vectors.mT, matrix)


# Condition 4, where the finite-size term is smallest.
MILD = setup.scenario(
    112,
    n=280,
    covariance=setup.two_atom(112, 0.6, "haar"),
    noise_std=0.6,
    damping=0.3,
    teacher_tilt=1.5,
)
ANCHORS = (half_teacher(-3.0), half_teacher(3.0), MILD)
LARGE = setup.scenario(
    192,
    n=480,
    covariance=setup.two_atom(192, 0.6, "haar"),
    noise_std=0.6,
    damping=0.3,
    teacher_tilt=1.5,
)


@check(
    "SI-15",
    (*setup.WIDE_AXES, setup.DAMPING, Reals("teacher_tilt", -1.0, 1.0)),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=8 + 2 * sizes.DECISIONS,
    facts=facts,
)
def given_teacher(trial: Trial) -> Iterator[Comparison]:
    """SGD, KFAC at the drawn damping, without one, at the isotropic lam* and at the best one."""
    without = setup.limits(trial.scenario)
    s = without["spectrum"]
    energy = energy_per_eigenspace(s, s.eigenvalues**trial.scenario.teacher_tilt)
    rule = optimal_damping(**{k: without[k] for k in ("aspect", "c1", "residual_var")})

    def kfac(damping: float) -> float:
        return setup.predicted(trial, "alignment", energy=energy, damping=damping)

    dampings = {
        "alignment": float(trial.scenario.damping),
        "rule": rule,
        "best": rule * max(GRID, key=lambda x: kfac(rule * x)),
    }
    limit = {name: kfac(x) for name, x in dampings.items()}
    limit["sgd"] = setup.predicted(trial, "sgd", energy=energy)
    rival = {
        "alignment": alignment_of("kfac", damping=dampings["alignment"], **without),
        "sgd": alignment_of("sgd", **without),
    }
    if compare.ridgeless_applies(trial) and without["aspect"] < 1:
        dampings["ridgeless"] = 0.0
        limit["ridgeless"] = setup.predicted(trial, "ridgeless", energy=energy)
        rival["ridgeless"] = alignment_of("kfac", damping=0.0, **without)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        teacher = tilted_teacher(trial, problem, block)
        problem = replace(problem, teacher=teacher, teacher_law="given")
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=dampings["alignment"])
        trial.memory.setdefault("batch", batch)
        beta = directions.sgd_direction(batch)
        found = {
            "sgd": compare.signed(trial, beta, problem),
            "weighted sgd": compare.signed(trial, beta, problem, weighted=True),
        }
        for name, damping in dampings.items():
            beta = directions.kfac_direction(batch, damping=damping)
            found[name] = compare.signed(trial, beta, problem)
            found[f"weighted {name}"] = compare.signed(trial, beta, problem, weighted=True)
        return found

    replicates = compare.replicates_for_limits(trial, *(limit[name] for name in rival))
    seen = setup.replicated(trial, replicates, measure)
    for name, value in rival.items():
        rivals = {"an isotropic teacher": value, "SGD": limit["sgd"], "KFAC": limit["alignment"]}
        rivals.pop({"sgd": "SGD", "alignment": "KFAC"}.get(name, ""), None)
        yield compare.near(
            trial, name, seen[name], limit[name], rivals=rivals, damped=name != "ridgeless"
        )
        given = {"damping": dampings.get(name), "teacher_energy": energy, **without}
        method = "sgd" if name == "sgd" else "kfac"
        yield cases.same_function(name, alignment_of(method, **given), limit[name])
        weighted = alignment_of(method, weight="covariance", **given)
        yield compare.near(
            trial,
            name,
            seen[f"weighted {name}"],
            weighted,
            rivals={"the squared cosine": limit[name]},
            damped=name != "ridgeless",
            label="squared correlation",
        )
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], dampings["alignment"])
    gap = limit["best"] - limit["rule"]
    label = f"damping {dampings['best']:.3g} above λ⋆ = {rule:.3g}"
    yield compare.ordered(trial, "moved", seen["best"], seen["rule"], gap, label=label)
    # Energies are rescaled to beta*'S beta* = 1, which for equal ones is the isotropic convention
    # because the mean eigenvalue is 1.
    flat = energy_per_eigenspace(s, np.ones_like(s.eigenvalues))
    for name in ("sgd", "alignment"):
        yield Same(
            part=name,
            measured=setup.predicted(trial, name, energy=flat),
            predicted=rival[name],
            tolerance=compare.FORMULA,
            label="equal energies are an isotropic teacher",
        )


given_teacher.extra("decay", on=(LARGE,))(
    sizes.follow(given_teacher, sizes.Law("alignment"), sizes.Law("sgd"))
)


@given_teacher.extra("the function", on=ANCHORS)
def any_spectrum(trial: Trial) -> Iterator[Comparison]:
    """Other units and weights: an eigenvalue carries its weight's share of the teacher."""
    at = trial.scenario
    phi = setup.aspect(at)

    def predict(
        unit: float, spectrum: Spectrum, c1: float, damping: float | None, **how: Any
    ) -> float:
        energy = spectrum.weights * spectrum.eigenvalues**at.teacher_tilt
        return alignment_of(
            spectrum=spectrum,
            c1=c1 * unit**0.5,  # a given teacher has beta'S beta = 1: c1 is in units of y alone
            aspect=phi,
            damping=None if damping is None else damping * unit,
            teacher_energy=energy,
            **how,
        )

    ways = [
        partial(predict, method=method, damping=damping, weight=weight)
        for method, damping in (("sgd", None), ("kfac", float(at.damping)), ("kfac", 0.0))
        for weight in ("identity", "covariance")
    ]
    yield functions.any_spectrum(trial, "alignment", *ways)
