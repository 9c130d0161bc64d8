"""Where a claim's formula and its check are written, as text and as a link."""

import os
from importlib.util import find_spec
from pathlib import Path


def checkout_root() -> Path | None:
    """Return the folder of the checkout that lpfl runs from, or None for an installed package."""
    root = Path(__file__).resolve().parent.parent.parent
    return root if (root / "pyproject.toml").is_file() else None


def source_path(module: str, line: int) -> str:
    """Return ``theory/linear_representation/noise.py:36`` for a module and a line."""
    return f"{module.replace('.', '/')}.py:{line}"


def source_href(module: str, line: int, page_folder: Path, *, repository: str = "") -> str:
    """Return the address of a source line, or "" where none is known.

    repository: address of the source tree in a browser, such as ``https://host/owner/name/blob/main``.
    Without it a page inside a checkout links to the file by a relative path.
    """
    path, _, _ = source_path(module, line).partition(":")
    if repository:
        return f"{repository.rstrip('/')}/{path}#L{line}"
    root = checkout_root()
    if root is None or not (root / path).is_file() or find_spec(module) is None:
        return ""
    return Path(os.path.relpath(root / path, page_folder.resolve())).as_posix()
