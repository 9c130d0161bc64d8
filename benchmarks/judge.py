"""What judging one optimizer costs: right ones, and wrong ones that have to be explained.

Run: ``python benchmarks/judge.py [--repeats 3] [--full]``. Median processor seconds of
``check_optimizer``, with ``quick`` unless --full, and ratios to the first row. The modules of the
checks and what they have in common are loaded before, as in a survey; one thread.
"""

import argparse
import statistics
import time
import warnings
from typing import Any

import torch
from torch import Tensor

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.own import own_specs


class SwappedAdam(torch.optim.Adam):
    """Adam that reads its betas the wrong way round."""

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999)):
        super().__init__(params, lr=lr, betas=betas[::-1])


class ForgetfulMuon(torch.optim.Optimizer):
    """Muon with five rounds in bfloat16 and without the fourth power of the iteration."""

    def __init__(self, params: Any, lr: float = 0.02, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                kept = state.setdefault("momentum_buffer", torch.zeros_like(p))
                kept.lerp_(p.grad, 1 - group["momentum"])
                seen = p.grad.lerp(kept, group["momentum"])
                p.sub_(self._turned(seen).to(p.dtype), alpha=group["lr"])

    def _turned(self, M: Tensor) -> Tensor:
        X = M.bfloat16().reshape(len(M), -1) if M.ndim > 1 else M.bfloat16()[None]
        tall = X.shape[0] > X.shape[1]
        X = X.mT if tall else X
        X = X / (X.norm() + 1e-7)
        for _ in range(5):
            X = 3.4445 * X - 4.775 * X @ X.mT @ X
        return (X.mT if tall else X).reshape(M.shape)


SUBJECTS = {
    "torch SGD": OptimizerSpec("SGD", torch.optim.SGD, claims=frozenset({"sgd"})),
    "torch AdamW": OptimizerSpec("AdamW", torch.optim.AdamW, claims=frozenset({"adamw"})),
    "torch LBFGS": OptimizerSpec("LBFGS", torch.optim.LBFGS, claims=frozenset({"lbfgs"})),
    "lpfl Shampoo": own_specs()["shampoo"],
    "lpfl KFAC": own_specs()["kfac"],
    "Adam, betas swapped": OptimizerSpec("swapped", SwappedAdam, claims=frozenset({"adam"})),
    "Muon, a term forgotten": OptimizerSpec("forgetful", ForgetfulMuon, claims=frozenset({"muon"})),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="all default checks")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    base = None
    print(f"{'subject':<26}{'def.trajectory':>28}{'s':>8}{'ratio':>8}")
    for name, spec in SUBJECTS.items():
        check_optimizer(spec, on_fail=None, quick=True, checks=["api.zero"], isolated=False)
        times, report = [], None
        for _ in range(args.repeats):
            start = time.process_time()
            report = check_optimizer(spec, on_fail=None, quick=not args.full, isolated=False)
            times.append(time.process_time() - start)
        assert report is not None
        median = statistics.median(times)
        base = base or median
        says = next(r.outcome for r in report.results if r.check == "def.trajectory")
        print(f"{name:<26}{says:>28}{median:>8.2f}{median / base:>8.2f}")


if __name__ == "__main__":
    main()
