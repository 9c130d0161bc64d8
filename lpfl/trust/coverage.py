"""Which functions of the project each claim executes, and what a claim costs."""

import sys
import time
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Record = dict[str, Any]


def executed(claim_id: str, scenarios: int) -> Record:
    """Run a claim on its first anchor and some drawn scenarios; return what it entered.

    functions: ``module:function`` of the outermost functions. seconds: of processor time for the
    first scenario, and for all.
    """
    import torch

    from lpfl.verify.registry import CHECKS
    from lpfl.verify.running.looks import look
    from lpfl.verify.running.runner import make_trial

    torch.set_num_threads(1)
    check = CHECKS[claim_id]
    seen: set[CodeType] = set()

    def notice(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    started = time.process_time()
    first = 0.0
    sys.setprofile(notice)
    try:
        for scenario in (*check.space.anchors[:1], *check.space.sobol(scenarios, 0)):
            look(check, make_trial(claim_id, scenario, seed=0))
            first = first or time.process_time() - started
    finally:
        sys.setprofile(None)
    whole = time.process_time() - started
    return {"functions": _named(seen), "seconds": [round(first, 3), round(whole, 3)]}


def _named(codes: set[CodeType]) -> list[str]:
    from lpfl.verify.reimport import project_modules

    modules = {
        str(Path(module.__file__)): name
        for name, module in project_modules().items()
        if module.__file__
    }
    found = {
        f"{modules[code.co_filename]}:{code.co_qualname.partition('.<locals>')[0]}"
        for code in codes
        if code.co_filename in modules
    }
    return sorted(found)


def exercising(
    module: str, function: str, map_of: Mapping[str, Record], built_from: Sequence[str]
) -> list[str]:
    """Return the claims that a change of a function may concern.

    Those that enter it; after them, if it is executed at import or in the theory, those whose
    modules are built from its module. Among each, the ones stated nearest to the module come
    first, and of equally near ones the cheapest.
    """
    from lpfl.verify.registry import CLAIMS

    entered = [c for c, record in map_of.items() if f"{module}:{function}" in record["functions"]]
    at_import = not entered or module.startswith("theory")
    rest = [c for c in built_from if at_import and c in map_of and c not in entered]

    def order(claim: str) -> tuple[int, float]:
        return -nearness(CLAIMS[claim].defined_at[0], module), float(map_of[claim]["seconds"][1])

    return sorted(entered, key=order) + sorted(rest, key=order)


def nearness(one: str, other: str) -> int:
    """Return how many leading names two modules share: ``a.b.c`` and ``a.b.d`` share two."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def built_from(module: str) -> list[str]:
    """Return the claims whose statement or check imports a module, directly or not."""
    from lpfl.verify.registry import CHECKS, CLAIMS
    from lpfl.verify.reimport import dependants

    changed = set(dependants(module))
    return [
        claim_id
        for claim_id, claim in CLAIMS.items()
        if claim.defined_at[0] in changed or CHECKS[claim_id].defined_at[0] in changed
    ]
