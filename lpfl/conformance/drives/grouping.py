"""An optimizer with several groups of different options."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.drives.driven import Driven, Groups
from lpfl.conformance.signatures import Undrivable, set_option


def build_in_groups(
    subject: Driven, params: list[Any], options: Mapping[str, Any], groups: Groups
) -> Any:
    """Return an optimizer with one group per entry of ``groups``: (indices, options).

    First as group dictionaries for the factory; if it does not take those, the groups after the
    first are added with add_param_group. Named parameters come as dictionaries only to a factory
    that speaks of groups.
    Raises: Undrivable if a group lacks an option.
    """
    sets = [[params[i] for i in indices] for indices, _ in groups]
    wanted = [dict(own) for _, own in groups]
    named = "named" in subject.needs
    if "group_flags" not in subject.needs and (not named or _speaks_of_groups(subject)):
        optimizer = _from_dictionaries(subject, sets, wanted, options)
        if optimizer is not None and (asked := _asked_for(subject, optimizer)):
            wanted = [{**asked, **own} for own in wanted]
            optimizer = _from_dictionaries(subject, sets, wanted, options)
        if optimizer is not None and _as_wanted(optimizer, sets, wanted):
            return optimizer
    named_as = lambda held: [(f"layer{i}.weight", p) for i, p in enumerate(held)]  # noqa: E731
    for held in (_copies(params), sets[0]):  # a set alone may be of one kind, of which it asks
        optimizer = subject.build(named_as(held) if named else held, **options)
        if len(optimizer.param_groups) != 1:
            raise Undrivable("the factory splits its parameters into groups of its own")
    written = _written(optimizer)
    for held in sets[1:]:
        optimizer.add_param_group({"params": list(held), **written})
    for group, own in zip(optimizer.param_groups, wanted, strict=True):
        for name, value in own.items():
            if name not in group:
                raise Undrivable(f"a group knows no option {name!r}")
            set_option(group, name, value)
    return optimizer


def _copies(params: list[Any]) -> list[Any]:
    return [torch.nn.Parameter(p.detach().clone()) for p in params]


def _from_dictionaries(
    subject: Driven, sets: list[list[Any]], wanted: list[dict[str, Any]], options: Mapping[str, Any]
) -> Any:
    dicts = [{"params": held, **own} for held, own in zip(sets, wanted, strict=True)]
    try:
        return subject.build(dicts, **options)
    except (TypeError, AttributeError):  # the factory looks at each parameter itself
        return None


def _asked_for(subject: Driven, optimizer: Any) -> dict[str, Any]:
    """Return the entries that groups lack, the constructor gives its own, and docstrings name."""
    words = f"{_words(subject.spec.factory)} {_words(type(optimizer))}"
    held = optimizer.param_groups[0]
    lacking = {n: v for n, v in subject.default_group.items() if n not in held}
    plain = bool | int | float | str
    return {n: v for n, v in lacking.items() if isinstance(v, plain) and names_entry(words, n)}


def names_entry(words: str, name: str) -> bool:
    """Return whether a docstring speaks of an entry of a group: in quotes, or with a value."""
    key = re.escape(name)
    return bool(re.search(rf"[`'\"]{key}\b|\b{key}\s?=", words))


def _written(optimizer: Any) -> dict[str, Any]:
    """Return what a constructor writes into a group beside its options, such as a flag."""
    options = getattr(optimizer, "defaults", {})
    held = {n: v for n, v in optimizer.param_groups[0].items() if n not in options}
    return {n: v for n, v in held.items() if isinstance(v, bool | int | float | str | tuple)}


def _speaks_of_groups(subject: Driven) -> bool:
    """Return whether a factory of named parameters says that it takes groups of them too."""
    said = re.search(r"dictionar|\bdicts?\b|param.{1,8}groups?", _words(subject.spec.factory))
    return said is not None


def _words(factory: Any) -> str:
    return f"{factory.__doc__ or ''} {getattr(factory.__init__, '__doc__', '') or ''}"


def _as_wanted(optimizer: Any, sets: list[list[Any]], wanted: list[dict[str, Any]]) -> bool:
    if len(optimizer.param_groups) != len(sets):
        return False
    for group, held, own in zip(optimizer.param_groups, sets, wanted, strict=True):
        same = [id(p) for p in group["params"]] == [id(p) for p in held]
        if not same or any(name not in group for name in own):
            return False
    return True
