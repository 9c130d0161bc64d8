"""Time of drawing the statistics of a batch from their law, against drawing the rows.

Run: ``python benchmarks/single_index_sampler.py [--repeats 7] [--device cpu]``. One thread; each
line gives medians over the repeats, the two samplers alternating, after one warm-up of each.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from lpfl.problems.single_index import SingleIndexProblem, draw_problem, sample
from lpfl.problems.single_index.moments import Moments, moments, plain_rows, sample_moments
from lpfl.seeding import generator

SIZES = ((50, 100), (200, 400), (200, 6000), (400, 2000), (900, 5000))
Sampler = Callable[[SingleIndexProblem, int, torch.Generator], Moments]


def from_law(problem: SingleIndexProblem, n: int, stream: torch.Generator) -> Moments:
    """Draw the statistics without the rows."""
    return sample_moments(problem, n, generator=stream)


def from_rows(problem: SingleIndexProblem, n: int, stream: torch.Generator) -> Moments:
    """Draw the rows and multiply."""
    return moments(plain_rows(sample(problem, n, generator=stream)))


def seconds(
    sampler: Sampler, problem: SingleIndexProblem, n: int, stream: torch.Generator
) -> float:
    """Return the wall time of one call, the device's queue drained."""
    start = time.perf_counter()
    float(sampler(problem, n, stream).target_power.sum())
    if stream.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'d':>5} {'n':>6} {'rows [ms]':>10} {'law [ms]':>10} {'ratio':>6}")
    for d, n in SIZES:
        stream = generator(0, "benchmark", d, n, device=options.device)
        covariance = torch.linspace(0.5, 1.5, d, dtype=torch.float64, device=options.device)
        problem = draw_problem(
            covariance, replicates=options.replicates, generator=stream, noise_std=0.3
        )
        times: dict[Sampler, list[float]] = {from_rows: [], from_law: []}
        for repeat in range(options.repeats + 1):
            for sampler, seen in times.items():
                elapsed = seconds(sampler, problem, n, stream) / options.replicates
                if repeat:
                    seen.append(1e3 * elapsed)
        rows, law = (statistics.median(times[s]) for s in (from_rows, from_law))
        print(f"{d:5d} {n:6d} {rows:10.2f} {law:10.2f} {rows / law:6.2f}")


if __name__ == "__main__":
    main()
