"""The results file that a word of the command line names."""

from pathlib import Path


def results_file(name: str) -> str:
    """Return the results file that ``name`` is, or that the folder of a run it names holds."""
    from lpfl.results.runs import RESULTS

    path = Path(name)
    return str(path / RESULTS) if name and path.is_dir() else name
