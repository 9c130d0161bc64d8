"""Where the work of a command runs: --scheduler, or --jobs processes of this machine."""

import argparse

SAYS = "address of a Dask scheduler whose workers do the work, such as tcp://host:8786"


def add_scheduler(parser: argparse.ArgumentParser) -> None:
    """Add --scheduler."""
    parser.add_argument("--scheduler", metavar="ADDRESS", help=SAYS)


def require_one_place(args: argparse.Namespace, *, jobs_default: int | None = None) -> None:
    """Raise ValueError for an address that is none, or beside a number of processes.

    jobs_default: what --jobs is if nobody gives it.
    """
    from lpfl.sweep.backends import require_scheduler

    require_scheduler(args.scheduler)
    if args.scheduler is not None and args.jobs != jobs_default:
        raise ValueError(
            f"jobs={args.jobs} with a scheduler: its workers do the work, needs one of the two"
        )
