"""Faults that the checks of SI-14 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-14",
        "lpfl.measure.ridge:fit_ridge",
        old="damped_solve(Fc.mT @ Fc / n, moment, damping=penalty)",
        new="damped_solve(Fc.mT @ Fc / n, moment, damping=penalty / n)",
        why="penalty divided by n",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:SI_14",
        old="(ridge / kappa_eff) ** 2",
        new="(ridge / kappa_eff) ** 4",
        why="squared twice",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:_SecondLayer._error",
        old="c1 ** 2 * self.spectrum.expect(s * K)",
        new="self.spectrum.expect(s * K)",
        why="slope of the link lost",
    ),
    Fault(
        "SI-14",
        "lpfl.one_step:one_step",
        old="network.first_layer - step_size * precondition(gradient, inputs)",
        new="network.first_layer + step_size * precondition(gradient, inputs)",
        why="a step of ascent",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:harmonic_overlaps",
        old="correlation ** degrees",
        new="correlation",
        why="every harmonic shrunk like the linear one",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:_TEST",
        old="error_eff - kappa_eff * error_slope",
        new="error_eff - kappa_eff * error_slope / 2",
        why="half of the slope of the effective error",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:_SecondLayer.at",
        old="-v / (damping + aspect * captured) / slope",
        new="-v / damping / slope",
        why="slope of the fixed point without the spectrum",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:_SecondLayer._error",
        old="C @ dM @ C",
        new="0",
        why="slope of the spikes forgotten",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge:_SecondLayer.at",
        old="g + kappa * dg",
        new="g",
        why="slope of the freedom halved",
    ),
)
