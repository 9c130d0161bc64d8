"""What a worker of a cluster does: one function, which takes and returns JSON text.

An order carries what its sender runs on (versions, and a fingerprint of the code). A worker that
runs on something else refuses, so that no record comes from another version.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from lpfl.verify.running.workers import Call, Lost

_ONE_AT_A_TIME = Lock()
"""The precision of mpmath and the caches of SymPy belong to the process, not to a thread."""


def order(function: Callable[..., Any], task: Sequence[Any]) -> str:
    """Return the order to call ``function(*task)``. Raises ValueError for a task beyond JSON."""
    fields = {
        "module": function.__module__,
        "name": function.__name__,
        "task": list(task),
        "standing": standing(),
    }
    return json.dumps(fields, allow_nan=False)


def obey(text: str) -> str:
    """Carry out an order; return {"answer": ...}, {"raised": reason} or {"refused": reason}."""
    wanted = json.loads(text)
    if differs := difference(wanted["standing"], standing()):
        return json.dumps({"refused": differs})
    with _ONE_AT_A_TIME:
        answer = Call(wanted["module"], wanted["name"]).call(*wanted["task"])
    if isinstance(answer, Lost):
        return json.dumps({"raised": answer.reason})
    try:
        return json.dumps({"answer": answer}, allow_nan=False)
    except (TypeError, ValueError) as error:
        return json.dumps({"raised": f"the answer is no JSON: {error}"})


@lru_cache(maxsize=1)
def standing() -> dict[str, str]:
    """Return what numbers depend on here: versions, and a fingerprint of lpfl and theory."""
    from lpfl.environment import code_fingerprint, environment

    known = environment()
    return {"lpfl": known["lpfl_version"], **known["versions"], "code": code_fingerprint()}


def difference(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Return in words the first thing in which a worker differs from its client, '' if none."""
    for name in [*wanted, *sorted(set(found) - set(wanted))]:
        if wanted.get(name) != found.get(name):
            return f"has {name}={found.get(name)}, the client has {wanted.get(name)}"
    return ""
