"""Faults that the check of OP-42 must refute."""

from lpfl.verify.planting import Fault

HERE = "lpfl.problems.single_index.directions"
ROWS = "lpfl.problems.single_index.inputs"

FAULTS = (
    Fault("OP-42", f"{HERE}:kfac_direction_of_rows", "rows.n * damping", "damping",
          "damping of the dual system not times n"),
    Fault("OP-42", f"{HERE}:factor_direction", "h / (factor + damping)", "h / factor",
          "damping of a diagonal factor lost"),
    Fault("OP-42", f"{HERE}:factor_direction",
          "damped_solve(factor.expand(h.shape[0], *factor.shape[-2:]), h, damping=damping)",
          "damped_solve(factor.expand(h.shape[0], *factor.shape[-2:]), h, damping=0.0)",
          "damping of a dense factor lost"),
    Fault("OP-42", f"{HERE}:power_directions",
          "torch.where(kept, values, torch.zeros_like(values)) + damping",
          "torch.where(kept, values, torch.zeros_like(values)) + damping / 2",
          "half the damping of a power"),
    Fault("OP-42", f"{HERE}:power_directions", "kept if damping == 0 else torch.ones_like(kept)",
          "kept", "directions that no row has dropped in spite of damping"),
    Fault("OP-42", f"{HERE}:power_directions", "h * (factor + damping).pow(-p)",
          "h * factor.pow(-p)", "damping of a diagonal power lost"),
    Fault("OP-42", f"{HERE}:kfac_direction", "batch if whitening is None else whitening", "batch",
          "the other batch not read"),
    Fault("OP-42", f"{HERE}:kfac_direction", "values[:, d - source.n :]",
          "values[:, d - source.n :].clamp(min=1e-2)", "small singular values raised"),
    Fault("OP-42", f"{HERE}:centred_direction", "batch.input_mean * batch.target_mean[:, None]",
          "0.0", "labels with their mean"),
    Fault("OP-42", f"{HERE}:population_direction", "batch.cross_moment / covariance",
          "batch.cross_moment * covariance", "multiplied by the variances"),
    Fault("OP-42", f"{HERE}:population_direction",
          "torch.linalg.solve(covariance, batch.cross_moment.mT).mT",
          "batch.cross_moment @ covariance", "multiplied by the covariance"),
    Fault("OP-42", "lpfl.problems.single_index.model:sample",
          "torch.einsum('rnd,rd->rn', inputs, problem.teacher)",
          "torch.einsum('rnd,rd->rn', white, problem.teacher)", "labels of white rows"),
    Fault("OP-42", f"{ROWS}:_labelled",
          "torch.einsum('rnd,rd->rn', inputs, problem.teacher)",
          "torch.einsum('rnd,rd->rn', white, problem.teacher)", "labels of other white rows"),
)  # fmt: skip
