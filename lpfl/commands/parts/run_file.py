"""The results files and folders that words of the command line name."""

from pathlib import Path


def results_file(name: str) -> str:
    """Return the results file that ``name`` is, or that the folder of a run it names holds."""
    from lpfl.results.runs import RESULTS

    path = Path(name)
    return str(path / RESULTS) if name and path.is_dir() else name


def folder_path(name: str, path: str) -> Path:
    """Return ``path`` as a folder; raise ValueError if it is empty, which would be the current one.

    name: the option, for messages.
    """
    if not path.strip():
        raise ValueError(f"{name}={path!r}, needs the path of a folder")
    return Path(path)


def made(folder: Path) -> Path:
    """Return ``folder``, made if it was not there; raise ValueError if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"out={folder} cannot be written: {error.strerror or error}") from None
    return folder
