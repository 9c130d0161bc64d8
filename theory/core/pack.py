"""A pack: the statements of one setting, and where their checks are."""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass

from theory.core.claim import Claim, collect
from theory.core.notation import NOTATION, Notation

PREFIX = re.compile(r"[A-Z]{2,5}")


@dataclass(frozen=True, kw_only=True)
class Pack:
    """What one setting (or one paper) states.

    prefix: of every claim id. checks: dotted name of the package or module that holds the checks,
    imported only when something is verified. notation: letter -> row of the table.

    Raises ValueError for an ill-formed prefix, or a claim whose id has another one.
    """

    prefix: str
    title: str
    claims: Mapping[str, Claim]
    checks: str
    notation: Mapping[str, Notation]

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.prefix):
            raise ValueError(f"pack prefix={self.prefix!r}, needs 2 to 5 capitals")
        strangers = [name for name in self.claims if not name.startswith(self.prefix + "-")]
        if strangers:
            raise ValueError(f"pack {self.prefix}: claims {strangers} have another prefix")

    @classmethod
    def of_package(cls, package: str, *, prefix: str, title: str, checks: str) -> "Pack":
        """Return the pack of every claim written in a module of ``package``."""
        return cls(
            prefix=prefix,
            title=title,
            claims=collect(claims_in(package)),
            checks=checks,
            notation=NOTATION,
        )


def claims_in(package: str) -> list[Claim]:
    """Return the claims that are written in the modules of ``package``, each once."""
    root = importlib.import_module(package)
    names = [found.name for found in pkgutil.walk_packages(root.__path__, package + ".")]
    claims = []
    for name in names:
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, Claim) and value.defined_at[0] == name:
                claims.append(value)
    return list({id(claim): claim for claim in claims}.values())
