"""Faults that the checks of OP-34 and OP-35 must refute."""

from lpfl.verify.planting import Fault

SPACE = "lpfl.verify.space"
DRAW = "lpfl.measure.invariance:draw_transform"
DEVIATION = "lpfl.measure.invariance:input_transform_deviation"

FAULTS = (
    Fault("OP-34", f"{SPACE}:Choice.from_unit",
          "self.options[min(int(unit[0] * len(self.options)), len(self.options) - 1)]",
          "self.options[0]", "only the first word is used"),
    Fault("OP-34", f"{SPACE}:Choice.from_unit", "unit[0] * len(self.options)",
          "unit[0] * (len(self.options) - 1)", "the last word is never used"),
    Fault("OP-34", f"{SPACE}:Reals.from_unit", "unit[0] * LEVELS", "unit[0] * LEVELS / 4",
          "only the easy end of every real axis"),
    Fault("OP-34", f"{SPACE}:Reals._value", 'self.easy == "high"', 'self.easy == "low"',
          "easy ends swapped"),
    Fault("OP-34", f"{SPACE}:Reals._value", "low * (high / low) ** share if self.log else "
          "low + (high - low) * share", "low + (high - low) * share", "no logarithmic axis"),
    Fault("OP-34", f"{SPACE}:Integers.from_unit", "high - low + 1", "high - low",
          "the largest integer is never drawn"),
    Fault("OP-34", f"{SPACE}:Integers.from_unit", "(high + 1) / low", "high / low",
          "the largest integer of a logarithmic axis is never drawn"),
    Fault("OP-34", f"{SPACE}:Covariances.from_unit", "round(unit[1] * LEVELS)",
          "round(unit[1] * LEVELS / 3)", "only mild condition numbers"),
    Fault("OP-34", f"{SPACE}:Covariances.from_unit", "unit[2] * len(self.rotations)",
          "0 * len(self.rotations)", "no rotation"),
    Fault("OP-34", f"{SPACE}:ScenarioSpace._at", "start += axis.width", "start += 0",
          "all axes read the same coordinate"),
    Fault("OP-34", f"{SPACE}:ScenarioSpace.sobol", "[self._at(point) for point in points]",
          "[self._at(points[0]) for point in points]", "one scenario again and again"),
    Fault("OP-35", DRAW, "permuted * signs.unsqueeze(-1)", "permuted",
          "signed permutations without signs"),
    Fault("OP-35", DRAW, "2.0 * uniform - 1.0", "uniform", "maps that only magnify"),
    Fault("OP-35", DRAW, "2.0 * uniform - 1.0", "4.0 * uniform - 2.0", "twice the spread"),
    Fault("OP-35", DRAW, "(left * singular.unsqueeze(-2)) @ right", "left @ right",
          "general maps that are rotations"),
    Fault("OP-35", DEVIATION, "(gap / path).max()", "(gap / path).min()",
          "smallest deviation over replicates"),
    Fault("OP-35", DEVIATION, "(gap / path).max()", "(gap / path).mean()",
          "mean deviation over replicates"),
    Fault("OP-35", DEVIATION, "maps[0] - start.head @ start.representation", "maps[0]",
          "relative to the map, not to the path"),
    Fault("OP-35", "lpfl.measure.invariance:change_inputs",
          "torch.linalg.solve(A, weights.representation, left=False)",
          "weights.representation @ A.mT", "the start is not matched"),
    Fault("OP-35", "lpfl.measure.invariance:change_gauge",
          "torch.linalg.solve(R, weights.head, left=False)", "weights.head @ R.mT",
          "the head of another gauge"),
    Fault("OP-35", DRAW, "2.0 * eye", "eye", "a scale of one"),
    Fault("OP-35", "lpfl.measure.invariance:nudge", "0.5", "0.25", "the fourth root of epsilon"),
    Fault("OP-35", "lpfl.measure.invariance:magnification", "moved / nudge(dtype)", "moved",
          "a deviation not over the size of its map"),
    Fault("OP-35", "lpfl.measure.invariance:data", "batch.inputs @ A.mT", "batch.inputs @ A",
          "inputs through the transposed map"),
)  # fmt: skip
