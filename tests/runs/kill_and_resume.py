"""A program: start a run, kill it at a random moment, resume it, and so on, ``KILLS`` times.

Everything is imported once, and each run is forked from here, so that a kill costs no start.
Prints how many runs were finished meanwhile. Usage: kill_and_resume.py FOLDER CLAIMS KILLS SEED
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from lpfl.cli import main
from lpfl.results.store import read_results
from lpfl.verify import registry  # noqa: F401  (imported before the forks)
from lpfl.verify.running import run_page, runner  # noqa: F401

LONGEST = 1.5  # seconds until a kill; the whole run takes about two


def start(*arguments: str) -> int:
    """Fork a run of ``lpfl verify``; return its process."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        os._exit(main(["verify", "--jobs", "1", *arguments]))
    return child


def claims_on_disk(path: Path) -> dict[str, str]:
    """Return what a reader finds of each claim."""
    claims = read_results(path).claims
    return {name: claim["verdict"] for name, claim in claims.items()}


def kill_often(folder: Path, claims: str, kills: int, seed: int) -> int:
    """Return how many runs ended by themselves; raise if one lost or repeated anything."""
    moments, done, finished = random.Random(seed), 0, 0
    out = folder / "run"
    path = out / "results.jsonl"
    kept: dict[str, str] = {}
    while done < kills:
        resume = ["--resume"] if path.exists() else ["--claims", claims]
        child = start("--out", str(out), *resume)
        time.sleep(moments.uniform(0.0, LONGEST))
        over, status = os.waitpid(child, os.WNOHANG)
        if not over:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        if path.exists():
            now = claims_on_disk(path)
            if not kept.items() <= now.items():
                raise AssertionError(f"lost after a kill: {sorted(set(kept) - set(now))}")
            kept = now
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status) != 0:
                raise AssertionError(f"exit code {os.WEXITSTATUS(status)} with {resume}")
            finished += 1
            shutil.move(out, folder / f"finished-{finished}")
            kept = {}
        else:
            done += 1
    child = start("--out", str(out), *(["--resume"] if path.exists() else ["--claims", claims]))
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise AssertionError(f"the last run ended with {status}")
    return finished


if __name__ == "__main__":
    print(kill_often(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
