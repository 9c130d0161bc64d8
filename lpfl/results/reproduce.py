"""The one spelling of the command that evaluates a claim at one scenario again."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

PROFILES = ("quick", "ci", "paper", "nightly")


def reproduce_command(claim: str, scenario: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """Return the shell command for ``claim`` at ``scenario``, JSON-ready.

    header: seed, and where they differ from the defaults device, dtype and profile of the run. A
    profile that ``lpfl verify`` does not know (a run of pytest) is left out: one scenario is
    decided alike in each.
    """
    canonical = json.dumps(scenario, sort_keys=True, separators=(",", ":"), allow_nan=False)
    words = ["lpfl", "verify", "--claims", claim, "--scenario", canonical]
    words += ["--seed", str(header["seed"])]
    if header.get("profile") in PROFILES:
        words += ["--profile", str(header["profile"])]
    for option, usual in (("device", "cpu"), ("dtype", "float64")):
        if header.get(option, usual) != usual:
            words += [f"--{option}", str(header[option])]
    return shlex.join(words)
