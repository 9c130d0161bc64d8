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
        "theory.single_index.ridge_risk:TRAIN",
        old="2",
        new="4",
        why="squared twice",
    ),
    Fault(
        "SI-14",
        "theory.single_index.ridge_risk:_SecondLayer._error",
        old="c1 ** 2 * self.spectrum.expect(s * K)",
        new="self.spectrum.expect(s * K)",
        why="slope of the link lost",
    ),
)
