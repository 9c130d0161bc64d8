"""Faults that the checks of OP-06 and OP-07 must refute."""

from lpfl.verify.planting import Fault

MUON = "lpfl.optim.muon:muon_step"
SCALE = "lpfl.optim.muon:muon_scale"
SCION = "lpfl.optim.scion:scion_step"
LMO = "lpfl.optim.scion:spectral_lmo"
SPECTRAL = "lpfl.linalg.spectral"

FAULTS = (
    Fault("OP-06", MUON, "orthogonalise(seen, newton_schulz_steps)",
          "-orthogonalise(seen, newton_schulz_steps)", "ascends"),
    Fault("OP-06", MUON, "1.0 - step_size * weight_decay", "1.0 - weight_decay",
          "decay not multiplied by the step"),
    Fault("OP-06", MUON, "1.0 - step_size * weight_decay", "1.0 - step * weight_decay",
          "decay multiplied by the shape factor too"),
    Fault("OP-06", MUON, "momentum * average + (1.0 - momentum) * grad if nesterov else average",
          "(1.0 - momentum) * average + momentum * grad if nesterov else average",
          "Nesterov mix swapped"),
    Fault("OP-06", MUON, "momentum * average + (1.0 - momentum) * grad if nesterov else average",
          "average", "nesterov ignored"),
    Fault("OP-06", MUON, "average = momentum * average + (1.0 - momentum) * grad",
          "average = momentum * average + grad * (1.0 - momentum**2)", "another average"),
    Fault("OP-06", MUON, "return shrunk - step * orthogonalise(seen, newton_schulz_steps), average",
          "return shrunk - step * orthogonalise(seen, newton_schulz_steps), seen",
          "the look-ahead kept as average"),
    Fault("OP-06", SCALE, "max(1.0, rows / columns)", "max(1.0, columns / rows)", "wrong axis"),
    Fault("OP-06", SCALE, "0.2 * math.sqrt(max(rows, columns))",
          "0.2 * math.sqrt(min(rows, columns))", "shorter side"),
    Fault("OP-06", SCALE, "math.sqrt(max(1.0, rows / columns))", "max(1.0, rows / columns)",
          "root of the shape factor forgotten"),
    Fault("OP-06", f"{SPECTRAL}:newton_schulz", "combined(b, A, c, A, A)", "b * A + c * A",
          "fifth power forgotten"),
    Fault("OP-06", f"{SPECTRAL}:newton_schulz", "range(steps)", "range(1)", "one iteration"),
    Fault("OP-06", f"{SPECTRAL}:QUINTIC", "4.7750", "4.7500", "a digit of a coefficient"),
    Fault("OP-06", f"{SPECTRAL}:polar_factor", "(U * kept.to(s.dtype).unsqueeze(-2)) @ Vh",
          "(U * (s / s[..., :1]).unsqueeze(-2)) @ Vh", "scaled, not orthogonalised"),
    Fault("OP-07", LMO, "-radius * orthogonalise(matrix, newton_schulz_steps)",
          "radius * orthogonalise(matrix, newton_schulz_steps)", "ascends"),
    Fault("OP-07", LMO, "-radius * orthogonalise(matrix, newton_schulz_steps)",
          "-10.0 * orthogonalise(matrix, newton_schulz_steps)", "radius ignored"),
    Fault("OP-07", LMO, "orthogonalise(matrix, newton_schulz_steps)", "orthogonalise(matrix, 0)",
          "Newton-Schulz steps ignored"),
    Fault("OP-07", SCION, "1.0 - step_size if constrained else 1.0", "1.0",
          "the ball is left"),
    Fault("OP-07", SCION, "1.0 - step_size if constrained else 1.0", "1.0 - step_size",
          "unconstrained form shrinks"),
    Fault("OP-07", SCION, "spectral_lmo(average, radius=radius, "
          "newton_schulz_steps=newton_schulz_steps)",
          "spectral_lmo(grad, radius=radius, newton_schulz_steps=newton_schulz_steps)",
          "average ignored"),
    Fault("OP-07", SCION, "momentum * average + (1.0 - momentum) * grad",
          "(1.0 - momentum) * average + momentum * grad", "momentum read as the other weight"),
)  # fmt: skip
