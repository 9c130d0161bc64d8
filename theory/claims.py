"""The packs that come with the project, and all of their statements by id."""

import importlib
import pkgutil
from pathlib import Path
from types import MappingProxyType

from theory.core.claim import collect
from theory.core.pack import Pack


def own_packs() -> tuple[Pack, ...]:
    """Return the pack of every package under ``theory`` that has one, by prefix."""
    packs = []
    for found in pkgutil.iter_modules([str(Path(__file__).parent)], "theory."):
        if found.ispkg:
            pack = getattr(importlib.import_module(found.name), "PACK", None)
            if isinstance(pack, Pack):
                packs.append(pack)
    return tuple(sorted(packs, key=lambda pack: pack.prefix))


PACKS = MappingProxyType({pack.prefix: pack for pack in own_packs()})
CLAIMS = collect(claim for pack in PACKS.values() for claim in pack.claims.values())
