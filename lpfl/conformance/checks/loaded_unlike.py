"""What differs between an optimizer and its copy right after a checkpoint is loaded."""

from typing import Any

import torch

from lpfl.conformance.checks.api.state_entries import entries
from lpfl.conformance.subject import Session

SHOWN = 4
MISSING = "missing"


def unlike(saved: Session, loaded: Session) -> list[str] | None:
    """Return the options of groups, then the entries of the state, that are not as saved.

    None where an entry does not compare, or there is no state.
    """
    try:
        return _unlike(saved, loaded) if any(True for _ in entries(saved)) else None
    except Exception:  # an entry of a kind of its own, which does not compare
        return None


def _unlike(saved: Session, loaded: Session) -> list[str]:
    found = []
    groups = [session.optimizer.param_groups for session in (saved, loaded)]
    for old, new in zip(*groups, strict=False):
        for name in old.keys() | new.keys():
            if name == "params" or not _plain(old.get(name)) or not _plain(new.get(name)):
                continue
            if not _same(old.get(name), new.get(name)):
                found.append(f"{name} {_told(old, name)} -> {_told(new, name)}")
    before, after = dict(entries(saved)), dict(entries(loaded))
    names = {key[1] for key in before if not _equal(before[key], after.get(key, MISSING))}
    return [*sorted(set(found)), *(f"state {name!r}" for name in sorted(names, key=str))]


def added(message: str, found: list[str] | None) -> str:
    """Return the message with what differs right after loading, if that is known."""
    if found is None:
        return message
    if not found:
        return f"{message[:-1]}; its groups and its state are as saved right after loading."
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{message[:-1]}; unlike right after loading: {', '.join(found[:SHOWN])}{more}."


def _told(group: dict[str, Any], name: str) -> str:
    return f"{group[name]}" if name in group else "nothing"


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_plain(v) for v in value)
    single = isinstance(value, torch.Tensor) and value.numel() == 1
    return single or isinstance(value, bool | int | float | str | None)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor):
        return old.shape == new.shape and bool(
            torch.allclose(old.double(), new.double(), rtol=1e-12, atol=0.0, equal_nan=True)
        )
    if isinstance(new, str) and new == MISSING:
        return False
    return not (_plain(old) and _plain(new)) or _same(old, new)
