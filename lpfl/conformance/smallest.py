"""The smallest scenario in which something still shows, found by Hypothesis."""

from collections.abc import Callable, Sequence

Shape = tuple[int, ...]
Scenario = tuple[list[Shape], int]
EXAMPLES = 80
CALLS = 4e6
"""Calls of functions that may be made: a limit on time would let the machine decide."""


def smallest(
    shows: Callable[[list[Shape], int], bool],
    shapes: Sequence[Sequence[int]],
    steps: int,
    *,
    each: float,
) -> Scenario:
    """Return fewer and smaller shapes and fewer steps for which ``shows(shapes, steps)`` holds.

    each: calls of functions in a step, as in ``learning.cost``.
    Shapes keep their number of dimensions; their sides only shrink. Returns the given scenario if
    nothing smaller shows it within the limits on examples and calls.
    """
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import NoSuchExample

    given: Scenario = ([tuple(shape) for shape in shapes], steps)
    known: dict[str, bool] = {}
    left = CALLS

    def holds(scenario: Scenario) -> bool:
        nonlocal left
        key = repr(scenario)
        if key not in known:
            left -= 2 * each * scenario[1]
            known[key] = left >= 0 and _quietly(shows, scenario)
        return known[key]

    def smaller(shape: Shape) -> "st.SearchStrategy[Shape]":
        return st.tuples(*(st.integers(1, max(side, 1)) for side in shape))

    fewer = [[i] for i in range(len(given[0]))] + [list(range(len(given[0])))]
    some = st.sampled_from(fewer).flatmap(
        lambda kept: st.tuples(*(smaller(given[0][i]) for i in kept)).map(list)
    )
    quiet = settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    try:
        return find(st.tuples(some, st.integers(1, steps)), holds, settings=quiet)
    except NoSuchExample:
        return given


def _quietly(shows: Callable[[list[Shape], int], bool], scenario: Scenario) -> bool:
    try:
        return shows(*scenario)
    except Exception:
        return False
