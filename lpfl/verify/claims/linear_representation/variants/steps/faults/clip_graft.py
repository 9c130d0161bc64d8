"""Faults that the check of LR-46 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-46",
        "lpfl.optim.core.clip:clip_factor",
        "torch.stack(torch.broadcast_tensors(*terms)).sum(0)",
        "terms[-1]",
        "a clip that sees one layer",
    ),
    Fault(
        "LR-46",
        "lpfl.optim.kfac:Kfac.decrease",
        "self.step_size * (slope * step).sum((-2, -1), keepdim=True)",
        "(slope * step).sum((-2, -1), keepdim=True)",
        "the step size once where it stands squared",
    ),
    Fault(
        "LR-46",
        "lpfl.optim.kfac:Kfac.proposed",
        "self.step_size * lengths[0] / lengths[1].clamp(min=tiny)",
        "self.step_size * (lengths[0] / lengths[1].clamp(min=tiny)).sqrt()",
        "a graft to the geometric mean of the two norms",
    ),
    Fault(
        "LR-46",
        "theory.linear_representation.variants.steps.clip_graft:LENGTH",
        "d + m",
        "d + m - k",
        "the shared directions counted once",
    ),
    Fault(
        "LR-46",
        "theory.linear_representation.variants.steps.clip_graft:LENGTH",
        old="d + m",
        new="d",
        why="length of a natural step without the outputs",
    ),
    Fault(
        "LR-46",
        "theory.linear_representation.variants.steps.clip_graft:LR_46",
        old="n - d - 1",
        new="n - 1",
        why="grafted length without the dimension",
    ),
    Fault(
        "LR-46",
        "theory.linear_representation.variants.steps.clip_graft:LR_46",
        "n - d - 1",
        "n - d",
        "one row too many in the ratio of grafted steps",
    ),
)
