"""Faults that the check of LR-48 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-48",
        "lpfl.verify.claims.linear_representation.variants.models.frozen_batch_norm:Normalised.frozen",
        old="self.layer.eval()",
        new="self.layer.train()",
        why="training mode where the remembered statistics were meant",
    ),
    Fault(
        "LR-48",
        "lpfl.verify.claims.linear_representation.variants.models.frozen_batch_norm:least_squares",
        old="torch.linalg.lstsq(units, targets).solution.mT",
        new="targets.mT @ units / len(units)",
        why="units taken for uncorrelated in the fit of the head",
    ),
    Fault(
        "LR-48",
        "theory.linear_representation.variants.models.frozen_batch_norm:ADDED",
        old="F_best * OFF * G * Sigma * G.T * OFF.T * F_best.T",
        new="F_best * OFF * G * G.T * OFF.T * F_best.T",
        why="the spread of the inputs left out",
    ),
    Fault(
        "LR-48",
        "theory.linear_representation.variants.models.frozen_batch_norm:LR_48",
        old="sp.sqrt(c_cov) - 1",
        new="c_cov - 1",
        why="the factor on the covariance taken for that on the inputs",
    ),
    Fault(
        "LR-48",
        "theory.linear_representation.variants.models.frozen_batch_norm:batch_norm_excess",
        old="np.sqrt(variance / variance_used)",
        new="np.sqrt(variance_used / variance)",
        why="the ratio of the scales upside down",
    ),
    Fault(
        "LR-48",
        "theory.linear_representation.variants.models.frozen_batch_norm:batch_norm_excess",
        old="np.sqrt(variance / variance_used)",
        new="np.sqrt(variance_used / variance)",
        why="ratio of deviations upside down",
    ),
)
