"""What lpfl costs before it works: start of the command line, collection of a foreign project.

Run: python benchmarks/startup.py. Ratios of medians within one run. On Linux also the processor
time of ``lpfl verify`` in all of its processes, up to the verdict on a claim that costs little.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 9


def seconds(command: list[str], folder: Path) -> float:
    """Return the median wall time of ``command``."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def until_first_verdict(jobs: int, folder: Path) -> float:
    """Return the processor seconds that all processes of a run have used at its first verdict."""
    verify = [sys.executable, "-m", "lpfl.cli", "verify", "--claims", "LR-14,LR-13"]
    run = subprocess.Popen(
        [*verify, "--jobs", str(jobs), "--out", str(folder / f"jobs-{jobs}")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with run:
        assert run.stderr is not None
        run.stderr.readline()
        fields = [
            path.read_text().rpartition(")")[2].split()
            for path in Path("/proc").glob("[0-9]*/stat")
        ]
        ticks = [int(of[11]) + int(of[12]) for of in fields if int(of[3]) == run.pid]
        run.kill()
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the table."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    assert True\n")
        collect = [python, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
        bare = seconds([python, "-c", "pass"], folder)
        torch = seconds([python, "-c", "import torch"], folder)
        show_help = seconds([python, "-m", "lpfl.cli", "--help"], folder)
        without = seconds([*collect, "-p", "no:lpfl"], folder)
        with_plugin = seconds(collect, folder)
        if Path("/proc/self/stat").exists():
            for jobs in (1, 2):
                used = until_first_verdict(jobs, folder)
                print(f"lpfl verify --jobs {jobs}: {used:.2f} s of processor time to a verdict")
    print(f"{'what':<44}{'median s':>10}{'ratio':>8}")
    print(f"{'python -c pass':<44}{bare:>10.3f}{1.0:>8.2f}")
    print(f"{'lpfl --help':<44}{show_help:>10.3f}{show_help / bare:>8.2f}")
    print(f"{'python -c import torch':<44}{torch:>10.3f}{torch / bare:>8.2f}")
    print(f"{'pytest --collect-only, plugin off':<44}{without:>10.3f}{1.0:>8.2f}")
    print(
        f"{'pytest --collect-only, plugin on':<44}{with_plugin:>10.3f}{with_plugin / without:>8.2f}"
    )


if __name__ == "__main__":
    main()
