"""The comparison of figure 1: rates tuned on tasks of their own, then one race for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.experiments.core.experiment import Say
from lpfl.experiments.core.progress import told
from lpfl.experiments.core.race import race
from lpfl.experiments.fig1.methods import ALL, EMPIRICAL, ENTRANTS, Entrant
from lpfl.experiments.fig1.plan import Plan
from lpfl.experiments.fig1.tasks import Tasks, batches, draw_tasks, transfer_excess
from lpfl.linalg import complement_rows, subspace_distance, tangent_matrix
from lpfl.problems.linear_representation import Weights, population_loss
from lpfl.simulate import Observe

Array = NDArray[np.float64]
MEASURES = ("distance", "train", "transfer", "tangents")


@dataclass(frozen=True)
class Run:
    """One method at one rate: measure -> (steps + 1, R), not finite after a replicate diverged.

    representations: AMGD's G (steps + 1, R, k, d), which its local prediction starts from.
    """

    entrant: Entrant
    rate: float
    values: Mapping[str, Array]
    representations: Array | None = None

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.values["distance"]) - 1

    def final(self, measure: str) -> float | None:
        """Return the median over replicates at the end; None if it is not finite."""
        last = float(np.median(np.nan_to_num(self.values[measure][-1], nan=np.inf)))
        return last if np.isfinite(last) else None


def compare(
    contest: Sequence[tuple[Entrant, float]],
    tasks: Tasks,
    *,
    batch_size: int,
    steps: int,
    seed: int,
    path: str,
    say: Say = lambda line: None,
    measures: Sequence[str] = MEASURES,
) -> list[Run]:
    """Run every (entrant, rate) on the same tasks and batches."""
    train = tasks.train
    complement = complement_rows(train.representation_star)
    keep = [i for i, (one, _) in enumerate(contest) if one.key == "amgd"]
    looks: dict[str, Observe] = {
        "distance": lambda w: subspace_distance(w.representation, train.representation_star),
        "train": lambda w: population_loss(w, train),
        "transfer": lambda w: transfer_excess(w.representation, tasks.transfer),
        "tangents": lambda w: (
            tangent_matrix(w.representation, train.representation_star, complement)
            .square()
            .sum((-2, -1))
        ),
    }
    observe = {name: looks[name] for name in measures}
    if "tangents" in measures:
        observe["representation"] = lambda w: w.representation[keep]
    outcome = race(
        [entrant.method(rate) for entrant, rate in contest],
        tasks.start,
        told(
            batches(train, batch_size, seed=seed, path=path),
            num_steps=steps,
            say=say,
            subject=f"{len(contest)} runs",
        ),
        num_steps=steps,
        observe=observe,
    )
    late = torch.arange(steps + 1, device="cpu")[:, None, None] > outcome.lasted
    seen = {
        name: outcome.seen[name].cpu().masked_fill(late, torch.nan).numpy() for name in measures
    }
    kept = outcome.seen["representation"].cpu().numpy() if "tangents" in measures else None
    return [
        Run(
            entrant,
            rate,
            {name: values[:, i] for name, values in seen.items()},
            kept[:, keep.index(i)] if kept is not None and i in keep else None,
        )
        for i, (entrant, rate) in enumerate(contest)
    ]


def best_rates(
    entrants: Sequence[Entrant],
    plan: Plan,
    *,
    noise_std: float,
    seeds: int,
    steps: int,
    seed: int,
    device: str,
    say: Say = lambda line: None,
) -> dict[str, float]:
    """Return, per entrant, the rate of its grid with the smallest median distance at the end.

    It is chosen on tasks and batches that the comparison does not see.
    """
    sizes = replace(plan.sizes, noise_std=noise_std)
    tasks = draw_tasks(sizes, seeds, seed=seed, path="tune", device=device)
    contest = [(entrant, rate) for entrant in entrants for rate in entrant.grid]
    runs = compare(
        contest,
        tasks,
        batch_size=sizes.batch_size,
        steps=steps,
        seed=seed,
        path="tune",
        say=say,
        measures=("distance",),
    )
    best: dict[str, float] = {}
    for entrant in entrants:
        own = [run for run in runs if run.entrant is entrant]
        finals = [np.inf if run.final("distance") is None else run.final("distance") for run in own]
        best[entrant.name] = own[int(np.argmin(np.asarray(finals, dtype=float)))].rate
    return best


def head_to_head(
    plan: Plan, *, noise_std: float, seeds: int, empirical: bool, seed: int, device: str, say: Say
) -> tuple[list[Run], list[Run], Tasks]:
    """Return the runs at the paper's rates, those at the best rates, and the tasks.

    empirical: with natural gradient by the empirical Fisher matrix, which is slow.
    """
    sizes = replace(plan.sizes, noise_std=noise_std)
    say(f"noise {noise_std:g}: choosing rates")
    common = {"noise_std": noise_std, "seed": seed, "device": device, "say": say}
    rates = best_rates(ENTRANTS, plan, seeds=plan.tune_seeds, steps=plan.steps, **common)  # type: ignore[arg-type]
    if empirical:
        rates |= best_rates(
            (EMPIRICAL,),
            plan,
            seeds=plan.empirical_tune_seeds,
            steps=plan.empirical_tune_steps,
            **common,  # type: ignore[arg-type]
        )
    tasks = draw_tasks(sizes, seeds, seed=seed, path="main", device=device)
    runs: list[Run] = []
    heats: list[tuple[Sequence[Entrant], Tasks, int]] = [(ENTRANTS, tasks, plan.steps)]
    if empirical:
        some = first(tasks, min(seeds, plan.empirical_seeds))
        heats.append(((EMPIRICAL,), some, plan.empirical_steps))
    for entrants, some, steps in heats:
        say(f"noise {noise_std:g}: {len(entrants)} methods, {steps} steps")
        contest = [(one, one.paper_rate) for one in entrants]
        contest += [(one, rates[one.name]) for one in entrants]
        runs += compare(
            contest, some, batch_size=sizes.batch_size, steps=steps, seed=seed, path="main", say=say
        )
    present = [entrant for entrant in ALL if entrant.name in rates]
    fixed = [pick(runs, entrant, entrant.paper_rate) for entrant in present]
    tuned = [pick(runs, entrant, rates[entrant.name]) for entrant in present]
    return fixed, tuned, tasks


def pick(runs: Sequence[Run], entrant: Entrant, rate: float) -> Run:
    """Return the run of an entrant at a rate."""
    return next(run for run in runs if run.entrant is entrant and run.rate == rate)


def first(tasks: Tasks, count: int) -> Tasks:
    """Return the tasks of the first ``count`` replicates."""
    train, transfer = (
        replace(
            problem,
            head_star=problem.head_star[:count],
            representation_star=problem.representation_star[:count],
            cov_x=problem.cov_x[:count],
            root=problem.root[:count],
        )
        for problem in (tasks.train, tasks.transfer)
    )
    return Tasks(train, transfer, Weights(*(W[:count] for W in tasks.start)))
