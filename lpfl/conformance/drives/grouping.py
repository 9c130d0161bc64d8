"""An optimizer with several groups of different options."""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.drives.driven import Driven, Groups
from lpfl.conformance.signatures import Undrivable, set_option


def build_in_groups(
    subject: Driven, params: list[Any], options: Mapping[str, Any], groups: Groups
) -> Any:
    """Return an optimizer with one group per entry of ``groups``: (indices, options).

    First as group dictionaries for the factory; if it does not take those, the groups after the
    first are added with add_param_group.
    Raises: Undrivable if a group lacks an option.
    """
    sets = [[params[i] for i in indices] for indices, _ in groups]
    wanted = [dict(own) for _, own in groups]
    if "group_flags" not in subject.needs:
        dicts = [{"params": held, **own} for held, own in zip(sets, wanted, strict=True)]
        try:
            optimizer = subject.build(dicts, **options)
        except (TypeError, AttributeError):  # the factory looks at each parameter itself
            optimizer = None
        if optimizer is not None and _as_wanted(optimizer, sets, wanted):
            return optimizer
    optimizer = subject.build(sets[0], **options)
    if len(optimizer.param_groups) != 1:
        raise Undrivable("the factory splits its parameters into groups of its own")
    for held in sets[1:]:
        optimizer.add_param_group({"params": list(held)})
    for group, own in zip(optimizer.param_groups, wanted, strict=True):
        for name, value in own.items():
            if name not in group:
                raise Undrivable(f"a group knows no option {name!r}")
            set_option(group, name, value)
    return optimizer


def _as_wanted(optimizer: Any, sets: list[list[Any]], wanted: list[dict[str, Any]]) -> bool:
    if len(optimizer.param_groups) != len(sets):
        return False
    for group, held, own in zip(optimizer.param_groups, sets, wanted, strict=True):
        same = [id(p) for p in group["params"]] == [id(p) for p in held]
        if not same or any(name not in group for name in own):
            return False
    return True
