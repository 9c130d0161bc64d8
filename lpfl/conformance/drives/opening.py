"""Fresh parameters, the optimizer on them, and the drive that its needs ask for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.drives.session import Session
from lpfl.conformance.signatures import Undrivable

if TYPE_CHECKING:
    from lpfl.conformance.subject import Groups, Subject


def open_session(
    subject: "Subject",
    start: Sequence[torch.Tensor],
    options: Mapping[str, Any],
    groups: "Groups | None",
) -> Session:
    """Return a session of the subject on fresh parameters; see ``Subject.open``."""
    params = [torch.nn.Parameter(value.detach().clone().to(subject.device)) for value in start]
    optimizer = subject.build(params, **options)
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for p in params:
        if id(p) not in held:
            raise Undrivable(f"the optimizer leaves a parameter of shape {tuple(p.shape)} out")
    return Session(optimizer, params, subject.needs)
