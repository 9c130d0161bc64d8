"""Answers about one optimizer, and about a wrong one beside its right twin."""

from lpfl import OptimizerSpec, check_optimizer


def judged(kind, check, claims=()):
    """Return the outcome of a check, all its messages, and its answers."""
    spec = OptimizerSpec("s", kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, checks=[check])
    return str(report.outcome(check)), " ".join(r.message for r in report.results), report.results


def require_apart(check, right, wrong, outcome, words):
    """Fail unless the right twin conforms, and the wrong one has this outcome, words, a program."""
    assert judged(right, check)[0] == "conforms"
    answer, said, results = judged(wrong, check)
    assert (answer, words in said) == (outcome, True), said
    assert any(r.snippet for r in results), [r.details for r in results]
