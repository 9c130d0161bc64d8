"""Time of one step of ours against other packages', on the same rows or gradient.

Run: ``python benchmarks/peers.py [--repeats 30]`` in the environment of ``make test-peers``. One
thread; medians of processor time over the repeats, all rivals alternating. In its turn a rival
makes two steps, and the second is timed: nobody pays for the caches that the one before has
filled. Ratios within the run, in float64 and in the float32 that most training uses. A floor is
what nobody can leave out. KFAC: X'X and one Cholesky factor; the "least step" also forms Y'X and
solves twice with that factor, which is no gradient and no head yet. Shampoo: six products and two
eigendecompositions; the step starts with a sum, as pytorch-optimizer's does, which takes singular
values of the same matrices ("their svd": two of them alone). SOAP with new bases in each step:
twelve products and two QR factors. Muon with five Newton-Schulz steps: fifteen products. The load
of the machine is printed first: beside other work every small call costs several times more, and
ours are many beside the floor.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Mapping

import torch

from lpfl.linalg import haar
from lpfl.optim.kfac import kfac
from lpfl.optim.muon import muon_step
from lpfl.optim.shampoo import shampoo_step
from lpfl.optim.soap import soap_start, soap_step
from lpfl.problems.linear_representation import Weights, batch_of_rows
from lpfl.seeding import generator

INPUTS, OUTPUTS, RANK, ROWS = 100, 15, 8, 1024
SHAPE = (64, 64)
UNITS = ("floor", "lpfl")
Step = Callable[[], object]


def medians(rivals: Mapping[str, Step], repeats: int) -> dict[str, float]:
    """Return the median processor seconds of each rival, all of them taking turns."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, step in rivals.items():
            step()
            start = time.process_time()
            step()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(seen) for name, seen in times.items()}


