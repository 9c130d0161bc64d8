"""Fresh parameters, the optimizer on them, and the drive that its needs ask for."""

import functools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from lpfl.conformance.drives.backward import (
    FusedSession,
    HookSession,
    OwnStepSession,
    SampledSession,
)
from lpfl.conformance.drives.bag import Bag
from lpfl.conformance.drives.closures import (
    ClosureSession,
    OwnBackwardSession,
    ValueClosureSession,
)
from lpfl.conformance.drives.driven import Driven, Groups
from lpfl.conformance.drives.graph import GraphSession
from lpfl.conformance.drives.grouping import build_in_groups
from lpfl.conformance.drives.module import ModuleSession
from lpfl.conformance.drives.session import Session, copied
from lpfl.conformance.signatures import Undrivable

DRIVES: Mapping[str, type[Session]] = {
    "model": ModuleSession,
    "fused": FusedSession,
    "sampled": SampledSession,
    "create_graph": GraphSession,
    "value_closure": ValueClosureSession,
    "own_backward": OwnBackwardSession,
    "closure": ClosureSession,
    "in_backward": HookSession,
}
"""The first need that a subject has chooses its drive; without any: injection."""


def drive_of(needs: frozenset[str]) -> type[Session]:
    """Return the kind of session for these needs."""
    if "process_group" in needs:
        raise Undrivable("it needs an initialised process group")
    return next((drive for need, drive in DRIVES.items() if need in needs), Session)


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, numpy and Python, which optimizers may draw from."""
    if _cpu_alone():
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@functools.cache
def _cpu_alone() -> bool:
    """Return whether there is no accelerator, for which torch keeps a traceback of every seed.

    That takes 3 ms each time, and a judgement seeds some 500 times.
    """
    return not torch.accelerator.is_available()


def open_session(
    subject: Driven,
    start: Sequence[torch.Tensor],
    options: Mapping[str, Any],
    groups: Groups | None,
) -> Session:
    """Return a session of the subject on fresh parameters; see ``Subject.open``."""
    values = [copied(subject.fitted(value)) for value in start]
    if "model" in subject.needs:
        model = Bag(values)
        hooked: list[Any] = [m.weight for m in model.layers]
        return _checked(open_on_model(subject, model, options, groups, params=hooked))
    params = [torch.nn.Parameter(value) for value in values]
    if groups is None:
        optimizer = subject.build(_given(subject, params), **options)
    else:
        optimizer = build_in_groups(subject, params, options, groups)
    if subject.spec.step is not None:
        return _checked(_own(subject, optimizer, params, torch.nn.ParameterList(params)))
    return _checked(drive_of(subject.needs)(optimizer, params, subject.needs))


def open_on_model(
    subject: Driven,
    model: torch.nn.Module,
    options: Mapping[str, Any],
    groups: Groups | None = None,
    params: list[Any] | None = None,
) -> Session:
    """Return a session on a model of the caller; drive it with ``advance``."""
    params = list(model.parameters()) if params is None else params
    if groups is not None:
        raise Undrivable("the groups of an optimizer that hooks a model are its own")
    hooked = "model" in subject.needs
    if hooked:
        optimizer = subject.build(model, **options)
    elif "named" in subject.needs:
        optimizer = subject.build(list(model.named_parameters()), **options)
    else:
        optimizer = subject.build(params, **options)
    if subject.spec.step is not None:
        return _own(subject, optimizer, params, model)
    session = drive_of(subject.needs)(optimizer, params, subject.needs)
    if isinstance(session, ModuleSession):
        session.model = model
    return session


def _own(subject: Driven, optimizer: Any, params: list[Any], model: Any) -> Session:
    session = OwnStepSession(optimizer, params, subject.needs)
    session.own_step, session.model = subject.spec.step, model
    return session


def _given(subject: Driven, params: list[Any]) -> list[Any]:
    """Return the parameters in the form that the factory takes."""
    if "named" in subject.needs:
        return [(f"layer{i}.weight", p) for i, p in enumerate(params)]
    return params


def _checked(session: Session) -> Session:
    held = {id(p) for group in session.optimizer.param_groups for p in group["params"]}
    for p in session.params:
        if id(p) not in held:
            raise Undrivable(f"the optimizer leaves a parameter of shape {tuple(p.shape)} out")
    return session
