"""What every squared cosine must satisfy: units, infinite data, isotropy, extreme dampings."""

from collections.abc import Iterator

import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.problems.single_index import directions
from lpfl.verify.expect import Below, Same
from lpfl.verify.setups import alignment as compare
from lpfl.verify.setups import single_index as setup
from lpfl.verify.tolerance import rounding, truncation
from lpfl.verify.trial import Trial
from theory import Spectrum

INPUT_UNIT, TARGET_UNIT = 3.7, 0.013  # what one unit of x, and of y, is called instead of 1
SMALL_ASPECT = 1e-6
LARGE_DAMPING = 1e6
SMALL_DAMPING = 1e-9
FEW = 8


def infinite_data(trial: Trial, part: str, alignment: str) -> Below:
    """With d/n -> 0 the SGD limit is the cap: rho^2 = cap / (1 + x), x <= (d/n) (m1 + s2/c1^2)."""
    known = setup.limits(trial.scenario)
    cap = setup.predicted(trial, part)
    rare = setup.predicted(trial, alignment, aspect=SMALL_ASPECT)
    slope = known["spectrum"].moment(1) + known["residual_var"] / known["c1"] ** 2
    return Below(
        part=part,
        measured=abs(cap - rare),
        limit=SMALL_ASPECT * slope * cap,
        tolerance=compare.FORMULA,
        label="attained with infinite data",
    )


def isotropic(trial: Trial, part: str) -> Below:
    """Isotropic inputs and d/n -> 0 give 1.

    With one eigenvalue r/P = 1/s, so 1 - rho^2 <= (d/n) (c1^2 + s2) / (c1^2 (1 - d/n)).
    """
    known = setup.limits(trial.scenario)
    value = setup.predicted(trial, part, spectrum=Spectrum.isotropic(), aspect=SMALL_ASPECT)
    c1, s2 = known["c1"], known["residual_var"]
    limit = SMALL_ASPECT * (c1**2 + s2) / (c1**2 * (1.0 - SMALL_ASPECT))
    return Below(
        part=part,
        measured=1.0 - value,
        limit=limit,
        tolerance=compare.FORMULA,
        label="distance from 1, isotropic inputs and infinite data",
    )


def large_damping(trial: Trial, part: str, sgd: str) -> Same:
    """A huge damping predicts SGD: every factor moves by at most s_max / L, and there are eight."""
    top = float(setup.spectrum(trial.scenario).eigenvalues.max())
    return Same(
        part=sgd,
        measured=setup.predicted(trial, part, damping=LARGE_DAMPING * top),
        predicted=setup.predicted(trial, sgd),
        tolerance=truncation(8.0 / LARGE_DAMPING, "eight factors that move by s_max / damping"),
        label="the formula at a huge damping",
    )


def small_damping(trial: Trial, part: str, ridgeless: str) -> Same:
    """A tiny damping predicts what no damping predicts, away from d = n.

    The formula is smooth in the damping with slope of order 1 / (s_min |1 - d/n|^2) at most.
    """
    phi = setup.aspect(trial.scenario)
    phi = phi if phi < 0.9 else 0.9
    scale = float(setup.spectrum(trial.scenario).eigenvalues.min()) * (1.0 - phi) ** 2
    return Same(
        part=ridgeless,
        measured=setup.predicted(trial, part, damping=SMALL_DAMPING * scale, aspect=phi),
        predicted=setup.predicted(trial, ridgeless, aspect=phi),
        tolerance=truncation(1e3 * SMALL_DAMPING, "damping over its scale, with room for factors"),
        label="the formula at a tiny damping",
    )


def units(
    trial: Trial, part: str, *, damping: float | None, weighted: bool = False
) -> Iterator[Same]:
    """Neither the prediction nor a few runs change when x and y are measured in other units."""
    known = setup.limits(trial.scenario)
    a, b = INPUT_UNIT, TARGET_UNIT
    other = {
        "spectrum": Spectrum(known["spectrum"].eigenvalues * a**2),
        "c1": known["c1"] * b / a,
        "residual_var": known["residual_var"] * b**2,
    }
    if damping is not None:
        other["damping"] = damping * a**2
    yield Same(
        part=part,
        measured=setup.predicted(trial, part, **other),
        predicted=setup.predicted(trial, part),
        tolerance=compare.FORMULA,
        label="other units, formula",
    )
    found = [_few_runs(trial, x, y, damping, weighted) for x, y in ((1.0, 1.0), (a, b))]
    condition = 1.0
    if damping is not None:
        condition += compare.largest_eigenvalue(trial) / damping
    yield Same(
        part=part,
        measured=found[1],
        predicted=found[0],
        scale=1.0,
        tolerance=rounding(trial.dtype, dim=trial.scenario.input_dim, condition=condition),
        label="other units, runs",
    )


def _few_runs(
    trial: Trial, a: float, b: float, damping: float | None, weighted: bool
) -> torch.Tensor:
    g = link_function(trial.scenario.link)

    def scaled_link(z: Tensor) -> Tensor:
        return b * g(z)

    problem = model.draw_problem(
        setup.covariance(trial) * a**2,
        replicates=FEW,
        generator=trial.stream("units"),
        link=scaled_link,
        noise_std=trial.scenario.noise_std * b,
    )
    batch = setup.draw_moments(trial, problem, 0, name="units batch")
    beta = directions.sgd_direction(batch)
    if damping is not None:
        beta = directions.kfac_direction(batch, damping=damping * a**2)
    return compare.signed(trial, beta, problem, weighted=weighted)
