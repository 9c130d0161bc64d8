"""The checks: registered by a decorator, found by looking into ``checks/``."""

import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lpfl.conformance.outcomes import CheckResult, Outcome

CheckFunction = Callable[[Any], CheckResult | Iterable[CheckResult]]
Claims = Collection[str] | Callable[[frozenset[str]], bool] | None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    check_id: permanent, such as ``api.resume``. says: first line of the function's docstring.
    tags: groups it belongs to. cost: CPU seconds on a usual optimizer, for scheduling. needs:
    what the subject must offer: "inject" (gradients prescribed through p.grad), "state_dict", or
    the name of an option. claims: None for every optimizer; otherwise names of which one must be
    claimed, or a predicate on the claims. quick: part of ``quick`` runs. alone: changes the whole
    process, so it runs last and in a process of its own. control: on a finding, torch's own
    optimizer is put through the same check. prepare: computes what all subjects share, once, in the
    process from which theirs are forked.
    """

    check_id: str
    function: CheckFunction
    says: str
    tags: tuple[str, ...] = ()
    cost: float = 1.0
    needs: tuple[str, ...] = ()
    claims: Claims = None
    quick: bool = True
    alone: bool = False
    control: bool = True
    prepare: Callable[[], object] | None = None

    def concerns(self, claims: frozenset[str]) -> bool:
        """Return whether an optimizer with these claims is held to this check."""
        if self.claims is None:
            return True
        if callable(self.claims):
            return bool(self.claims(claims))
        return bool(claims & set(self.claims))


_CHECKS: dict[str, Check] = {}


def check(
    check_id: str,
    *,
    tags: Sequence[str] = (),
    cost: float = 1.0,
    needs: Sequence[str] = (),
    claims: Claims = None,
    quick: bool = True,
    alone: bool = False,
    control: bool | None = None,
    prepare: Callable[[], object] | None = None,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function of a Subject as a check; the fields are those of ``Check``.

    control: by default, checks tagged "api" have one.
    Raises: ValueError if the id is taken or the function has no docstring.
    """

    def keep(function: CheckFunction) -> CheckFunction:
        if check_id in _CHECKS:
            raise ValueError(f"check_id={check_id!r} is taken")
        says = (function.__doc__ or "").strip().partition("\n")[0]
        if not says:
            stripped = "; python -OO strips them" if sys.flags.optimize > 1 else ""
            raise ValueError(f"check {check_id!r} has no docstring{stripped}")
        _CHECKS[check_id] = Check(
            check_id=check_id,
            function=function,
            says=says,
            tags=tuple(tags),
            cost=cost,
            needs=tuple(needs),
            claims=claims,
            quick=quick,
            alone=alone,
            control="api" in tags if control is None else control,
            prepare=prepare,
        )
        return function

    return keep


@functools.cache
def _discover() -> None:
    package = importlib.import_module("lpfl.conformance.checks")
    inside = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    for module in sorted(m.name for m in inside):
        try:
            importlib.import_module(module)
        except Exception as error:
            _keep_broken(module.removeprefix(package.__name__ + "."), error)


def _keep_broken(module: str, error: Exception) -> None:
    """Register, in place of the checks of a module, that it cannot be imported."""
    check_id = f"import.{module}"
    message = f"The checks of {module} cannot be imported: {type(error).__name__}: {error}."

    @check(check_id, tags=("import",), cost=0.0)
    def broken(subject: Any) -> CheckResult:
        """The module with these checks can be imported."""
        del subject
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)


def all_checks() -> dict[str, Check]:
    """Return every check by id: theory first, then definition and invariance, then api."""
    _discover()
    order = {"theory": 0, "def": 1, "inv": 2}
    key = lambda c: (c.alone, order.get(c.check_id.partition(".")[0], 3), c.check_id)  # noqa: E731
    return {c.check_id: c for c in sorted(_CHECKS.values(), key=key)}


def select(patterns: Sequence[str] | None, *, quick: bool = False) -> list[Check]:
    """Return the checks whose id matches one of the patterns, or that bear one as a tag.

    Raises: ValueError for a pattern that selects nothing.
    """
    known = all_checks()
    if patterns is None:
        return [c for c in known.values() if c.quick or not quick]
    if isinstance(patterns, str):
        raise ValueError(f"checks={patterns!r}, needs a list of ids, patterns or tags")
    chosen: set[str] = set()
    for pattern in patterns:
        hits = {i for i, c in known.items() if fnmatchcase(i, pattern) or pattern in c.tags}
        if not hits:
            raise ValueError(f"checks={pattern!r} selects nothing, known are {sorted(known)}")
        chosen |= hits
    return [c for c in known.values() if c.check_id in chosen]
