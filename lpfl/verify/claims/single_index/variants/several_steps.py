"""SI-27: several steps on fresh batches, with a residual that stands still and one that moves."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.optim.kfac import Kfac
from lpfl.optim.sgd import Sgd
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.optimizers.descent import descend
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.core.resolvent import resolvent
from theory.single_index import alignment as alignment_of
from theory.single_index import steps_alignment
from theory.single_index.variants.passes import largest_eigenvalue
from theory.single_index.variants.several_steps import Path

SGD_SHARE = 0.7  # step of SGD over that of KFAC, divided by the largest eigenvalue of a batch
LENGTH_SPREAD = 2.5  # relative, times sqrt(d): of a squared length
ENERGY = 3.0  # finite-size terms of a squared length, in those of a squared cosine


@check(
    "SI-27",
    (
        Integers("input_dim", 48, 72, log=True),
        *setup.AXES[1:],
        setup.DAMPING,
        Integers("fresh_steps", 2, 4),
        Reals("step_size", 0.3, 0.9),
    ),
    anchors=(
        setup.scenario(64, n=128, damping=0.12, fresh_steps=2, step_size=0.5),
        setup.scenario(
            60,
            n=240,
            covariance=setup.two_atom(60, 0.8, "haar"),
            damping=0.1,
            fresh_steps=4,
            step_size=0.9,
        ),
    ),
    decisions=13,
    facts=setup.facts,
)
def several_steps(trial: Trial) -> Iterator[Comparison]:
    """T batches: their directions averaged, and the steps of a regression on their labels."""
    known = setup.limits(trial.scenario)
    s, phi = known["spectrum"], known["aspect"]
    steps, damping = int(trial.fresh_steps), float(trial.damping)
    eta = float(trial.step_size)
    eta_sgd = SGD_SHARE * eta / largest_eigenvalue(s, aspect=phi)
    kfac, sgd = Kfac(step_size=eta, damping=damping), Sgd(step_size=eta_sgd)
    v = float(resolvent(s, aspect=phi, damping=damping).v)
    values = {name: known[name] for name in ("aspect", "c1", "residual_var")}
    values |= {"damping": damping, "resolvent_v": v}
    paths = {"kfac": Path("kfac", s, eta, values), "sgd": Path("sgd", s, eta_sgd, values)}
    energies = {name: last_step(path, steps) for name, path in paths.items()}
    rules: dict[str, dict[str, Any]] = {
        "frozen": {"method": "kfac", "step_size": 0.0, "damping": damping},
        "frozen_sgd": {"method": "sgd", "step_size": 0.0},
        "moving": {"method": "kfac", "step_size": eta, "damping": damping},
        "moving_sgd": {"method": "sgd", "step_size": eta_sgd},
    }
    limit, weighted = (
        {
            part: steps_alignment(steps=steps, weight=weight, **rule, **known)
            for part, rule in rules.items()
        }
        for weight in ("identity", "covariance")
    )

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batches = [
            setup.draw_moments(trial, problem, block, name=f"batch {t}") for t in range(steps)
        ]
        setup.admit(trial, problem, batches[0].n, damping=damping)
        trial.memory.setdefault("batch", batches[0])
        frozen = torch.stack(
            [directions.kfac_direction(one, damping=damping) for one in batches]
        ).sum(0)
        frozen_sgd = torch.stack([directions.sgd_direction(one) for one in batches]).sum(0)
        before, moving = (descend(kfac, batches[:k]) for k in (steps - 1, steps))
        moving_sgd = descend(sgd, batches)
        directions_of = {
            "frozen": frozen,
            "frozen_sgd": frozen_sgd,
            "moving": moving,
            "moving_sgd": moving_sgd,
        }
        found = {}
        for name, beta in directions_of.items():
            found[name] = compare.signed(trial, beta, problem)
            found[f"weighted {name}"] = compare.signed(trial, beta, problem, weighted=True)
        c1 = setup.statistics(trial.scenario).c1
        target = c1 * problem.teacher
        share = spectral(problem.covariance, lambda t: t * v / (1 + t * v))
        filtered = spectral(
            problem.covariance, lambda t: 1 - (1 - eta * t * v / (1 + t * v)) ** steps
        )
        by_sgd = spectral(problem.covariance, lambda t: 1 - (1 - eta_sgd * t) ** steps)
        fresh = moving - before - eta * times(share, target - before)
        found["energy"] = (moving - times(filtered, target)).square().sum(-1)
        found["energy_sgd"] = (moving_sgd - times(by_sgd, target)).square().sum(-1)
        found["noise_level"] = fresh.square().sum(-1)
        return found

    replicates = max(
        compare.replicates_for_limits(trial, *limit.values()),
        compare.replicates_for(trial, length_margin(trial, 1.0).value, spread=LENGTH_SPREAD),
    )
    seen = setup.replicated(trial, replicates, measure)
    one = {
        "kfac": alignment_of("kfac", damping=damping, **known),
        "sgd": alignment_of("sgd", **known),
    }
    rivals = {
        "frozen": {"one step": one["kfac"]},
        "frozen_sgd": {"one step": one["sgd"], "moving residual": limit["moving_sgd"]},
        "moving": {"one step": one["kfac"], "SGD": limit["moving_sgd"]},
        "moving_sgd": {"frozen residual": limit["frozen_sgd"], "one step": one["sgd"]},
    }
    for part, value in limit.items():
        yield compare.near(trial, part, seen[part], value, rivals=rivals[part])
        yield compare.near(
            trial,
            part,
            seen[f"weighted {part}"],
            weighted[part],
            rivals={"unweighted": value},
            label="squared correlation",
        )
    yield first_step(rules, known)
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], damping)
    cap = setup.predicted(trial, "cap")
    yield compare.ordered(
        trial,
        "cap",
        np.full_like(seen["frozen_sgd"], cap),
        seen["frozen_sgd"],
        cap - limit["frozen_sgd"],
    )
    if trial.link not in compare.HEAVY_TAILED:  # their squares spread too widely for the replicates
        yield from lengths(trial, seen, energies, gain(s, v), eta * eta * phi)


def first_step(rules: Mapping[str, dict[str, Any]], known: dict[str, Any]) -> Same:
    """One step has the alignment of one step, whether or not the residual moves later."""
    cases = {}
    for name, rule in rules.items():
        plain = {key: value for key, value in rule.items() if key not in ("method", "step_size")}
        for weight in ("identity", "covariance"):
            cases[f"one step, {name}, {weight}"] = (
                steps_alignment(steps=1, weight=weight, **rule, **known),
                alignment_of(rule["method"], weight=weight, **plain, **known),
            )
    return functions.special_cases("moving", cases)


def last_step(path: Path, steps: int) -> dict[str, float]:
    """Return the noise energy and level of the last step of a path, by the printed relations."""
    for _ in range(steps - 1):
        path.step()
    before = path.noise
    path.step()
    mean = path.spectrum.expect
    return {"energy": mean(path.noise), "kept": mean(before), "level": path.level}


def gain(spectrum: Spectrum, v: float) -> float:
    """Return E[s r^2], by which the noise level enters the squared length of a step."""
    s = spectrum.eigenvalues
    return spectrum.expect(s * (v / (1 + s * v)) ** 2)


def lengths(
    trial: Trial, seen: Any, energies: Any, gained: float, scale: float
) -> Iterator[Comparison]:
    """Compare squared lengths: the noise of the weights, and what one step adds to it."""
    predicted = {
        "energy": (energies["kfac"]["energy"], energies["kfac"]["kept"]),
        "energy_sgd": (energies["sgd"]["energy"], energies["sgd"]["kept"]),
        "noise_level": (energies["kfac"]["level"], setup.statistics(trial.scenario).residual_var),
    }
    for part, (value, rival) in predicted.items():
        unit = scale * gained if part == "noise_level" else 1.0
        name = "the labels' noise" if part == "noise_level" else "one step less"
        yield compare.near(
            trial,
            part,
            seen[part] / unit,
            value,
            rivals={name: rival},
            tolerance=length_margin(trial, value),
        )


def length_margin(trial: Trial, value: float) -> Tolerance:
    """Return the margin of a squared length: relative, three terms of a squared cosine's."""
    term = ENERGY * compare.finite(trial.scenario).value * value
    share = judgement(compare.RELATIVE * value, "3 % of the limit, as for squared cosines")
    return finite_size(term, "3 times the term of a squared cosine, relative") + share


def spectral(covariance: Tensor, function: Any) -> Tensor:
    """Return function(Sigma), (d,) or (d, d)."""
    if covariance.ndim == 1:
        return function(covariance)
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * function(values)) @ vectors.mT


def times(matrix: Tensor, vectors: Tensor) -> Tensor:
    """Return the symmetric matrix, (d,) or (d, d), times vectors (R, d)."""
    return vectors * matrix if matrix.ndim == 1 else vectors @ matrix
