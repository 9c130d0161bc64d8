"""The variants that libraries run, as an experiment of five parts."""

from dataclasses import dataclass

from lpfl.experiments.core.experiment import Experiment, Options, Part, Say, Section
from lpfl.experiments.variants import average, identify, phase
from lpfl.experiments.variants.powers import powers_section
from lpfl.experiments.variants.race_section import race_section
from lpfl.experiments.variants.truth import mild_truth


@dataclass(frozen=True)
class Scale:
    """How much is run: replicates of each part and the points along its axes."""

    races: int
    rows: tuple[int, ...]
    powers: int
    ratios: tuple[float, ...]
    answers: int
    averages: int
    times: tuple[int, ...]
    phases: int
    aspects: tuple[float, ...]
    shares: tuple[float, ...]


SCALES = {
    "quick": Scale(
        races=300,
        rows=(48, 192, 768, 3072),
        powers=200,
        ratios=(1.5, 3.0, 4.5),
        answers=400,
        averages=24,
        times=(1, 2, 5, 10, 30, 100),
        phases=60,
        aspects=(0.1, 0.25, 0.4, 0.55, 0.7, 0.85),
        shares=(0.15, 0.3, 0.45, 0.6, 0.75, 0.9),
    ),
    "paper": Scale(
        races=3000,
        rows=(24, 48, 96, 192, 384, 768, 1536, 3072),
        powers=1000,
        ratios=(1.5, 3.0, 4.5, 6.0),
        answers=4000,
        averages=200,
        times=(1, 2, 5, 10, 20, 50, 100, 200),
        phases=400,
        aspects=tuple(round(0.08 * i, 2) for i in range(1, 12)),
        shares=tuple(round(0.08 * i, 2) for i in range(1, 13)),
    ),
}


def scale_of(options: Options) -> Scale:
    """Return the scale, with the person's own number of replicates where one is given."""
    scale = SCALES[options.scale]
    few = options.seeds
    if few is None:
        return scale
    return Scale(
        few, scale.rows, few, scale.ratios, few, few, scale.times, few, scale.aspects, scale.shares
    )


def settings(options: Options) -> list[tuple[str, str]]:
    """Return what was chosen by us."""
    scale = scale_of(options)
    return [
        ("linear problems", "diagonal Σ and F⋆, G⋆ = [I 0]: the modes of T are its entries"),
        (
            "level",
            "small tangents and small noise: the statements hold to first order in both",
        ),
        (
            "step sizes",
            "of a grid with two points an octave, the one that theory expects to arrive first",
        ),
        (
            "replicates",
            f"{scale.races} races, {scale.powers} runs per power, {scale.answers} answers, "
            f"{scale.averages} movements, {scale.phases} pairs on the map",
        ),
        (
            "margins",
            "stated beforehand, beside the 95 % interval: 10 % and a third of a step for steps, "
            f"12 % for rows, {identify.MARGIN:g} for an exponent, 2/d + 3 % for an alignment, "
            f"{phase.MARGIN:g} for a difference of two",
        ),
    ]


def parts(options: Options, say: Say) -> list[Part]:
    """Return the five parts."""
    scale = scale_of(options)

    def races() -> list[Section]:
        return [race_section(mild_truth(), scale.rows, options, replicates=scale.races, say=say)]

    def powers() -> list[Section]:
        return [powers_section(options, ratios=scale.ratios, replicates=scale.powers, say=say)]

    def answers() -> list[Section]:
        return [identify.identify_section(options, replicates=scale.answers, say=say)]

    def averages() -> list[Section]:
        return [
            average.average_section(options, replicates=scale.averages, times=scale.times, say=say)
        ]

    def phases() -> list[Section]:
        return [
            phase.phase_section(
                options,
                aspects=scale.aspects,
                shares=scale.shares,
                replicates=scale.phases,
                say=say,
            )
        ]

    return [
        Part("rows and steps", races, 40.0),
        Part("powers of the curvature", powers, 30.0),
        Part("which optimizer is this", answers, 5.0),
        Part("averaged factors", averages, 30.0),
        Part("whose covariance", phases, 5.0),
    ]


VARIANTS = Experiment(
    name="variants",
    title="Variants that libraries run",
    says=(
        "Averaged and sampled factors, momentum, schedules, powers of the curvature: what each "
        "costs in rows and steps, how to tell them apart from outside, and whose covariance to "
        "whiten with. Lines are predictions, points are runs."
    ),
    settings=settings,
    parts=parts,
)
