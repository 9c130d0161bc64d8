"""Sparse gradients with every row, against dense ones, and sparse gradients without any row."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.sparse"
STEPS = 10
UNDER: tuple[Mapping[str, Any], ...] = (
    {},
    {"amsgrad": True},
    {"momentum": 0.8},
    {"weight_decay": 0.1},
    {"maximize": True},
    {"foreach": True},
)
NOTICED = 1e-3
"""Share of the way up to which another place of eps may be the cause."""
SHORT = {"betas": (0.9, 0.6)}
"""A short memory of squares: a maximum shows."""
SAYS = re.compile(
    r"\bsparse\b[^.]{0,80}\b(approximat\w*|differ\w*|ignor\w*|instead|unlike|"
    r"(not|no|without)( be)? (appl|us|support|tak|mak|keep|momentum|decay|maxim|amsgrad)\w*)",
    re.IGNORECASE,
)
"""Words by which sparse gradients are told to be treated otherwise, not only row by row."""
DENSE = re.compile(
    r"\bdense\b[^.]{0,40}\b(only|alone)\b|\b(only|alone)\b[^.]{0,40}\bdense\b|\bfor dense grad",
    re.IGNORECASE,
)
"""Words by which something is told to belong to dense gradients."""
NAMED = {
    "amsgrad": r"amsgrad|largest",
    "momentum": r"momentum",
    "weight_decay": r"decay|penalty",
    "maximize": r"maximi",
    "foreach": r"foreach",
}


def rows_and_none(subject: Subject) -> Iterator[CheckResult]:
    """Yield what is found with all rows, then with none; nothing where all is well."""
    sides = subject.shapes((6, 4))
    for options in UNDER:
        if not all(subject.accepts(name) for name in options):
            continue
        short = "amsgrad" in options and isinstance(subject.default("betas"), tuple | list)
        result = agree(subject, _whole(subject, {**options, **(SHORT if short else {})}), sides, 10)
        if result.outcome in FINDINGS and (result.measured or 0.0) > NOTICED:
            answer = _excused(subject, result, options)
            yield answer
            if answer.outcome is not Outcome.VARIANT:
                break
    for late in (True, False):
        if empty := _empty(subject, late):
            yield empty
            return


def _excused(subject: Subject, result: CheckResult, options: Mapping[str, Any]) -> CheckResult:
    """Return the answer, as a variant where the documentation speaks of sparse gradients."""
    start, _ = subject.draw(subject.shapes((6, 4)), 0, ID)
    words = documentation(subject, subject.open(start).optimizer)
    told_so = SAYS.search(words) or _for_dense(words, options)
    if result.outcome is Outcome.NUMERICS or not told_so:
        return result
    message = f"{result.message[:-1]}, and it is told that they are treated in their own way."
    return replace(result, outcome=Outcome.VARIANT, message=message)


def _for_dense(words: str, options: Mapping[str, Any]) -> bool:
    """Return whether a sentence tells that the option belongs to dense gradients."""
    sentences = [s for s in words.split(".") if DENSE.search(s)]
    return any(re.search(NAMED[o], s, re.IGNORECASE) for o in options for s in sentences)


def _whole(subject: Subject, options: Mapping[str, Any]) -> Pair:
    """Return the pair of dense gradients and the same as rows, large ones before small ones.

    Whoever updates only the rows that it is given has all of them to update here.
    """

    def falling(rows: Gradients) -> Gradients:
        return [[(3.0 if t < 4 else 0.1) * g for g in row] for t, row in enumerate(rows)]

    def by_rows(start: Start, rows: Gradients) -> Trajectory:
        given = [[g.to_sparse(1).coalesce() for g in row] for row in falling(rows)]
        return subject.run(start, given, options=options)

    said = "".join(f", {k}={v}" for k, v in options.items())
    return Pair(
        check=ID,
        says=f"by sparse gradients with every row{said}, against dense ones,",
        plain=lambda start, rows: subject.run(start, falling(rows), options=options),
        other=by_rows,
        body=f"""
gradients = [[(3.0 if t < 4 else 0.1) * x for x in g] for t, g in enumerate(gradients)]
a = run(start, [[x.to_sparse(1) for x in g] for g in gradients], **{dict(options)!r})
b = run(start, gradients, **{dict(options)!r})
""",
        options=options,
        raises=Outcome.NOT_CLAIMED,
        differs=Outcome.LIMIT,
        scenario={"options": dict(options)},
    )


def _empty(subject: Subject, late: bool) -> CheckResult | None:
    """Return the finding that a gradient without entries raises or leaves no numbers, if so.

    An embedding whose batch holds nothing but padding has one.
    """
    shapes = subject.shapes((6, 4))
    start, gradients = subject.draw(shapes, 2, ID, "empty")
    rows = [[g.to_sparse(1).coalesce() for g in row] for row in gradients]
    none = [_without(g) for g in gradients[0]]
    given = [rows[0], none, rows[1]] if late else [none, *rows]
    when = "in the second step" if late else "in the first step"
    try:
        run = subject.run(start, given)
        if run.finite:
            return None
        said, proof = "leaves numbers that are not finite", "finite: False"
    except Exception as error:
        said, proof = f"raises {told(error)}", type(error).__name__
        if says_so(error):
            message = f"A sparse gradient without entries is refused {when}: {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
    body = f"""
none = [torch.sparse_coo_tensor(torch.zeros(1, 0, dtype=torch.long), x.new_zeros(0, *x.shape[1:]),
                                x.shape, check_invariants=True) for x in start]
rows = [[x.to_sparse(1) for x in g] for g in gradients]
try:
    ends = run(start, {"[rows[0], none, rows[1]]" if late else "[none, *rows]"})
    print('finite:', all(bool(e.isfinite().all()) for e in ends))
except Exception as error:
    print(type(error).__name__, error)
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"A sparse gradient without entries {said} {when}.",
        scenario={"entries": 0, "step": 2 if late else 1},
        **evidence(subject, body, proof, shapes=shapes, steps=2, stream=(ID, "empty")),
    )


def _without(g: torch.Tensor) -> torch.Tensor:
    where = torch.zeros(1, 0, dtype=torch.long)
    values = g.new_zeros(0, *g.shape[1:])
    return torch.sparse_coo_tensor(where, values, g.shape, check_invariants=True)
