"""The methods of fig2: what is predicted for each, where it is measured, and its colour."""

from dataclasses import dataclass

from lpfl.experiments.core.single_index_setting import Setting
from theory.single_index import alignment, optimal_damping


@dataclass(frozen=True)
class Method:
    """A method of the alignment pictures.

    theory: its name in ``theory.single_index.alignment``; damping: a number, "best" for
    lam* = (d/n) s2 / c1^2, or None; run: the name of its measurement.
    """

    label: str
    theory: str
    run: str
    colour: int
    damping: float | str | None = None
    rotated: bool = False

    def damping_at(self, setting: Setting) -> float | None:
        """Return the damping as a number."""
        if self.damping == "best":
            return best_damping(setting)
        return None if self.damping is None else float(self.damping)

    def predicted(self, setting: Setting, weight: str = "identity") -> float:
        """Return the limit of rho^2, or of rho_S^2 for weight "covariance"."""
        act = setting.activation_statistics
        return alignment(
            self.theory,
            damping=self.damping_at(setting),
            weight=weight,
            rotated=self.rotated,
            c0=setting.labels.c0,
            c_act=act.c_act,
            act_prime_var=act.act_prime_var,
            act_second=act.act_second,
            **setting.limits,
        )


def best_damping(setting: Setting) -> float:
    """Return lam* of SI-04."""
    labels = setting.labels
    return optimal_damping(aspect=setting.aspect, c1=labels.c1, residual_var=labels.residual_var)


SGD = Method("SGD", "sgd", "sgd", 0)
KFAC = Method("KFAC, no damping", "kfac", "kfac", 1, 0.0)
KFAC_BEST = Method("KFAC, best damping", "kfac", "kfac", 2, "best")
BATCH_NORM = Method("batch-norm + SGD", "batch_norm", "batch_norm", 3)
ADAM = Method("Adam, diagonal Σ", "sign", "sign", 5)
ADAM_ROTATED = Method("Adam, rotated Σ", "sign", "sign", 6, rotated=True)
MUON = Method("Muon, top vector", "polar", "polar", 7)
MUON_HEAD = Method("Muon, seen by the head", "sgd", "head", 8)

DIRECTIONS = (SGD, KFAC, KFAC_BEST, BATCH_NORM)
WEIGHTS = (ADAM, ADAM_ROTATED, MUON, MUON_HEAD)
