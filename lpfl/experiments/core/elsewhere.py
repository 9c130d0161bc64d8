"""The parts of an experiment on a cluster: each is a task of its own, several run at a time."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from time import perf_counter
from typing import Any

from lpfl.experiments.core.experiment import Done, Experiment, Options, Say
from lpfl.experiments.core.reading import sections_from_json
from lpfl.sweep.backends import Backend, Lost


def parts_on(
    backend: Backend,
    experiment: Experiment,
    options: Options,
    *,
    say: Say,
    kept: Mapping[str, Done],
    keep: Callable[[Done], None],
) -> dict[str, Done]:
    """Run every part that is not ``kept`` on a backend; return all of them by name.

    Each finished one goes to ``keep`` at once. Raises ValueError for a part that cannot be run.
    """
    names = [part.name for part in experiment.parts(options, lambda line: None)]
    done = {name: kept[name] for name in names if name in kept}
    tasks = [(experiment.name, asdict(options), name) for name in names if name not in done]
    say(f"{len(tasks)} of {len(names)} parts to run")
    for (_, _, name), answer in backend.answers(run_part, tasks):
        if isinstance(answer, Lost):
            raise ValueError(f"part {name!r} of {experiment.name} is lost: {answer.reason}")
        one = Done(name, tuple(sections_from_json(answer["sections"])), answer["seconds"])
        keep(one)
        done[name] = one
        say(f"[{len(done)}/{len(names)}] {name}: {one.seconds:.1f} s")
    return done


def run_part(experiment: str, options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Run one part, named; return its sections as JSON-ready data, and its seconds."""
    import torch

    from lpfl.experiments import EXPERIMENTS

    torch.set_num_threads(1)
    parts = EXPERIMENTS[experiment].parts(Options(**options), lambda line: None)
    part = next(part for part in parts if part.name == name)
    start = perf_counter()
    sections = [asdict(section) for section in part.run()]
    return {"sections": sections, "seconds": perf_counter() - start}
