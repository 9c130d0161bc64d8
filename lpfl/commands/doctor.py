"""``lpfl doctor``: is this installation able to run the checks?"""

import argparse
import sys
from typing import Any

SAYS = "say what is installed and whether the checks can run"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("doctor", help=SAYS, description=SAYS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print versions, devices and counts; exit 1 if a claim has no check."""
    import torch

    from lpfl.verify.environment import PACKAGES, device_name, version
    from lpfl.verify.registry import CHECKS
    from theory.claims import CLAIMS

    print(f"python {sys.version.split()[0]}")
    for package in PACKAGES:
        print(f"{package} {version(package)}")
    gpu = device_name("cuda") if torch.cuda.is_available() else "none"
    print(f"gpu: {gpu}; torch threads: {torch.get_num_threads()}")
    unchecked = sorted(set(CLAIMS) - set(CHECKS))
    print(f"claims: {len(CLAIMS)}, with a check: {len(CHECKS)}")
    if unchecked:
        print(f"no check for: {', '.join(unchecked)}")
    return 1 if unchecked else 0
