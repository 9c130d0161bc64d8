"""Run claims and judge optimizers on the pretended device, in a process of its own.

``python -m tests.devices.on_pretend claim LR-01 SI-08`` looks at the first scenario of each claim
(with no id: of all); ``... judge kfac sgd:api.shapes,inv`` judges our own rules, by these checks or
by most, and names those that answer otherwise than on the CPU. One line per subject, JSON. The
device is a part of torch for the rest of the process, so that other tests are kept out of it.
"""

import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence
from unittest import mock

import torch

from lpfl.conformance.isolation import judge_here
from lpfl.conformance.learning.cost import USUAL
from lpfl.conformance.own import own_specs
from lpfl.conformance.run import select
from lpfl.verify.running.runner import CHECKS, Plan, run_claim, scenarios_of
from tests.devices.pretend import MET, register, second_device

CANNOT = frozenset({"api.alias", "api.resume", "api.sparse", "layer.tied", "layer.patches"})
"""Checks that show what the pretence lacks: addresses, files, sparse tensors, moved modules."""


def look_at(claim: str, device: str) -> str:
    """Return the verdict of the first scenario of a claim, with the error if it is one."""
    first = scenarios_of(CHECKS[claim], Plan((claim,)))[0]
    record = run_claim(claim, Plan((claim,), device=device, scenario=first))[-1]
    verdict = str(record["verdict"])
    return verdict if verdict != "error" else f"error: {record['worst']['detail']}"


def answers(name: str, device: str, checks: Sequence[str]) -> dict[str, list[str]]:
    """Return the outcomes of each check, in its order."""
    chosen = select(checks, quick=True)
    found = defaultdict(list)
    judged = judge_here(own_specs()[name], chosen, seed=0, device=device, quick=True)
    for result in judged.results:
        if result.check not in CANNOT:
            found[result.check].append(result.outcome.value)
    return found


def compare(name: str, checks: Sequence[str]) -> dict[str, str]:
    """Return, by check, the answers on the CPU and on the device where they differ."""
    host = answers(name, "cpu", checks)
    with second_device() as device:
        there = answers(name, device, checks)
    return {key: f"{host[key]} {there[key]}" for key in host if host[key] != there[key]}


def main(kind: str, subjects: Sequence[str]) -> None:
    """Print one line per subject."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    register()
    for subject in subjects or list(CHECKS):
        MET.clear()
        if kind == "claim":
            with second_device() as device:
                found = look_at(subject, device)
        else:
            name, _, checks = subject.partition(":")
            found = compare(name, checks.split(",") if checks else ["api", "def", "layer"])
        print(json.dumps({"subject": subject, "found": found, "met": MET}), flush=True)


if __name__ == "__main__":
    with (
        mock.patch("lpfl.verify.running.runner.require_device"),
        mock.patch("lpfl.verify.options.require_device_word"),
        # a pretended step makes ten times the calls, and is not to be judged by them
        mock.patch("lpfl.conformance.learning.cost._counted", return_value=USUAL),
    ):
        main(sys.argv[1], sys.argv[2:])
