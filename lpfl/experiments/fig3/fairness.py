"""Why SGD and KFAC are compared at equal theta nu, and what reusing the step's rows does."""

from lpfl.experiments.core.estimates import estimate
from lpfl.experiments.core.experiment import Options, Section, Table
from lpfl.experiments.core.single_index_methods import KFAC, KFAC_BEST, SGD
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.experiments.core.single_index_steps import starts, step_at, unit_step
from lpfl.experiments.fig3.errors import (
    METHODS,
    RIDGE,
    TEST_ROWS,
    ErrorRuns,
    error_picture,
    predicted_risk,
)
from lpfl.measure.ridge import refit_errors

STRENGTH = 6.0


def fairness_section(runs: ErrorRuns, anisotropic: Setting) -> Section:
    """Return the same errors against the step size, and a setting where equal theta misleads."""
    setting = runs.setting
    rows = []
    for method in METHODS:
        unit = unit_step(method, setting)
        rows.append((method.label, unit.norm, unit.nu2**0.5, unit.step_size, unit.strength))
    sgd, kfac = (unit_step(m, setting) for m in (SGD, KFAC))
    finding = (
        f"The same move of the features needs η = {sgd.step_size:.2f} θν for SGD and "
        f"{kfac.step_size:.2f} θν for KFAC: at equal η the two take steps of different length."
    )
    text = (
        "A step adds θ (f/|f|) (β/|β|)' to the weights, θ = η |c_act| |f| |β|. What the features "
        "see is θ times β·x/|β|, whose standard deviation is θν, ν² = β'Σβ/|β|². SGD's β has a "
        "large |β| and leans towards the large eigenvalues, so its ν is large as well; KFAC's are "
        "smaller. At equal η, or equal θ, SGD moves the features further, which favours one or the "
        "other depending on which side of the optimum η lies. At equal θν the spikes of the "
        "features have equal strength, and only the direction is compared.",
    )
    header = ["method", "|β|", "ν", "η at θν = 1", "θ at θν = 1"]
    table = Table(header, rows, title="Predicted size of the direction", note=setting.sizes)
    pictures = (error_picture(runs, equal="index"), error_picture(runs, equal="step"))
    tables = (table, _equal_strength(anisotropic))
    return Section("Why not equal step sizes", finding, text, pictures, tables)


def _equal_strength(setting: Setting) -> Table:
    """Return predicted errors at equal theta, where SGD seems to win, and at equal theta nu."""
    units = {m: unit_step(m, setting) for m in METHODS}
    index_std = STRENGTH / units[SGD].strength
    rows = []
    for method, unit in units.items():
        at_strength = predicted_risk(method, setting, STRENGTH / unit.strength).test
        at_index = predicted_risk(method, setting, index_std).test
        rows.append((method.label, STRENGTH / unit.strength, at_strength, at_index))
    header = ["method", "its θν", f"error at θ = {STRENGTH:g}", f"error at θν = {index_std:.3g}"]
    note = f"{setting.sizes}, He1 + He2/2 with activation tanh(t + {setting.shift:g}), predicted."
    return Table(header, rows, title="Equal θ misleads where a = 0.9", note=note)


def reuse_section(
    setting: Setting, options: Options, *, index_std: float, replicates: int
) -> Section:
    """Return errors of a fit on fresh rows and on the rows of the step, side by side."""
    methods = (SGD, KFAC_BEST)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for start in starts(setting, options, replicates=replicates, tag="reuse"):
        for method in methods:
            update = start.update(method, setting)
            network = start.after(update, step_at(method, setting, index_std))
            for data, rows in (("fresh", None), ("same", start.rows)):
                errors = refit_errors(
                    start.problem,
                    network,
                    penalty=RIDGE,
                    fit_rows=setting.samples,
                    test_rows=TEST_ROWS,
                    generator=start.stream,
                    same_rows=rows,
                )
                both = (float(errors.test), float(errors.train))
                found.setdefault((method.label, data), []).append(both)
    rows_of_table = []
    for method in methods:
        risk = predicted_risk(method, setting, index_std)
        for data in ("fresh", "same"):
            test, train = (estimate(list(v)) for v in zip(*found[method.label, data], strict=True))
            limit = (risk.test, risk.train) if data == "fresh" else (None, None)
            words = "fresh rows" if data == "fresh" else "the step's rows"
            rows_of_table.append((method.label, words, limit[0], test.text, limit[1], train.text))
    warning = predicted_risk(SGD, setting, index_std, same_data=True).warnings[-1]
    header = ["method", "fit on", "test predicted", "measured", "train predicted", "measured"]
    title = f"θν = {index_std:g}, {setting.sizes}"
    text = (
        "SI-14 is a statement about fresh rows. Used again, the rows of the step have already been "
        "fitted by the first layer: the train error is lower and the test error higher. No theory "
        f"is known for it; the prediction says so when asked: “{warning}”.",
    )
    return Section(
        "Fitting the second layer on the step's own rows",
        "Reusing the rows of the step lowers the train error and raises the test error.",
        text,
        (),
        (Table(header, rows_of_table, title=title),),
    )
