"""Faults that the checks of SI-08 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-08",
        "theory.core.resolvent:_solve_small",
        old="phi * lam * plain",
        new="lam * plain",
        why="aspect forgotten in the fixed point",
    ),
    Fault(
        "SI-08",
        "lpfl.problems.single_index.moments:bartlett_factor",
        old="torch.arange(rows, device=device, dtype=dtype)",
        new="0 * torch.arange(rows, device=device, dtype=dtype)",
        why="degrees of freedom that do not fall along the Bartlett factor",
    ),
    Fault(
        "SI-08",
        "theory.single_index.fixed_point:SI_08",
        old="phi * E(ge.P * ge.K) / (1 - phi * E(ge.P))",
        new="phi * E(ge.P * ge.K) * (1 - phi * E(ge.P))",
        why="slope of the natural iteration",
    ),
    Fault(
        "SI-08",
        "theory.single_index.fixed_point:SI_08",
        old="(_SECOND + phi * v_fix * _FIRST ** 2 / (lam + phi * _FIRST)) / lam ** 2",
        new="_SECOND / lam ** 2",
        why="derivative of the trace at a fixed v",
    ),
    Fault(
        "SI-08",
        "theory.single_index.fixed_point:SI_08",
        old="sp.Eq(ge.COMPANION, 1, evaluate=False)",
        new="sp.Eq(ge.COMPANION, 1 + phi, evaluate=False)",
        why="another level in the companion equation",
    ),
    Fault(
        "SI-08",
        "theory.core.resolvent:_polish",
        old="v[i] -= value / slope[i]",
        new="pass",
        why="last step where the equation is flat does nothing",
    ),
    Fault(
        "SI-08",
        "theory.core.resolvent:_polish",
        old="1 - Fraction(math.fsum(p[~above]))",
        new="1 - Fraction(math.fsum(p[above]))",
        why="constant taken from the wrong side",
    ),
    Fault(
        "SI-08",
        "theory.single_index.fixed_point:SI_08",
        old="phi * E(ge.P**2)",
        new="phi * E(ge.P) ** 2",
        why="rate from the square of the mean",
    ),
    Fault(
        "SI-08",
        "theory.core.spectrum:Spectrum.isotropic",
        old="number('scale', scale, low=0.0, open_low=True)",
        new="2.0 * number('scale', scale, low=0.0, open_low=True)",
        why="one eigenvalue, twice as large",
    ),
    Fault(
        "SI-08",
        "theory.core.formula:Formula.at_digits",
        "mpmath.workdps(digits + 10)",
        "mpmath.workdps(8)",
        "eight digits where forty were asked for",
    ),
)
