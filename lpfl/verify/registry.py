"""Every pack, claim and check: the project's own, and those that other packages bring.

Nothing is listed: own checks are found in the modules that a pack names, foreign packs through
the entry point group ``lpfl.claims`` (a name pointing at a ``Pack``). A pack that cannot be loaded
becomes a row, and everything else goes on.
"""

import importlib
import pkgutil
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType

from lpfl.verify.check import Check
from lpfl.verify.planting import Fault
from theory.claims import PACKS as OWN_PACKS
from theory.core.claim import Claim
from theory.core.pack import Pack

GROUP = "lpfl.claims"


@dataclass(frozen=True)
class Broken:
    """A pack that could not be loaded: its entry point, and why."""

    name: str
    where: str
    error: str


@dataclass(frozen=True)
class Registry:
    """What can be verified. claims and checks are keyed by claim id, in order of the ids."""

    packs: Mapping[str, Pack]
    claims: Mapping[str, Claim]
    checks: Mapping[str, Check]
    broken: tuple[Broken, ...] = ()


def checks_in(module_name: str) -> list[Check]:
    """Return the checks written in a module, or in the modules of a package, each once."""
    found = []
    for module in modules_in(module_name):
        for value in vars(module).values():
            if isinstance(value, Check) and value.measure.__module__ == module.__name__:
                found.append(value)
    return list({id(check): check for check in found}.values())


def modules_in(name: str) -> list[ModuleType]:
    """Return a module, or a package and every module in it."""
    root = importlib.import_module(name)
    inside = pkgutil.walk_packages(getattr(root, "__path__", []), name + ".")
    return [root, *(importlib.import_module(found.name) for found in inside)]


def faults_in(module_name: str) -> list[Fault]:
    """Return the planted faults written in a module or package: every tuple called FAULTS."""
    return [fault for module in modules_in(module_name) for fault in getattr(module, "FAULTS", ())]


def load(foreign: Iterable[EntryPoint] | None = None) -> Registry:
    """Return everything that can be verified; ``foreign``: entry points (default: installed)."""
    packs: dict[str, Pack] = {}
    claims: dict[str, Claim] = {}
    checks: dict[str, Check] = {}
    broken = []
    for pack in OWN_PACKS.values():
        _add(pack, packs, claims, checks)
    for entry in sorted(_installed() if foreign is None else foreign, key=lambda e: e.name):
        try:
            loaded = entry.load()
            if not isinstance(loaded, Pack):
                raise TypeError(f"{entry.value} is a {type(loaded).__name__}, needs a Pack")
            _add(loaded, packs, claims, checks)
        except Exception as error:
            said = "".join(traceback.format_exception_only(error)).strip()
            broken.append(Broken(entry.name, entry.value, said))
    return Registry(
        MappingProxyType(packs),
        MappingProxyType(dict(sorted(claims.items()))),
        MappingProxyType(dict(sorted(checks.items()))),
        tuple(broken),
    )


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


def _add(
    pack: Pack, packs: dict[str, Pack], claims: dict[str, Claim], checks: dict[str, Check]
) -> None:
    if pack.prefix in packs:
        raise ValueError(f"pack prefix {pack.prefix} is taken by {packs[pack.prefix].title!r}")
    found: dict[str, Check] = {}
    for check in checks_in(pack.checks):
        if check.claim_id not in pack.claims:
            raise ValueError(f"{pack.checks}: a check of {check.claim_id}, which the pack lacks")
        if check.claim_id in found:
            raise ValueError(f"{check.claim_id} has two checks")
        found[check.claim_id] = check
    packs[pack.prefix] = pack
    claims.update(pack.claims)
    checks.update(found)


def all_faults() -> tuple[Fault, ...]:
    """Return the planted faults of every pack, in order of the claims."""
    found = [fault for pack in REGISTRY.packs.values() for fault in faults_in(pack.checks)]
    return tuple(sorted(found, key=lambda fault: fault.claim))


REGISTRY = load()
CLAIMS, CHECKS = REGISTRY.claims, REGISTRY.checks
