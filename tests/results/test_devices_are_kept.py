"""A file never takes the place of a device or a pipe."""

import os
from pathlib import Path

import pytest

from lpfl.results.output_path import output_path
from lpfl.results.store import write_atomically


@pytest.fixture(name="pipe")
def a_pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("write", [lambda path: write_atomically(path, "text"),
                                   lambda path: output_path("out", str(path))])  # fmt: skip
def test_a_pipe_is_refused_and_stays(pipe: Path, write) -> None:
    with pytest.raises(ValueError, match="is a device or a pipe, needs the path of a file"):
        write(pipe)
    assert pipe.is_fifo()
