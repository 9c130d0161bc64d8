"""Faults that the check of DR-07 must refute."""

from lpfl.verify.planting import Fault

EXACT = "lpfl.verify.expect.exact"
GREATER = "lpfl.verify.expect.greater:Greater.decide"
ROUNDING = "lpfl.linalg.algebra:machine_tolerance"

FAULTS = (
    Fault("DR-07", f"{EXACT}:Same.decide", "size / scale", "(size / scale).min()",
          "the object that agrees best"),
    Fault("DR-07", f"{EXACT}:Same.decide", "size / scale", "np.ravel(size / scale)[:1]",
          "the first object only"),
    Fault("DR-07", f"{EXACT}:Same.decide", "np.square(gap).sum(trailing)",
          "np.square(gap).mean(trailing)", "root mean square for the norm"),
    Fault("DR-07", f"{EXACT}:Same.decide", "max(self.tolerance.value, 1e-300)",
          "max(2.0 * self.tolerance.value, 1e-300)", "twice the tolerance"),
    Fault("DR-07", f"{EXACT}:Same.decide", "as_array(self.scale)", "1.0", "the scale ignored"),
    Fault("DR-07", f"{EXACT}:Below.decide", "as_array(self.measured)",
          "as_array(self.measured).min()", "the smallest value of a bound"),
    Fault("DR-07", f"{EXACT}:Below.decide", "self.tolerance.value", "1.0",
          "rounding of one"),
    Fault("DR-07", f"{EXACT}:Above.decide", "np.maximum(measured, tiny)",
          "np.maximum(measured.max(), tiny)", "the largest of what must be large"),
    Fault("DR-07", GREATER, "measured - self.tolerance.value", "measured + self.tolerance.value",
          "rounding in favour of a strict bound"),
    Fault("DR-07", GREATER, "self.tolerance.value > self.gap / 2.0", "False",
          "a tie refuted though rounding could hide the gap"),
    Fault("DR-07", GREATER, "decide.bound(limit, floor, rounding=0.0)",
          "decide.bound(np.ravel(limit)[:1], np.ravel(floor)[:1], rounding=0.0)",
          "the first strict bound only"),
    Fault("DR-07", ROUNDING, "16.0 * dim * torch.finfo(dtype).eps * condition",
          "16.0 * dim * torch.finfo(torch.float32).eps * condition", "rounding of float32"),
    Fault("DR-07", ROUNDING, "16.0 * dim * torch.finfo(dtype).eps * condition",
          "1024.0 * dim * torch.finfo(dtype).eps * condition", "a thousand units of rounding"),
    Fault("DR-07", "lpfl.verify.tolerance:Tolerance.times", "self.value * factor",
          "self.value * factor**2", "magnified twice"),
    Fault("DR-07", "lpfl.verify.tolerance:rounding",
          "machine_tolerance(dtype, dim=dim, condition=condition)",
          "machine_tolerance(dtype, dim=dim, condition=condition**2)", "condition squared"),
    Fault("DR-07", "theory.decisions.comparisons:DR_07",
          "tau_D * c_S / l_S", "tau_D * c_S / l_S**2",
          "the square of the norm of an error"),
    Fault("DR-07", "theory.decisions.comparisons:DR_07",
          "w_room - tau_D", "w_room + tau_D",
          "rounding on the wrong side of a strict bound"),
    Fault("DR-07", "theory.decisions.comparisons:DR_07",
          "gap_D / 2", "gap_D",
          "a tie hidden only by the whole gap"),
    Fault("DR-07", "theory.decisions.comparisons:DR_07",
          "16 * n_u * eps_D * kappa_D", "16 * n_u * eps_D",
          "rounding without the condition number"),
)  # fmt: skip
