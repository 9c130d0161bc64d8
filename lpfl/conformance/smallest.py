"""The smallest scenario in which something still shows, found by Hypothesis."""

import time
from collections.abc import Callable, Sequence

Shape = tuple[int, ...]
Scenario = tuple[list[Shape], int]
SECONDS = 4.0
EXAMPLES = 80


def smallest(
    shows: Callable[[list[Shape], int], bool], shapes: Sequence[Sequence[int]], steps: int
) -> Scenario:
    """Return fewer and smaller shapes and fewer steps for which ``shows(shapes, steps)`` holds.

    Shapes keep their number of dimensions; their sides only shrink. Returns the given scenario if
    nothing smaller shows it within the limits on time and examples.
    """
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import NoSuchExample

    given: Scenario = ([tuple(shape) for shape in shapes], steps)
    deadline = time.perf_counter() + SECONDS
    known: dict[str, bool] = {}  # what was seen once stays so, also after the deadline

    def holds(scenario: Scenario) -> bool:
        key = repr(scenario)
        if key not in known:
            known[key] = time.perf_counter() <= deadline and _quietly(shows, scenario)
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
