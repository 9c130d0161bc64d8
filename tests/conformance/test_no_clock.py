"""An answer depends on the seed alone: what is too dear is counted, not timed."""

import ast
from pathlib import Path

import pytest

import lpfl.conformance
from lpfl.conformance.learning.cost import (
    SLOWEST,
    affordable,
    calls_per_step,
    calls_per_training_step,
    require_trainable,
)
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.smallest import smallest
from lpfl.conformance.spec import resolve
from lpfl.conformance.subject import Subject

ROOT = Path(lpfl.conformance.__file__).parent
TIMED = {"pulse.py", "running.py", "snippets.py"}
"""Limits on other people's processes and programs, and the seconds that are shown."""


def _imported(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {n.name for node in tree if isinstance(node, ast.Import) for n in node.names}


def test_nothing_that_judges_reads_a_clock() -> None:
    judging = [p for p in ROOT.rglob("*.py") if "peers" not in p.parts and p.name not in TIMED]
    assert len(judging) > 100
    assert [p.name for p in judging if _imported(p) & {"time", "timeit", "datetime"}] == []


def test_the_cost_of_a_step_is_the_same_every_time() -> None:
    for count in (calls_per_step, calls_per_training_step):
        seen = {count(Subject(resolve("torch.optim:Adam"))) for _ in range(3)}
        assert len(seen) == 1
        assert 20 < seen.pop() < 1000


def test_dear_methods_are_not_trained_and_cheap_ones_get_all_steps() -> None:
    dear, cheap = Subject(resolve("torch.optim:LBFGS")), Subject(resolve("torch.optim:SGD"))
    with pytest.raises(Undrivable, match=f"{SLOWEST} is trained with"):
        require_trainable(dear)
    with pytest.raises(Undrivable, match="too many for 32 runs"):
        affordable(dear, 32, calls=5e5)
    assert affordable(cheap, 32, calls=5e5) == 60
    assert affordable(cheap, 320, calls=5e5) == 16


def test_shrinking_ends_with_the_calls_and_not_with_the_time() -> None:
    asked: list[int] = []

    def shows(shapes: list[tuple[int, ...]], steps: int) -> bool:
        asked.append(steps)
        return sum(map(len, shapes)) * steps >= 2

    smallest(shows, [(8, 8), (5,)], 20, each=1e5)
    assert 0 < len(asked) <= 20
    assert smallest(shows, [(8, 8), (5,)], 20, each=1.0) == ([(1, 1)], 1)
