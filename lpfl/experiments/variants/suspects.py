"""Every optimizer of lpfl, set up where its rate is small and noise dominates its gradient."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lpfl.measure.unit_response import SMALL
from lpfl.optim import OPTIMIZERS, Method

SLOW = 1e-3  # the rate per step that is aimed at
SLOWER = 1e-4  # the same over the noise, for steps of a fixed length
TINY = 1e-30


@dataclass(frozen=True)
class Suspect:
    """An optimizer with the options that bring it into the regime of LR-35.

    row: its row in ``theory.linear_representation.scale_exponents``; None: that has none. size:
    what the step size is proportional to. exponent: of Shampoo, per side. distance: of the two
    points whose steps are compared, over the noise; large where a step only sees signs.
    """

    key: str
    row: str | None
    size: str = "plain"
    options: Mapping[str, Any] = field(default_factory=dict)
    remembers: bool = False
    exponent: float = 0.25
    label: str = ""
    distance: float = SMALL

    @property
    def name(self) -> str:
        return self.label or self.key

    def method(self, noise_std: float, n: int, rows: float) -> Method:
        """Return the method; rows: noise_std^2 k (d + m)/n, which a KL clip compares with."""
        sizes = {
            "plain": SLOW,
            "noise": SLOW * noise_std**2,
            "fixed": SLOWER * noise_std / n**0.5,
            "statistics": SLOW * (noise_std**2 / n) ** (2 * self.exponent),
            "rows": SLOW / n,
            "clipped": 1.0,
        }
        more = {"kl_clip": SLOW**2 * rows} if self.size == "clipped" else {}
        return OPTIMIZERS[self.key](step_size=sizes[self.size], **self.options, **more)


def _sign_like(key: str, row: str | None = "adam", **options: Any) -> Suspect:
    return Suspect(key, row, "fixed", {"head": "frozen", **options}, remembers=True)


def _shampoo(exponent: float) -> Suspect:
    options = {
        "exponent": exponent,
        "statistics": "average",
        "averaging": 0.9,
        "head": "frozen",
    }
    return Suspect(
        "shampoo", "shampoo", "statistics", options, True, exponent, f"shampoo, exponent {exponent}"
    )


SUSPECTS = (
    Suspect("sgd", "sgd", options={"head": "frozen"}),
    Suspect("sgd_momentum", "sgd", options={"head": "frozen"}, remembers=True),
    Suspect("amgd", "sgd"),
    Suspect("kfac", "kfac"),
    Suspect("kfac_joint", "kfac"),
    Suspect("kfac_sequential", "kfac"),
    Suspect("kfac_paper", "kfac"),
    Suspect("kfac", "kfac_sampled", options={"output_factor": "sampled"}, label="kfac, sampled"),
    Suspect(
        "kfac",
        "kfac_empirical",
        "noise",
        {"output_factor": "empirical"},
        label="kfac, empirical",
    ),
    Suspect("kfac_joint", "kfac_clipped", "clipped", label="kfac_joint, KL clip"),
    Suspect("kfac", "kfac_grafted", options={"graft": "sgd"}, label="kfac, graft"),
    Suspect("dfw", None),
    Suspect("foof", None),
    Suspect("batch_norm", None),
    Suspect("ngd", "ngd"),
    Suspect("ngd_empirical", "ngd_empirical", "noise"),
    _sign_like("adam", beta2=0.9, epsilon=TINY),
    _sign_like("adamw", beta2=0.9, epsilon=TINY, weight_decay=0.0),
    replace(_sign_like("sign_sgd", None), distance=0.3),
    _sign_like("muon", "muon", momentum=0.0, nesterov=False),
    _sign_like("scion", None, momentum=0.0, constrained=False, radius=1.0),
    _sign_like("soap", None, epsilon=TINY, bases="exact"),
    _shampoo(0.25),
    _shampoo(0.5),
    Suspect("polyak", None, "rows"),
)
