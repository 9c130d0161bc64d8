"""What every squared cosine must satisfy, in theory and in runs: units, range, limiting cases."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide, linalg
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.problems.single_index import directions
from lpfl.verify.check import Finding, Trial, as_numpy
from lpfl.verify.setups import single_index as setup
from theory import Spectrum
from theory.single_index import alignment as predicted_alignment

INPUT_UNIT, TARGET_UNIT = 3.7, 0.013  # what one unit of x, and of y, is called instead of 1
FORMULA_TOLERANCE = 1e-12  # sums of positive terms over at most 1000 eigenvalues
SMALL_ASPECT = 1e-6
LARGE_DAMPING = 1e6
ROOM = 2.0  # for the largest eigenvalue of a batch, above its limit at finite d
FEW = 8


def largest_eigenvalue(trial: Trial) -> float:
    """Return an upper bound for the largest eigenvalue of the batch's second moment."""
    top = float(trial.scenario.covariance.spectrum()[0])
    return ROOM * top * (1.0 + math.sqrt(setup.aspect(trial.scenario))) ** 2


def sgd_limit_of_runs(trial: Trial, gaps: NDArray[np.float64], damping: float) -> decide.Verdict:
    """Decide that KFAC at a huge damping is SGD.

    (Q + L)^-1 h L = h - Q h / L + ..., so the two squared cosines differ by at most 2 |Q| / L.
    """
    rounding = linalg.machine_tolerance(trial.dtype, dim=trial.scenario.input_dim)
    limit = 2.0 * largest_eigenvalue(trial) / damping
    return decide.bound(gaps, limit, rounding=rounding)


def units_of_theory(
    trial: Trial, method: str, *, damping: float | None = None, weight: str = "identity"
) -> float:
    """Return the relative change of a prediction when x and y are measured in other units."""
    known = setup.limits(trial.scenario)
    a, b = INPUT_UNIT, TARGET_UNIT
    other = {
        "spectrum": Spectrum(known["spectrum"].eigenvalues * a**2),
        "aspect": known["aspect"],
        "c1": known["c1"] * b / a,
        "residual_var": known["residual_var"] * b**2,
    }
    scaled = None if damping is None else damping * a**2
    first = predicted_alignment(method, damping=damping, weight=weight, **known)
    second = predicted_alignment(method, damping=scaled, weight=weight, **other)
    return abs(second - first) / first


def units_of_runs(trial: Trial, *, damping: float | None, weighted: bool) -> decide.Verdict:
    """Decide that a few runs do not change when x and y are measured in other units."""
    g = link_function(trial.scenario.link)
    found = []
    for a, b in ((1.0, 1.0), (INPUT_UNIT, TARGET_UNIT)):

        def scaled_link(z: Tensor, b: float = b) -> Tensor:
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
        weight = problem.covariance if weighted else None
        found.append(as_numpy(alignment(beta, problem.teacher, weight=weight)))
    condition = 1.0 if damping is None else 1.0 + largest_eigenvalue(trial) / damping
    bound = linalg.machine_tolerance(trial.dtype, dim=trial.scenario.input_dim, condition=condition)
    return decide.identity(np.abs(found[0] - found[1]), tolerance=bound)


def range_excess(values: list[float]) -> decide.Verdict:
    """Decide that predicted squared cosines lie in [0, 1]."""
    excess = [max(value, 1.0 - value) for value in values]
    return decide.bound(excess, 1.0, rounding=FORMULA_TOLERANCE)


def isotropic_gap(trial: Trial, method: str, damping: float | None = None) -> decide.Verdict:
    """Decide that isotropic inputs and d/n -> 0 give 1.

    With one eigenvalue r/P = 1/s, so 1 - rho^2 <= (d/n) (c1^2 + s2) / (c1^2 (1 - d/n)).
    """
    known = {
        **setup.limits(trial.scenario),
        "spectrum": Spectrum.isotropic(),
        "aspect": SMALL_ASPECT,
    }
    value = predicted_alignment(method, damping=damping, **known)
    c1, s2 = known["c1"], known["residual_var"]
    limit = SMALL_ASPECT * (c1**2 + s2) / (c1**2 * (1.0 - SMALL_ASPECT))
    return decide.bound(1.0 - value, limit, rounding=FORMULA_TOLERANCE)


