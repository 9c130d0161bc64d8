"""Automatic mutants: small slips in the code, and whether verification or the tests see them."""

import hashlib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from lpfl.trust.limits import OutOfTime, processor_time
from lpfl.trust.mutation import Mutant, mutants_in, mutated_tree
from lpfl.verify.reimport import imported_with, project_modules

Record = dict[str, Any]
NEAR = 2  # claims that are run whole before the others begin
PLACES = ("lpfl.optim", "lpfl.problems", "lpfl.measure", "lpfl.decide", "theory")


@cache
def all_mutants() -> dict[str, Mutant]:
    """Return every mutant of what is predicted, run, measured and decided, by name."""
    import lpfl.verify.registry  # noqa: F401  (imports what is to be changed)

    found: dict[str, Mutant] = {}
    for name, module in project_modules().items():
        if name in PLACES or name.startswith(tuple(f"{place}." for place in PLACES)):
            for mutant in mutants_in(name, str(module.__file__)):
                found[mutant.name] = mutant
    return found


def sample(names: Sequence[str], count: int, seed: int) -> list[str]:
    """Return a sample that depends on the seed alone; a larger one holds the smaller one."""

    def place(name: str) -> str:
        return hashlib.sha256(f"{seed}|{name}".encode()).hexdigest()

    return sorted(names, key=place)[:count]


@contextmanager
def alive(name: str) -> Iterator[None]:
    """Put a mutant into the living code, and take it out again."""
    module = name.partition(":")[0]
    path = str(importlib.import_module(module).__file__)
    code = compile(mutated_tree(name, path), f"<{module}, mutant>", "exec")
    with imported_with(module, code):
        yield


def try_mutant(name: str, claims: str, scenarios: int, seconds: int) -> Record:
    """Run claims on a mutant in this process until one is not confirmed; return what happened.

    claims: ids with commas. All scenarios of the first few come first, then every other claim's
    first scenario, then the rest.
    seconds: of processor time.
    outcome: refuted, error (the run stops), inconclusive (a scenario is left open), survived;
    unfinished if no time was left (which does not count as seen), unreached without claims.
    """
    from lpfl.verify.running.looks import look

    tried: list[str] = []
    asked = claims.split(",") if claims else []
    try:
        with processor_time(seconds):
            try:
                with alive(name):
                    for claim, number, check, trial in _trials(asked, scenarios):
                        tried += [claim] if claim not in tried else []
                        found = _worst_outcome(look(check, trial))
                        if found != "confirmed":
                            return {"outcome": found, "claim": claim, "scenario": number}
            except Exception as error:
                said = f"{type(error).__name__}: {error}"[:200]
                return {"outcome": "error", "claim": tried[-1] if tried else "", "error": said}
    except OutOfTime:
        return {"outcome": "unfinished", "claim": tried[-1] if tried else ""}
    return {"outcome": "survived" if tried else "unreached", "claim": ""}


def _trials(claims: Sequence[str], scenarios: int) -> Iterator[tuple[str, int, Any, Any]]:
    import torch

    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.runner import make_trial

    torch.set_num_threads(1)
    near, others = claims[:NEAR], claims[NEAR:]
    for some, wanted in ((near, slice(None)), (others, slice(0, 1)), (others, slice(1, None))):
        for claim in some:
            check = CHECKS[claim]
            every = (*check.space.anchors, *check.space.sobol(scenarios, 0))
            for number, scenario in list(enumerate(every, 1))[wanted]:
                yield claim, number, check, make_trial(claim, scenario, seed=0)


def _worst_outcome(findings: Sequence[Any]) -> str:
    outcomes = {finding.verdict.outcome.value for finding in findings}
    return next((o for o in ("refuted", "inconclusive") if o in outcomes), "confirmed")


def counts(records: Sequence[Mapping[str, Any]], equivalent: Mapping[str, str]) -> Record:
    """Return how many mutants there are, and what became of them, without the equivalent ones."""
    judged = [r for r in records if r["id"] not in equivalent]
    by_verify = [r for r in judged if killed_by_verify(r)]
    by_either = [r for r in judged if killed_by_verify(r) or r.get("suite") == "failed"]
    outcomes: dict[str, int] = {}
    for record in judged:
        outcomes[record["outcome"]] = outcomes.get(record["outcome"], 0) + 1
    total = len(judged)
    return {
        "mutants": total,
        "equivalent": len(records) - total,
        "outcomes": outcomes,
        "killed_by_verify": len(by_verify),
        "killed_by_verify_or_tests": len(by_either),
        "share_by_verify": round(len(by_verify) / total, 4) if total else None,
        "share_by_either": round(len(by_either) / total, 4) if total else None,
        "survivors": sorted(r["id"] for r in judged if r not in by_either),
    }


def killed_by_verify(record: Mapping[str, Any]) -> bool:
    """Say whether the run would not have been green."""
    return record["outcome"] in ("refuted", "inconclusive", "error")
