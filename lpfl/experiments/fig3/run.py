"""Fig. 3: spectra of weights and features around the step, and the error after it."""

from dataclasses import dataclass, replace
from functools import partial

from lpfl.experiments.core.experiment import Experiment, Options, Part, Say, Section
from lpfl.experiments.core.single_index_setting import TALL, WIDE, Setting
from lpfl.experiments.fig2.run import STAND_IN
from lpfl.experiments.fig3.errors import (
    RIDGE,
    RISK_MARGIN,
    TEST_ROWS,
    ErrorRuns,
    errors_section,
    measure,
)
from lpfl.experiments.fig3.fairness import fairness_section, reuse_section
from lpfl.experiments.fig3.features import EDGE_MARGIN, SPIKE_MARGIN, features_section
from lpfl.experiments.fig3.weights import OUTLIER_MARGIN, weights_section

WEIGHT_STEP = 3.0
FEATURE_STEP = 24.0
REUSE_STEP = 8.0
SHIFT = 0.7


@dataclass(frozen=True)
class Scale:
    """Replicates of spectra and of errors, the steps theta nu, and whether d, n, N are halved."""

    spectra: int
    errors: int
    index_stds: tuple[float, ...]
    half: bool


SCALES = {
    "quick": Scale(4, 4, (1.0, 3.0, 8.0, 16.0, 32.0), half=True),
    "paper": Scale(10, 8, (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0), half=False),
}


def scale_of(options: Options) -> Scale:
    """Return the scale, with the person's own number of replicates where one is given."""
    scale = SCALES[options.scale]
    if options.seeds is None:
        return scale
    return replace(scale, spectra=options.seeds, errors=options.seeds)


def wide(options: Options) -> Setting:
    """Return the wide setting, at half its size on the quick scale."""
    return WIDE.half() if scale_of(options).half else WIDE


def even(setting: Setting) -> Setting:
    """Return the setting with a link and an activation that have an even part."""
    return replace(setting, link="he12", shift=SHIFT)


PAPER = {
    "sizes": "the content of its third figure was not seen; the sizes are those of the second",
    "covariance": "not known to us",
    "labels and activation": "not known to us",
    "steps": "not known to us",
    "second layer": "not known to us",
    "replicates": "not known to us",
}


def settings(options: Options) -> list[tuple[str, str]]:
    """Return what was chosen by us, and what the scale leaves out."""
    scale, setting = scale_of(options), wide(options)
    halved = f", run at half its size, {setting.sizes}, with the same d/n and N/d"
    return [
        ("sizes", f"{WIDE.sizes}{halved if scale.half else ''}; and {TALL.sizes}"),
        ("covariance", STAND_IN),
        (
            "labels and activation",
            "chosen by us: tanh with activation tanh (both odd), and He1 + He2/2 with activation "
            f"tanh(t + {SHIFT:g}) (both with an even part); noise 0.3",
        ),
        ("steps", f"θν = {WEIGHT_STEP:g} for weights, {FEATURE_STEP:g} for features"),
        (
            "second layer",
            f"ridge {RIDGE:g} on n fresh rows, features centred, {TEST_ROWS} test rows",
        ),
        ("replicates", f"{scale.spectra} for spectra, {scale.errors} for errors"),
        (
            "margins",
            f"stated beforehand, plus the 95 % interval: outlier and overlaps {OUTLIER_MARGIN:.0%}"
            f", edge of the feature bulk {EDGE_MARGIN:.0%}, feature outliers {SPIKE_MARGIN:.0%}, "
            f"errors {RISK_MARGIN:.0%}",
        ),
    ]


def parts(options: Options, say: Say) -> list[Part]:
    """Return spectra, errors inside and outside the domain, and what makes a comparison fair."""
    scale, setting = scale_of(options), wide(options)
    odd = replace(setting, link="tanh")

    def weights(one: Setting) -> list[Section]:
        return [weights_section(one, options, index_std=WEIGHT_STEP, replicates=scale.spectra)]

    def features() -> list[Section]:
        one = even(setting)
        return [features_section(one, options, index_std=FEATURE_STEP, replicates=scale.spectra)]

    def errors_odd() -> list[Section]:
        runs = _errors(odd, options, scale, say)
        text = "Labels tanh, activation tanh: the step helps through the linear part and He3."
        return [
            errors_section(f"Error, odd link, {odd.sizes}", runs, (text,)),
            fairness_section(runs, even(setting).with_spread(0.9)),
        ]

    def errors_even() -> list[Section]:
        text = (
            "Labels He1 + He2/2: without a step no linear model sees He2; the second spike of the "
            "features carries it, once it is strong enough."
        )
        runs = _errors(even(setting), options, scale, say)
        return [errors_section(f"Error, even part, {setting.sizes}", runs, (text,))]

    def errors_outside() -> list[Section]:
        text = (
            f"n = {TALL.samples} is about d²/7: the random features learn quadratic functions by "
            "themselves, which the linear equivalent of the bulk does not know. The prediction is "
            "drawn all the same, with its warning."
        )
        runs = _errors(even(TALL), options, scale, say)
        return [errors_section(f"Error outside the domain, {TALL.sizes}", runs, (text,))]

    def reuse() -> list[Section]:
        return [reuse_section(odd, options, index_std=REUSE_STEP, replicates=scale.errors)]

    per_error = scale.errors * len(scale.index_stds)
    return [
        Part(f"weights, {setting.sizes}", partial(weights, even(setting)), scale.spectra),
        Part(f"weights, {TALL.sizes}", partial(weights, even(TALL)), scale.spectra),
        Part("features", features, scale.spectra),
        Part("errors, odd link", errors_odd, per_error),
        Part("errors, even part", errors_even, per_error),
        Part("errors outside the domain", errors_outside, per_error),
        Part("the step's rows used again", reuse, scale.errors),
    ]


def _errors(setting: Setting, options: Options, scale: Scale, say: Say) -> ErrorRuns:
    say(f"errors, link {setting.link}, {setting.sizes}: {len(scale.index_stds)} steps")
    return measure(setting, options, index_stds=scale.index_stds, replicates=scale.errors)


FIG3 = Experiment(
    name="fig3",
    title="Spectra around the step, and the error after it",
    says=(
        "One step of SGD or KFAC puts an outlier into the first layer and spikes into its "
        "features; a ridge fit of the second layer then turns the direction into test error. "
        "Lines are predictions, points and bars are runs."
    ),
    settings=settings,
    parts=parts,
    paper=PAPER,
)
