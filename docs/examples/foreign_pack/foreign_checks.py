"""The check of the small pack, and two mistakes that it must refute."""

from lpfl.optim.sgd import sgd_step
from lpfl.verify.check import check
from lpfl.verify.expect import Same
from lpfl.verify.planting import Fault
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding


@check("FOR-01", (Reals("step_size", 0.1, 1.0),))
def left_over(trial):
    """One step of SGD from 1."""
    trial.admit(step_size=trial.step_size)
    x = trial.tensor([1.0])
    after = sgd_step(x, x, step_size=trial.step_size)
    yield Same(
        part="left_over",
        measured=after,
        predicted=trial.number("left_over"),
        tolerance=rounding(trial.dtype, dim=1),
        scale=1.0,
    )


FAULTS = (
    Fault("FOR-01", "lpfl.optim.sgd:sgd_step", "step_size * grad", "-step_size * grad", "ascent"),
    Fault("FOR-01", "lpfl.optim.sgd:sgd_step", "step_size * grad", "grad", "full step"),
)
