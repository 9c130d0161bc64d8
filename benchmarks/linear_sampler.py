"""Time of drawing the statistics of a batch from their law, against drawing the rows.

Run: ``python benchmarks/linear_sampler.py [--repeats 7] [--device cpu]``. One thread; each line
gives medians over the repeats, the two samplers alternating, after one warm-up of each.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    draw_head,
    draw_representation,
    sample,
)
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import generator

SIZES = ((100, 1024), (100, 10_000), (100, 100_000))
RANK, OUTPUTS = 8, 15
Sampler = Callable[[LinearRepresentation, int, torch.Generator], Batch]


def seconds(
    sampler: Sampler, problem: LinearRepresentation, n: int, stream: torch.Generator
) -> float:
    """Return the wall time of one call, the device's queue drained."""
    start = time.perf_counter()
    float(sampler(problem, n, stream).cross.sum())
    return time.perf_counter() - start


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--replicates", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'d':>5} {'n':>7} {'rows [ms]':>10} {'law [ms]':>10} {'ratio':>7}")
    for d, n in SIZES:
        stream = generator(0, "benchmark", d, n, device=options.device)
        covariance = CovarianceSpec(d, "geometric", 2.0, "haar")
        spectrum = torch.ones(RANK, dtype=torch.float64, device=options.device)
        problem = LinearRepresentation(
            head_star=draw_head(options.replicates, spectrum, OUTPUTS, stream),
            representation_star=draw_representation(options.replicates, RANK, d, stream),
            cov_x=covariance.matrix(device=options.device),
            root=covariance.root(device=options.device),
            noise_std=0.1,
        )
        times: dict[Sampler, list[float]] = {sample: [], sample_moments: []}
        for repeat in range(options.repeats + 1):
            for sampler, seen in times.items():
                elapsed = seconds(sampler, problem, n, stream) / options.replicates
                if repeat:
                    seen.append(1e3 * elapsed)
        rows, law = (statistics.median(times[s]) for s in (sample, sample_moments))
        print(f"{d:5d} {n:7d} {rows:10.2f} {law:10.2f} {rows / law:7.1f}")


if __name__ == "__main__":
    main()
