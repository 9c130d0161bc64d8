"""Entries of an optimizer's state, compared between two sessions; programs that show them."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.drives.driven import Groups
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.resume_text import AFTER, BEFORE, Given
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.resume"
ROUNDING = 64
"""Units of rounding by which the state of two equal runs may differ, but at most ..."""
MOST = 0.05
"""... this share of the largest entry, and 1e-6 of it in float64."""


def reopened(
    subject: Subject,
    first: Session,
    options: Mapping[str, Any] | None = None,
    groups: Groups | None = None,
) -> Session:
    """Return a new session on copies of the parameters as they are in training mode."""
    start = [p.detach().clone() for p in first.params]
    second = subject.open(start, options=options, groups=groups)
    second.steps = first.steps
    for fresh, p in zip(second.params, first.params, strict=True):
        fresh.data.copy_(p.detach())
        if subject.needs & {"keeps_grad", "grad_first"} and p.grad is not None:
            fresh.grad = p.grad.clone()
    return second


def entries(session: Session) -> Iterator[tuple[tuple[int, str], Any]]:
    """Yield ((parameter's index, path), value) for every entry of the state."""
    for index, p in enumerate(session.params):
        yield from _inside((index, ""), session.optimizer.state.get(p, {}))


def _inside(key: tuple[int, str], value: Any) -> Iterator[tuple[tuple[int, str], Any]]:
    index, path = key
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _inside((index, f"{path}.{name}".lstrip(".")), entry)
    elif isinstance(value, list | tuple):
        for place, entry in enumerate(value):
            yield from _inside((index, f"{path}[{place}]"), entry)
    else:
        yield key, value


def changed_formats(first: Session, second: Session) -> list[str]:
    """Return which tensors of the state have another dtype in the second session, or had it.

    torch's own loading casts to the parameter's dtype; what is cast back has been rounded.
    """
    other = dict(entries(second))
    found = []
    for key, value in entries(first):
        twin = other.get(key)
        if not (isinstance(value, torch.Tensor) and isinstance(twin, torch.Tensor)):
            continue
        if value.dtype != twin.dtype:
            old, new = (str(t.dtype).removeprefix("torch.") for t in (value, twin))
            found.append(f"{key[1]}: {old} to {new}")
        elif _through(value, twin, first.params[key[0]].dtype):
            narrow = str(first.params[key[0]].dtype).removeprefix("torch.")
            found.append(f"{key[1]}: rounded to {narrow}")
    return sorted(set(found))


def _through(value: torch.Tensor, twin: torch.Tensor, dtype: torch.dtype) -> bool:
    """Return whether a tensor is another one, rounded to a format."""
    if not value.dtype.is_floating_point or value.shape != twin.shape or torch.equal(value, twin):
        return False
    return torch.equal(value.to(dtype).to(value.dtype), twin)


def stuck_counters(first: Session, second: Session) -> list[tuple[str, float, float]]:
    """Return (name, value, value in the second) of single whole numbers that are not equal."""
    other = dict(entries(second))
    found = []
    for key, value in entries(first):
        mine, its = _whole(value), _whole(other.get(key))
        if mine is not None and its is not None and mine > 256 and mine != its:
            found.append((key[1], mine, its))
    return found


def _whole(value: Any) -> float | None:
    if isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_complex():
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if float(value).is_integer() else None


def lost_entries(first: Session, second: Session) -> list[str]:
    """Return which entries of the state are missing in the second session, or have other values.

    Tensors are compared to some units of rounding of their largest entry, numbers to 1e-6.
    """
    other = dict(entries(second))
    found = []
    for key, value in entries(first):
        if key not in other or not close(value, other[key]):
            found.append(key[1])
    return sorted(set(found))


def close(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape or a.is_sparse or not a.dtype.is_floating_point:
            return a.shape == b.shape
        share = max(1e-6, min(ROUNDING * torch.finfo(a.dtype).eps, MOST))
        largest = max([0.0, *a[a.isfinite()].double().abs().flatten().tolist()])
        room = 1e-12 + share * largest
        return torch.allclose(a.double(), b.double(), rtol=0.0, atol=room, equal_nan=True)
    if isinstance(a, int | float) and isinstance(b, int | float | torch.Tensor):
        same = float(a) == float(b)  # infinite ones too
        return same or abs(float(a) - float(b)) <= 1e-6 * abs(float(a)) + 1e-12
    return True


def taken(subject: Subject, name: str, how: str, given: Given, dtype: torch.dtype) -> CheckResult:
    """state_dict() takes entries out of the optimizer that is saved, and goes on without them."""
    shapes = subject.shapes((6, 4), (5,))
    body = f"""
one, ps = begin([v.to({dtype}) for v in start], **{dict(given.saved)!r})
for g in gradients:
    step(one, ps, [x.to({dtype}) for x in g])
held = {{name for p in ps for name in one.state[p]}}
one.state_dict()
print('taken:', sorted(held - {{name for p in ps for name in one.state[p]}}))
"""
    name = name.partition(".")[0].partition("[")[0]
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"state_dict() of a run {how} takes {name!r} out of the running optimizer.",
        scenario={"shapes": shapes, "saved after": BEFORE, "how": how},
        **evidence(subject, body, repr(name), shapes=shapes, steps=BEFORE, stream=(ID,)),
    )


def lost_shown(
    subject: Subject, lost: list[str], shapes: list[tuple[int, ...]], given: Given
) -> dict[str, Any]:
    """Return the fields that carry a program which names the entries of the state that differ."""
    body = given.text(torch.float64)
    body += """

def differs(a, b):
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and a.shape == b.shape:
        eps = torch.finfo(a.dtype).eps if a.is_floating_point() else 0.0
        share = max(1e-6, min({rounding} * eps, {most}))
        largest = max([0.0, *a.double().abs().flatten().tolist()])
        return not torch.allclose(a.double(), b.double(), rtol=0.0, atol=1e-12 + share * largest)
    return repr(a) != repr(b)


print('lost:', sorted({n for p, q in zip(ps, qs) for n, v in one.state[p].items()
                       if n not in two.state[q] or differs(v, two.state[q][n])}))
""".replace("{rounding}", str(ROUNDING)).replace("{most}", str(MOST))
    name = lost[0].partition(".")[0].partition("[")[0]
    more = evidence(subject, body, repr(name), shapes=shapes, steps=BEFORE + AFTER, stream=(ID,))
    return {"snippet": more["snippet"], "details": {"state": lost, **more["details"]}}
