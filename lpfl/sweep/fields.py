"""What a scenario of a sweep consists of: numbers within bounds, and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lpfl.sweep.reading import is_number, shown


@dataclass(frozen=True)
class Number:
    """A number in [low, high]; whole: an integer. default: where the spec says nothing."""

    low: float
    high: float
    default: float
    whole: bool = False

    def require(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is such a number."""
        fits = is_number(value) and (isinstance(value, int) or not self.whole)
        if not fits or not self.low <= value <= self.high:
            kind = "an integer" if self.whole else "a number"
            raise ValueError(
                f"{name}={shown(value)}, needs {kind} in [{self.low:g}, {self.high:g}]"
            )


@dataclass(frozen=True)
class Word:
    """One of some words."""

    choices: tuple[str, ...]
    default: str
    whole: bool = False

    def require(self, name: str, value: Any) -> None:
        """Raise ValueError unless ``value`` is one of them."""
        if value not in self.choices:
            raise ValueError(f"{name}={shown(value)}, needs one of {list(self.choices)}")


Field = Number | Word
WORDS = {
    "input_dim": "inputs d",
    "output_dim": "outputs m",
    "rank": "rank k",
    "batch_size": "rows of a batch n",
    "aspect": "aspect d/n",
    "noise_std": "standard deviation of the label noise",
    "log10_cond": "log₁₀ of the inputs' condition number",
    "head_cond": "condition number of the head",
    "start_tangent": "size of the first tangents",
    "step_size": "step size",
    "num_steps": "steps",
    "level": "distance to reach",
}


def in_words(name: str) -> str:
    """Return what a field is called on a page: in words, or by its last name."""
    last = name.rpartition(".")[2]
    return WORDS.get(last, last.replace("_", " "))


def require_fields(
    fields: Mapping[str, Field], fixed: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]
) -> None:
    """Raise ValueError for an unknown name or a value outside its bound.

    axes: name -> the values to try. A name that is both fixed and an axis is refused.
    """
    for place, names in (("fixed", fixed), ("axes", axes)):
        for name in names:
            if name not in fields:
                raise ValueError(
                    f"{place} has the unknown name {shown(name)}, needs one of {list(fields)}"
                )
    for name, value in fixed.items():
        if name in axes:
            raise ValueError(f"fixed.{name} is an axis too, needs one of the two")
        fields[name].require(f"fixed.{name}", value)
    for name, values in axes.items():
        for value in values:
            fields[name].require(f"axes.{name}", value)


def filled(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for every field, in the order of the fields."""
    return {name: values.get(name, field.default) for name, field in fields.items()}
