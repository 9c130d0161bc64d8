"""What every squared cosine must satisfy: units, infinite data, isotropy, extreme dampings."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.problems.single_index import directions
from lpfl.verify.expect import Below, Same
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.stated import same_function as same_function
from lpfl.verify.tolerance import rounding, truncation
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of

INPUT_UNIT, TARGET_UNIT = 3.7, 0.013  # what one unit of x, and of y, is called instead of 1
SMALL_ASPECT = 1e-6
LARGE_DAMPING = 1e6
SMALL_DAMPING = 1e-9
FEW = 8
EVEN_DAMPING = 1e-12


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


def formula_units(trial: Trial, part: str, predict: Callable[..., float]) -> Same:
    """A pure number of the theory does not change with the units of x and y.

    predict: from spectrum, c1, residual_var and damping_unit, by which a damping is multiplied.
    The mean eigenvalue, 1 in every drawn spectrum, is another number in other units.
    """
    known = setup.limits(trial.scenario)
    a, b = INPUT_UNIT, TARGET_UNIT
    link = {"c1": known["c1"], "residual_var": known["residual_var"]}
    other = {"c1": known["c1"] * b / a, "residual_var": known["residual_var"] * b**2}
    scaled = Spectrum(known["spectrum"].eigenvalues * a**2)
    return Same(
        part=part,
        measured=predict(spectrum=scaled, damping_unit=a**2, **other),
        predicted=predict(spectrum=known["spectrum"], damping_unit=1.0, **link),
        tolerance=compare.FORMULA,
        label="other units, formula",
    )


def printed_units(trial: Trial, part: str, *, unit: float = 1.0, **values: float) -> Same:
    """The printed right side in other units of x and y, over ``unit``, that of the result.

    values: statistics of the activation or a damping, which are changed as their units say. The
    weights of the first layer change so that pre-activations do not.
    """
    a, b = INPUT_UNIT, TARGET_UNIT
    known, c0 = setup.limits(trial.scenario), setup.statistics(trial.scenario).c0
    other = {
        "spectrum": Spectrum(known["spectrum"].eigenvalues * a**2),
        "c0": c0 * b,
        "c1": known["c1"] * b / a,
        "residual_var": known["residual_var"] * b**2,
    }
    powers = {"damping": a**2, "act_second": 1 / a}
    other |= {name: value * powers.get(name, 1.0) for name, value in values.items()}
    return Same(
        part=part,
        measured=setup.predicted(trial, part, **other) / unit,
        predicted=setup.predicted(trial, part, **values),
        scale=1.0,
        tolerance=compare.FORMULA,
        label="other units, formula",
    )


def repeated_atoms(trial: Trial, part: str) -> Same:
    """An eigenvalue of weight 3/4 predicts what three equal ones out of four do."""
    weighted = Spectrum([0.5, 2.5], [0.75, 0.25])
    return Same(
        part=part,
        measured=setup.predicted(trial, part, spectrum=weighted),
        predicted=setup.predicted(trial, part, spectrum=Spectrum([0.5, 0.5, 0.5, 2.5])),
        tolerance=compare.FORMULA,
        label="unequal weights",
    )


def as_many_rows_as_dimensions(trial: Trial, part: str) -> Same:
    """At d = n the alignment without damping is what a tiny damping leaves: nothing."""
    known = {**setup.limits(trial.scenario), "aspect": 1.0}
    scale = float(known["spectrum"].eigenvalues.min())
    return Same(
        part=part,
        measured=alignment_of("kfac", damping=0.0, **known),
        predicted=setup.predicted(trial, part, aspect=1.0, damping=EVEN_DAMPING * scale),
        scale=1.0,
        tolerance=truncation(1e-3, "the alignment falls like the root of the damping"),
        label="d = n without damping",
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
