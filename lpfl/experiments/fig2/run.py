"""Fig. 2: alignment of one step with the teacher, against damping and against anisotropy."""

from dataclasses import dataclass
from typing import Any

from lpfl.experiments.core.experiment import Experiment, Options, Part, Say, Section
from lpfl.experiments.core.single_index_runs import POLAR_STEP
from lpfl.experiments.core.single_index_setting import RELATIVE_MARGIN, TALL, WIDE
from lpfl.experiments.fig2.adam import adam_section
from lpfl.experiments.fig2.alignment import alignment_section
from lpfl.experiments.fig2.care import counter_example
from lpfl.experiments.fig2.whitening import whitening_section

STAND_IN = (
    "two-atom: half of the eigenvalues 1 − a, half 1 + a, with a = 0.5 in place of the paper's "
    "Σ^(0.5), whose family is not known to us"
)
MANY, FEW, REST = 4.0, 10.0, 1.0  # shares of the time, seen at the quick scale


@dataclass(frozen=True)
class Scale:
    """How much is run: replicates of directions, of networks, and points along each axis."""

    replicates: int
    networks: int
    points: int
    spreads: tuple[float, ...]
    half_weights: bool


SCALES = {
    "quick": Scale(6, 4, 8, (0.0, 0.3, 0.5, 0.7, 0.9), half_weights=True),
    "paper": Scale(32, 10, 13, (0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), half_weights=False),
}


def scale_of(options: Options) -> Scale:
    """Return the scale, with the person's own number of replicates where one is given."""
    scale = SCALES[options.scale]
    if options.seeds is None:
        return scale
    return Scale(options.seeds, options.seeds, scale.points, scale.spreads, scale.half_weights)


UNKNOWN = "not known to us"
PAPER = {
    "sizes": "d = 200, n = 6000, N = 1000 without damping; d = 900, n = 5000, N = 1000",
    "covariance": "Sigma with the parameter 0.5 in the second setting; "
    "the family is not known to us",
    "labels": UNKNOWN,
    "activation": UNKNOWN,
    "teacher": UNKNOWN,
    "SGD, KFAC, batch-norm": "theorem 3.9 compared with simulation; the spike after one step is "
    "biased for SGD and not for the preconditioned step; batch-norm only mildly helps",
    "Adam, Muon": "Adam-like preconditioning only mildly helps; Muon is ours",
    "replicates": UNKNOWN,
}


def settings(options: Options) -> list[tuple[str, str]]:
    """Return what was chosen by us, and what the scale leaves out."""
    scale = scale_of(options)
    weights = WIDE.half() if scale.half_weights else WIDE
    return [
        ("sizes", f"{TALL.sizes} and {WIDE.sizes}, as in the paper"),
        ("covariance", f"{STAND_IN}; rotated where the page says so (Haar)"),
        ("labels", "relu link, noise 0.3: chosen by us, a link with a mean and an even part"),
        ("activation", "tanh, chosen by us; enters Adam and Muon only"),
        ("teacher", "isotropic, rescaled so that β*'Σβ* = 1"),
        ("SGD, KFAC, batch-norm", "direction β from the exact joint law of the moments of a batch"),
        (
            "Adam, Muon",
            f"real networks, {TALL.sizes} and {weights.sizes}; Adam is the sign of the first "
            f"gradient, Muon the exact polar factor with step size {POLAR_STEP:g}",
        ),
        (
            "replicates",
            f"{scale.replicates} of directions and {scale.networks} of networks; more where the "
            "runs are small. The points of one damping curve share their batches and move together",
        ),
        (
            "margin",
            f"a point agrees with its line within 2/d + {RELATIVE_MARGIN:.0%} of the prediction "
            "(6/d where the condition number exceeds 10) plus its 95 % interval; stated "
            "beforehand from the finite-size terms of the limits",
        ),
    ]


def parts(options: Options, say: Say) -> list[Part]:
    """Return the paper's two settings and the three places that need care."""
    scale = scale_of(options)
    common: dict[str, Any] = {
        "replicates": scale.replicates,
        "networks": scale.networks,
        "points": scale.points,
        "spreads": scale.spreads,
    }
    weights = WIDE.half() if scale.half_weights else WIDE

    def many() -> list[Section]:
        text = (
            "Here d/n is small: the sample covariance is close to the true one, KFAC needs no "
            "damping and what is left is the bias of SGD towards Σβ* (SI-02, SI-03). ρ² is the "
            "squared cosine with the teacher, ρ²_Σ the squared correlation of β·x with β*·x."
        )
        title = f"Many samples: {TALL.sizes}"
        return [
            alignment_section(title, TALL, options, weights_setting=TALL, text=(text,), **common)
        ]

    def few() -> list[Section]:
        text = (
            "With d/n = 0.18 the label noise counts: the best damping λ* (SI-04) is the same for "
            "every spectrum and for both alignments, and towards a = 0.9 KFAC without damping "
            "falls below SGD. Batch-norm removes the mean of the labels and does not whiten "
            "(SI-13). Muon's polar factor leaves no singular vector that points at the teacher "
            "(SI-12), yet through the head its step moves the function along the direction of SGD."
        )
        title = f"Few samples: {WIDE.sizes}"
        return [
            alignment_section(title, WIDE, options, weights_setting=weights, text=(text,), **common)
        ]

    def counter() -> list[Section]:
        return [counter_example(options, replicates=8 * scale.replicates, points=scale.points)]

    def whitening() -> list[Section]:
        return [whitening_section(options, replicates=4 * scale.replicates)]

    def adam() -> list[Section]:
        replicates, networks = 4 * scale.replicates, 2 * scale.networks
        return [adam_section(options, replicates=replicates, networks=networks)]

    return [
        Part(f"many samples, {TALL.sizes}", many, MANY),
        Part(f"few samples, {WIDE.sizes}", few, FEW),
        Part("counter-example", counter, REST),
        Part("independent whitening batch", whitening, REST),
        Part("Adam on diagonal and rotated covariances", adam, REST),
    ]


FIG2 = Experiment(
    name="fig2",
    title="Alignment after one step, against damping and anisotropy",
    says=(
        "One gradient step on the first layer of a two-layer network points at the teacher more or "
        "less well, depending on the method. Lines are the limits of the theory, points are runs."
    ),
    settings=settings,
    parts=parts,
    paper=PAPER,
)