def sgd_properties(trial: Trial) -> list[Finding]:
    """Return what SI-02's formula and runs must satisfy."""
    known = setup.limits(trial.scenario)
    s = known["spectrum"]
    rare = predicted_alignment("sgd", **{**known, "aspect": SMALL_ASPECT})
    cap = s.moment(1) ** 2 / s.moment(2)
    # rho^2 = cap / (1 + x), x = (d/n) (m1 / m2) (m1 + s2 / c1^2) <= (d/n) (m1 + s2 / c1^2)
    slope = s.moment(1) + known["residual_var"] / known["c1"] ** 2
    values = [predicted_alignment("sgd", **{**known, "aspect": x}) for x in (1e-3, 1.0, 1e3)]
    return [
        Finding(
            "cap with infinite data",
            decide.bound(abs(cap - rare), SMALL_ASPECT * slope * cap, rounding=FORMULA_TOLERANCE),
        ),
        Finding("isotropic, infinite data", isotropic_gap(trial, "sgd")),
        Finding("range", range_excess([*values, cap])),
        Finding("units, theory", decide.identity(units_of_theory(trial, "sgd"), tolerance=1e-12)),
        Finding("units, runs", units_of_runs(trial, damping=None, weighted=False)),
    ]


def damped_properties(trial: Trial, weight: str) -> list[Finding]:
    """Return what a formula in the damping must satisfy for a weight."""
    known: dict[str, Any] = setup.limits(trial.scenario)
    damping = float(trial.scenario.damping)
    sgd = predicted_alignment("sgd", weight=weight, **known)
    top = float(known["spectrum"].eigenvalues.max())
    large = LARGE_DAMPING * top
    far = predicted_alignment("kfac", damping=large, weight=weight, **known)
    grid = [
        predicted_alignment("kfac", damping=x, weight=weight, **{**known, "aspect": phi})
        for x in (0.0, 1e-6, damping, 1e3)
        for phi in (0.05, known["aspect"], 20.0)
    ]
    theory = units_of_theory(trial, "kfac", damping=damping, weight=weight)
    runs = units_of_runs(trial, damping=damping, weighted=weight == "covariance")
    return [
        # every factor of the formula moves by at most s_max / L, and there are eight of them
        Finding(
            "large damping is SGD, theory",
            decide.bound(abs(far - sgd) / sgd, 8.0 * top / large, rounding=FORMULA_TOLERANCE),
        ),
        Finding("range", range_excess(grid)),
        Finding("units, theory", decide.identity(theory, tolerance=FORMULA_TOLERANCE)),
        Finding("units, runs", runs),
    ]


def kfac_properties(trial: Trial) -> list[Finding]:
    """Return what SI-03's formula and runs must satisfy."""
    gap = isotropic_gap(trial, "kfac", float(trial.scenario.damping))
    return [
        *damped_properties(trial, "identity"),
        Finding("isotropic, infinite data", gap),
        Finding("small damping is ridgeless", ridgeless_gap(trial)),
    ]


def ridgeless_gap(trial: Trial) -> decide.Verdict:
    """Decide that a tiny damping predicts what no damping predicts, away from d = n.

    The formula is smooth in the damping with slope of order 1 / (s_min |1 - d/n|^2) at most: at
    damping 1e-9 of that scale the two agree to 1e-6.
    """
    known = setup.limits(trial.scenario)
    phi = known["aspect"]
    if abs(phi - 1.0) < 0.1:
        known["aspect"] = phi = 0.9
    scale = float(known["spectrum"].eigenvalues.min()) * (1.0 - phi) ** 2
    tiny = predicted_alignment("kfac", damping=1e-9 * scale, **known)
    none = predicted_alignment("kfac", damping=0.0, **known)
    return decide.identity(abs(tiny - none) / none, tolerance=1e-6)


def correlation_properties(trial: Trial) -> list[Finding]:
    """Return what SI-07's formula and runs must satisfy."""
    return damped_properties(trial, "covariance")