def rows(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs (n, d) and targets (n, m)."""
    stream = generator(0, "benchmark", "peers")
    inputs = torch.randn(ROWS, INPUTS, generator=stream, dtype=dtype)
    return inputs, torch.randn(ROWS, OUTPUTS, generator=stream, dtype=dtype)


def kfac_rivals(dtype: torch.dtype) -> dict[str, Step]:
    """Return one KFAC step from rows: ours, the floor, and the factors of two packages."""
    inputs, targets = rows(dtype)
    stream = generator(0, "benchmark", "peers", "weights")
    G = haar(1, INPUTS, stream, dtype)[:, :RANK]
    method = kfac(step_size=0.1, damping=1e-3)
    weights = Weights(torch.zeros(1, OUTPUTS, RANK, dtype=dtype), G)

    def ours() -> object:
        return method.step(weights, {}, batch_of_rows(inputs[None], targets[None]))

    def floor() -> torch.Tensor:
        return torch.linalg.cholesky(inputs.T @ inputs / ROWS)

    def least() -> object:
        cross = targets.T @ inputs / ROWS
        root = floor()
        half = torch.linalg.solve_triangular(root.mT, cross, upper=True, left=False)
        return torch.linalg.solve_triangular(root, half, upper=False, left=False)

    return {"floor": floor, "least step": least, "lpfl": ours, **_factors(inputs, targets)}


def _factors(inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, Step]:
    layers = (torch.nn.Linear(INPUTS, RANK, bias=False), torch.nn.Linear(RANK, OUTPUTS, bias=False))
    model = torch.nn.Sequential(*layers).to(inputs.dtype)
    data = [(inputs, targets)]
    found: dict[str, Step] = {}
    try:
        from curvlinops import FisherType, KFACLinearOperator

        loss = torch.nn.MSELoss(reduction="sum")
        params = list(model.parameters())

        def curvlinops() -> object:
            operator = KFACLinearOperator(
                model, loss, params, data, fisher_type=FisherType.TYPE2, check_deterministic=False
            )
            return operator.compute_kronecker_factors()

        curvlinops()
        found["curvlinops"] = curvlinops
    except Exception as error:
        print(f"curvlinops is left out: {type(error).__name__}: {error}")
    try:
        from nngeometry.metrics import FIM
        from nngeometry.object import PMatKFAC

        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(inputs, targets), batch_size=ROWS
        )

        def nngeometry() -> object:
            return FIM(model, loader, PMatKFAC, variant="regression")

        nngeometry()
        found["nngeometry"] = nngeometry
    except Exception as error:
        print(f"nngeometry is left out: {type(error).__name__}: {error}")
    return found


def step_rivals(name: str, dtype: torch.dtype) -> dict[str, Step]:
    """Return one step of a matrix method on a 64 x 64 matrix: ours and the packages'."""
    stream = generator(0, "benchmark", "peers", name)
    W, grad = (torch.randn(SHAPE, generator=stream, dtype=dtype) for _ in range(2))
    _, warm = soap_step(W, grad, soap_start(W), step_size=0.1)  # its first step only looks
    _, summed = shampoo_step(W, grad, None, step_size=0.1)
    ours: dict[str, Step] = {
        "muon": lambda: muon_step(
            W, grad, torch.zeros_like(W), step_size=0.1, newton_schulz_steps=5
        ),
        "shampoo": lambda: shampoo_step(W, grad, summed, step_size=0.1),
        "soap": lambda: soap_step(W, grad, warm, step_size=0.1),
    }
    found = {"floor": _floor(name, grad), "lpfl": ours[name], **_packaged(name, W, grad)}
    if name == "shampoo":
        squares = (grad @ grad.mT, grad.mT @ grad)
        found["their svd"] = lambda: [torch.linalg.svd(square) for square in squares]
    return found


def _floor(name: str, grad: torch.Tensor) -> Step:
    """Return the calls of LAPACK and BLAS that a step of the method cannot leave out."""
    statistics = (grad @ grad.mT, grad.mT @ grad)

    def products(number: int) -> None:
        for _ in range(number):
            grad @ grad

    def shampoo() -> None:
        for statistic in statistics:
            torch.linalg.eigh(statistic)
        products(6)

    def soap() -> None:
        for statistic in statistics:
            torch.linalg.qr(statistic)
        products(12)

    return {"shampoo": shampoo, "soap": soap, "muon": lambda: products(15)}[name]


def _packaged(name: str, W: torch.Tensor, grad: torch.Tensor) -> dict[str, Step]:
    made: dict[str, Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]] = {}
    if name == "muon":
        made["torch"] = lambda q: torch.optim.Muon(q, lr=0.1)
    try:
        import pytorch_optimizer as po
    except ImportError:
        print("pytorch-optimizer is not installed")
    else:
        made["pytorch-optimizer"] = {
            "muon": lambda q: po.Muon([{"params": q, "use_muon": True}], lr=0.1),
            "shampoo": lambda q: po.Shampoo(q, lr=0.1),
            "soap": lambda q: po.SOAP(q, lr=0.1, precondition_frequency=1),
        }[name]
    return {package: _stepping(make, W, grad) for package, make in made.items()}


def _stepping(
    make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    W: torch.Tensor,
    grad: torch.Tensor,
) -> Step:
    parameter = torch.nn.Parameter(W.clone())
    optimizer = make([parameter])

    def step() -> object:
        parameter.grad = grad.clone()
        return optimizer.step()

    return step


def show(title: str, times: Mapping[str, float]) -> None:
    """Print the medians, and their ratio to those of the floor and of ours."""
    print(f"\n{title}\n{'who':<20}{'ms':>10}" + "".join(f"{f'/ {unit}':>10}" for unit in UNITS))
    for name, seconds in times.items():
        ratios = "".join(f"{seconds / times[unit]:>10.2f}" for unit in UNITS)
        print(f"{name:<20}{1e3 * seconds:>10.3f}{ratios}")


def main() -> None:
    """Print one table for KFAC and one for each matrix method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("processes that run or wait, last minute:", round(os.getloadavg()[0], 1))
    sizes = f"d = {INPUTS}, m = {OUTPUTS}, k = {RANK}, n = {ROWS}"
    for dtype in (torch.float64, torch.float32):
        title = f"KFAC from rows, {sizes}, {dtype}"
        show(title, medians(kfac_rivals(dtype), repeats))
        for name in ("shampoo", "soap", "muon"):
            title = f"{name}, one step, {SHAPE[0]} x {SHAPE[1]}, {dtype}"
            show(title, medians(step_rivals(name, dtype), repeats))


if __name__ == "__main__":
    main()
