"""What a statement rests on: seen in the paper, attributed to it, other work, or derived here."""

import re
from dataclasses import dataclass
from enum import StrEnum

_PAPER = re.compile(r"^.*?2502\.01763[,:] *")


class Basis(StrEnum):
    """How far a statement can be traced, the firmest first."""

    SEEN = "paper, equation seen"
    ATTRIBUTED = "attributed to the paper, its text was not at hand"
    OTHER_WORK = "other work"
    DERIVED = "derived here"


@dataclass(frozen=True)
class Source:
    """One basis, what exactly it is (an equation, a reference), and further ones.

    ``Source.seen("eq. (5)") + Source.derived("the null space")`` rests on both. ``basis`` is that
    of the first. Raises ValueError if a basis other than "derived here" names nothing.
    """

    basis: Basis
    detail: str = ""
    more: tuple["Source", ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "basis", Basis(self.basis))
        if self.basis is not Basis.DERIVED and not self.detail.strip():
            raise ValueError(f"source {self.basis.value!r} names nothing, needs what it points to")

    def __add__(self, other: "Source") -> "Source":
        return Source(self.basis, self.detail, (*self.more, *other.parts()))

    def __str__(self) -> str:
        return "; ".join(
            f"{s.basis.value}: {s.detail}" if s.detail else s.basis.value for s in self.parts()
        )

    def parts(self) -> tuple["Source", ...]:
        """Return every basis on its own, this one first."""
        return (Source(self.basis, self.detail), *self.more)

    @property
    def place(self) -> str:
        """What exactly the statement rests on, without the name of the paper."""
        return _PAPER.sub("", self.detail)

    @classmethod
    def seen(cls, detail: str) -> "Source":
        """The formula was read in the paper: ``detail`` says which."""
        return cls(Basis.SEEN, detail)

    @classmethod
    def attributed(cls, detail: str) -> "Source":
        """We believe that the paper states it; its text was not seen."""
        return cls(Basis.ATTRIBUTED, detail)

    @classmethod
    def other_work(cls, detail: str) -> "Source":
        """Stated in other work: ``detail`` is the reference."""
        return cls(Basis.OTHER_WORK, detail)

    @classmethod
    def derived(cls, detail: str = "") -> "Source":
        """Derived for this project."""
        return cls(Basis.DERIVED, detail)
