"""Rate of batched replicates in float64, against a plain matrix product on the same device.

Run: ``python benchmarks/device.py [--device cuda] [--repeats 20]``. Medians of wall time over the
repeats, the device's queue drained before and after; the card's rate is that of the fastest of
three plain square products. Counted are the products that nobody can leave out: ``X = Z
Sigma^{1/2}`` and ``X'X`` for each replicate of a batch, and the Cholesky factor and the solves of a
KFAC step; the random numbers, targets and guards are not, so a rate below 100 % is their cost.
"law" draws the same statistics without rows, where the triangular factor of the law and two
products of d x d matrices are counted.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.kfac import kfac
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    Weights,
    draw_head,
    draw_representation,
    sample,
    tilt,
)
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import generator
from lpfl.verify.running.environment import device_name

RANK, OUTPUTS = 8, 15
ROWS = 8
"""Rows of a batch for each input dimension."""


class Size(NamedTuple):
    """Input dimension d and replicates R."""

    d: int
    replicates: int


SIZES = {
    "cuda": (Size(1024, 8), Size(1024, 32), Size(2048, 4), Size(2048, 16)),
    "cpu": (Size(1024, 1), Size(1024, 2)),
}
PRODUCTS = {"cuda": (4096, 8192, 12288), "cpu": (1024, 1536, 2048)}


def drained(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Return the median wall time of one call, after two warm-ups."""
    times = []
    for repeat in range(repeats + 2):
        drained(device)
        start = time.perf_counter()
        work()
        drained(device)
        if repeat >= 2:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def plain_rate(device: torch.device, repeats: int) -> float:
    """Return the operations per second of the fastest plain square product."""
    rates = []
    for n in PRODUCTS[device.type]:
        stream = generator(0, "benchmark", "product", n, device=device)
        A, B = (
            torch.randn(n, n, generator=stream, device=device, dtype=torch.float64)
            for _ in range(2)
        )
        rates.append(2 * n**3 / seconds(lambda A=A, B=B: A @ B, repeats, device))
    return max(rates)


def works(size: Size, device: torch.device) -> dict[str, tuple[Callable[[], object], float]]:
    """Return, by name, what is timed and the operations that it cannot do without."""
    (d, replicates), n = size, ROWS * size.d
    stream = generator(0, "benchmark", d, replicates, device=device)
    covariance = CovarianceSpec(d, "geometric", 2.0, "haar")
    spectrum = torch.ones(RANK, dtype=torch.float64, device=device)
    problem = LinearRepresentation(
        head_star=draw_head(replicates, spectrum, OUTPUTS, stream),
        representation_star=draw_representation(replicates, RANK, d, stream),
        cov_x=covariance.matrix(device=device),
        root=covariance.root(device=device),
        noise_std=0.1,
    )
    weights = Weights(problem.head_star, tilt(problem.representation_star, 0.1, stream))
    method = kfac(step_size=0.9, damping=1e-3)

    def step(batch: Batch) -> object:
        return method.step(weights, method.init(weights), batch)

    batch = sample(problem, n, stream)
    rows = replicates * 2 * (2 * n * d**2)
    solved = replicates * (d**3 / 3 + 2 * d**2 * RANK + 2 * d**2 * OUTPUTS)
    law = replicates * 2 * (2 * d**3)
    return {
        "batch": (lambda: sample(problem, n, stream), rows),
        "step": (lambda: step(batch), solved),
        "batch and step": (lambda: step(sample(problem, n, stream)), rows + solved),
        "law": (lambda: sample_moments(problem, n, stream), law),
    }


def main() -> None:
    """Print the card's rate, then one line per size and work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(options.device)
    card = plain_rate(device, options.repeats)
    print(f"{device_name(options.device)}: {card / 1e12:.3f} Tflop/s in a plain float64 product")
    print(f"{'d':>5} {'n':>6} {'R':>3} {'work':<15} {'ms':>9} {'Tflop/s':>8} {'share':>6}")
    for size in SIZES[device.type]:
        for name, (work, operations) in works(size, device).items():
            took = seconds(work, options.repeats, device)
            print(
                f"{size.d:5d} {ROWS * size.d:6d} {size.replicates:3d} {name:<15} {1e3 * took:9.2f} "
                f"{operations / took / 1e12:8.3f} {operations / took / card:6.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
