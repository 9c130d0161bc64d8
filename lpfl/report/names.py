"""Names beside the ends of lines: none on top of another, each as near to its line as it can be."""

from collections.abc import Sequence

from markupsafe import Markup

from lpfl.report.svg import Point, line, text

GAP = 15.0  # pixels from a name to the next
_NEAR = 4.0  # a name this near to its line needs no pointer
_POINTER = 12.0


def names_at_ends(
    ends: Sequence[tuple[Point, str, int]], right: float, top: float, bottom: float
) -> list[Markup]:
    """Return names to the right of ``right``; ends: last point of a line, its name, its colour.

    A name that had to move has a thin pointer from the height where its line ends.
    """
    placed = sorted(ends, key=lambda end: end[0][1])
    heights = spread([height for (_, height), _, _ in placed], top, bottom)
    moved = any(abs(at - h) > _NEAR for at, ((_, h), _, _) in zip(heights, placed, strict=True))
    left = right + 6 + (_POINTER if moved else 0)
    parts = []
    for at, ((_, height), name, colour) in zip(heights, placed, strict=True):
        if moved:
            parts.append(line(f"pointer s{colour}", (right + 3, height), (left - 3, at)))
        parts.append(text(f"legend direct s{colour}", (left + 3, at + 4), name))
    return parts


def spread(heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Return sorted heights at least ``GAP`` apart, moved as little as that needs.

    Neighbours that are too near share a group around their mean (pool adjacent violators). They
    stay between top and bottom where all of them fit there.
    """
    groups: list[list[float]] = []
    for number, height in enumerate(heights):
        groups.append([height - GAP * number])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    places = [_mean(group) for group in groups for _ in group]
    highest = bottom - GAP * (len(heights) - 1)
    low = [min(max(place, top), max(highest, top)) for place in places]
    return [place + GAP * number for number, place in enumerate(low)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
