"""Where a run is written, what of it exists already, and what is left to do."""

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lpfl.results.lock import FolderLock
from lpfl.results.runs import (
    PAGE,
    REPRODUCED,
    RESULTS,
    RUNS,
    is_pointer,
    keep_aside,
    new_run_folder,
    point,
    pointed,
)
from lpfl.results.store import Results, read_results
from lpfl.results.writer import ResultsWriter, finish
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.environment import run_header
from lpfl.verify.running.run_page import write_run_page
from lpfl.verify.running.runner import Plan
from lpfl.verify.scenario import scenario_from_json
from lpfl.verify.selection import select_claims


def plan_of(args: argparse.Namespace, out: Path, defaults: Mapping[str, Any]) -> Plan:
    """Return the plan that the arguments ask for; an interrupted run keeps its own.

    Raises ValueError if there is nothing to resume, or an argument differs from the run's own.
    """
    chosen = {name: getattr(args, name) for name in defaults}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    usual = dict(defaults)
    if args.resume:
        header = read_results(pointed(out) / RESULTS).header
        if "scenario" in header:
            raise ValueError(f"resume={out} holds one scenario, needs a run of a profile")
        usual |= {name: header[name] for name in ("profile", "seed", "device", "dtype")}
        usual["claims"] = ",".join(header["claims"])
    wanted = {**usual, **chosen}
    return Plan(
        claim_ids=select_claims(wanted.pop("claims"), list(CHECKS)),
        scenario=None if args.scenario is None else scenario_from_json(args.scenario),
        **wanted,
    )


class Place:
    """The folder of one run: locked, with its writer, and with what is left to evaluate.

    own_folder: the command chose ``out``, so the run gets a folder by itself. ``left``: the plan of
    the claims that are missing, None if none is. ``aside``: where an earlier run was moved.

    Raises ValueError if the folder is in use or cannot be written, or if one scenario would take
    the place of a run.
    """

    def __init__(self, out: Path, plan: Plan, *, resume: bool, own_folder: bool) -> None:
        self.plan, self.out = plan, out
        self.aside: Path | None = None
        self.folder = self._chosen(out, plan, resume=resume, own_folder=own_folder)
        self.results_path, self.page_path = self.folder / RESULTS, self.folder / PAGE
        self.header = run_header(plan)
        self._lock = FolderLock(self.folder)
        self.left: Plan | None = plan
        self.results = Results(self.header)
        try:
            if resume:
                self.writer, self.results = ResultsWriter.resumed(self.results_path, self.header)
                missing = tuple(c for c in plan.claim_ids if c not in self.results.claims)
                self.left = replace(plan, claim_ids=missing) if missing else None
            else:
                self._keep_earlier()
                self.writer = ResultsWriter(self.results_path, self.header)
            if is_pointer(out) and not resume and plan.scenario is None:
                point(out, self.folder)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _chosen(out: Path, plan: Plan, *, resume: bool, own_folder: bool) -> Path:
        if resume:
            return pointed(out)
        if is_pointer(out) and plan.scenario is None:
            return new_run_folder(out.parent / RUNS)
        if is_pointer(out) or own_folder:
            return new_run_folder(out.parent / REPRODUCED)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"out={out} cannot be written: {reason}") from None
        return out

    def _keep_earlier(self) -> None:
        if self.plan.scenario is not None and (self.folder / RESULTS).exists():
            raise ValueError(f"out={self.folder} holds a run, one scenario needs another folder")
        self.aside = keep_aside(self.folder)

    @property
    def shell_name(self) -> str:
        """The folder as a word of a shell command."""
        return shlex.quote(str(self.folder))

    def finish(self) -> list[dict[str, Any]]:
        """Put the file in order, write the page, and return the claim records in order."""
        self.results = finish(self.results_path)
        write_run_page(self.page_path, self.results)
        return [self.results.claims[c] for c in self.plan.claim_ids if c in self.results.claims]

    def close(self) -> None:
        """Let go of the folder."""
        self._lock.release()
