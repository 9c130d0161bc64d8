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
)
