"""All shapes that fail are named, the smallest first, and as many as fit in a line."""

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class Matrices(PerParameter, lr=0.1):
    """Raises on everything that is no matrix, as one that multiplies by its transpose."""

    def update(self, p, g, state, group):
        m, n = p.shape
        p.sub_(g, alpha=group["lr"] * (n / m) ** 0.5)


class SomeKernels(PerParameter, lr=0.1):
    """Kernels alone stand still."""

    def update(self, p, g, state, group):
        if p.ndim < 4:
            p.sub_(g, alpha=group["lr"])


class OneShape(PerParameter, lr=0.1):
    def update(self, p, g, state, group):
        if p.shape != (6, 4):
            raise KeyError("another shape")
        p.sub_(g, alpha=group["lr"])


def judged(kind):
    spec = OptimizerSpec("s", kind)
    (result,) = check_optimizer(spec, checks=["api.shapes"], on_fail=None, quick=True).results
    assert result.outcome is Outcome.LIMIT
    return result


def test_every_shape_that_fails_is_listed_after_the_smallest():
    result = judged(Matrices)
    assert result.message.startswith("A parameter of shape (7,) (vector) raises ValueError")
    assert result.message.endswith("; so fail (4, 3, 2), (4, 3, 2, 2).")
    assert len(result.details["all"]) == 3
    assert result.snippet


def test_a_shape_that_fails_alone_is_named_alone():
    assert judged(SomeKernels).message.endswith("(2-d kernel) moves by exactly 0 in 12 steps.")


def test_the_list_ends_where_the_line_does():
    message = judged(OneShape).message
    assert message.startswith("A parameter of shape (1, 1)")
    assert message.endswith(" more.")
    assert len(message) < 200
