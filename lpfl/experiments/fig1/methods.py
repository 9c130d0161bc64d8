"""The methods of figure 1: how each is set up, its rate in the paper, its grid of rates."""

from dataclasses import dataclass, field

from lpfl.optim import OPTIMIZERS, Method

PAPER_RATE = 1e-2
PAPER_RATE_EMPIRICAL = 1e-4


@dataclass(frozen=True)
class Entrant:
    """A method in the race.

    name: shown. key: of OPTIMIZERS. grid: the rates tried, ascending. colour: in every picture.
    fixed: arguments other than the rate. setup: those in words.
    """

    name: str
    key: str
    colour: int
    grid: tuple[float, ...]
    setup: str
    fixed: dict[str, float | str | bool] = field(default_factory=dict)
    paper_rate: float = PAPER_RATE

    def method(self, rate: float) -> Method:
        """Return the method at a rate."""
        return OPTIMIZERS[self.key](step_size=rate, **self.fixed)


_PURE = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
_GRADIENT = (0.01, 0.03, 0.1, 0.2, 0.3, 1.0)
_LARGE = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_SMALL = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)

ENTRANTS = (
    Entrant("KFAC", "kfac", 0, _PURE, "least-squares head, factors of the batch, no damping"),
    Entrant(
        "KFAC, eq. (5)",
        "kfac_paper",
        5,
        _PURE,
        "the representation first with the old head, then a full step of the head at the new "
        "representation, both on one batch, no damping",
    ),
    Entrant("SGD", "sgd", 1, _GRADIENT, "both layers"),
    Entrant("AMGD", "amgd", 2, _GRADIENT, "least-squares head, rows orthonormalised"),
    Entrant("Adam", "adam", 3, _SMALL, "both layers, beta 0.9 and 0.999, epsilon 10⁻⁸"),
    Entrant("NGD", "ngd", 11, _PURE, "both layers, true Fisher matrix, pseudo-inverse"),
    Entrant("Shampoo", "shampoo", 6, _LARGE, "both layers, sums of squares, exponent 1/4 per side"),
    Entrant("Muon", "muon", 7, _SMALL, "both layers, exact polar factor, Nesterov momentum 0.95"),
    Entrant(
        "SOAP",
        "soap",
        8,
        _SMALL,
        "both layers, decays 0.95, exact eigenvectors every 10 steps",
        {"frequency": 10, "bases": "exact"},
    ),
    Entrant(
        "Batch-norm",
        "batch_norm",
        9,
        _GRADIENT,
        "gradient steps on both layers; the batch mean is not subtracted (the inputs have mean "
        "zero). With a least-squares head batch-norm would be AMGD without orthonormal rows "
        "(LR-25)",
        {"head": "joint", "centre": False},
    ),
    Entrant(
        "DFW",
        "dfw",
        10,
        _LARGE,
        "head from one half of the batch, whitened gradient step on the other half, rows "
        "orthonormalised",
    ),
)
EMPIRICAL = Entrant(
    "Empirical NGD",
    "ngd_empirical",
    4,
    (1e-4, 1e-2, 3e-2, 0.1, 0.3),
    "both layers, second moment of the gradients of single samples, damping 10⁻⁸ (it is singular "
    "along the k² directions that do not change the product F G)",
    {"damping": 1e-8},
    PAPER_RATE_EMPIRICAL,
)
ALL = (*ENTRANTS, EMPIRICAL)
