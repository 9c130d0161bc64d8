"""Faults that the checks of LR-24 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-24",
        "lpfl.optim.muon:orthogonalise",
        old="newton_schulz(matrix, steps=steps) if steps else polar_factor(matrix)",
        new="newton_schulz(matrix, steps=5)",
        why="five iterations passed off as the polar factor",
    ),
    Fault(
        "LR-24",
        "lpfl.linalg.spectral:polar_factor",
        old="kept.to(s.dtype)",
        new="kept * s / s[..., :1]",
        why="gradient over its norm in place of the polar factor",
    ),
    Fault(
        "LR-24",
        "lpfl.optim.muon:muon_step",
        old="scale",
        new="'match_rms'",
        why="a step scaled by the shape",
    ),
    Fault(
        "LR-24",
        "lpfl.linalg.spectral:polar_factor",
        old="kept.to(s.dtype)",
        new="kept * (s / s[..., :1]).sqrt()",
        why="roots of the singular values in place of ones",
    ),
    Fault(
        "LR-24",
        "lpfl.optim.muon:muon_step",
        old="(1.0 - step_size * weight_decay) * W if weight_decay else W",
        new="(1.0 - step_size) * W",
        why="weight decay that cannot be switched off",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.rates.local_rate:_muon",
        old="_trace(given)",
        new="{'cov_trace': 1.0}",
        why="trace of the inputs forgotten by the function",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.noise_floors.tangent_floor:tangent_floor",
        old="np.broadcast_to(entries, (k, mu.size)).sum()",
        new="np.broadcast_to(entries, (k, mu.size)).mean()",
        why="mean over entries given for their sum",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.noise_floors.muon:LR_24",
        old="sp.Abs(sp.tan(theta) - eta)",
        new="sp.tan(theta) - eta",
        why="no overshoot",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.noise_floors.muon:LR_24",
        old="2 * sp.sqrt(n * d * lam_i)",
        new="sp.sqrt(n * d * lam_i)",
        why="floor twice as high",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.noise_floors.muon:LR_24",
        old="sigma * sp.sqrt(tr_cov)",
        new="sigma * tr_cov",
        why="rate over the trace, not its root",
    ),
    Fault(
        "LR-24",
        "theory.linear_representation.noise_floors.muon:LR_24",
        "sp.sqrt(tr_cov)",
        "tr_cov",
        "trace of the covariance without its root",
    ),
)
