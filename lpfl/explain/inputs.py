"""The inputs that a forecast is about: a named spectrum, a list of eigenvalues, or a file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpfl import guards
from lpfl.explain.tables import read_csv, read_npy
from lpfl.linalg.covariance import CovarianceSpec
from theory import Spectrum

Array = NDArray[np.float64]
LARGEST_DIM = 5000
ROWS_PER_DIM = 10
LARGEST_SHARE = 0.2
LARGEST_KURTOSIS = 0.5
HALF = 0.5  # of the variance, from which a single column decides
SMALLEST_SPREAD = 1e-60


@dataclass(frozen=True)
class Inputs:
    """A covariance as its eigenvalues (d,) > 0 in [x]^2, where it is from, and what to mind.

    rows: how many rows it was estimated from; None where it is known exactly.
    """

    eigenvalues: Array
    says: str
    rows: int | None = None
    warnings: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        return int(self.eigenvalues.size)

    @property
    def scale(self) -> float:
        """The mean eigenvalue, in [x]^2."""
        return float(self.eigenvalues.mean())

    @property
    def spectrum(self) -> Spectrum:
        """The spectrum with mean 1; equal eigenvalues are one atom."""
        values, counts = np.unique(self.eigenvalues / self.scale, return_counts=True)
        return Spectrum(values, counts / self.dim)


def named_inputs(family: str, dim: int, condition: float) -> Inputs:
    """Return a spectrum of ``CovarianceSpec`` with mean 1.

    Raises: ValueError for an unknown family, a dimension outside [2, 5000] or a condition < 1.
    """
    _need_dim(dim)
    guards.number("condition", condition, least=1.0)
    values = CovarianceSpec(dim, family, math.log10(condition)).spectrum()
    return _checked(values, f"{family} spectrum, d = {dim}, condition number {condition:g}")


def listed_inputs(eigenvalues: ArrayLike, dim: int | None = None) -> Inputs:
    """Return the inputs with these eigenvalues, in [x]^2, each for an equal share of ``dim``.

    Raises: ValueError for an eigenvalue that is not finite and > 0, or a dimension that is no
        multiple of their number.
    """
    values = Spectrum(eigenvalues).eigenvalues
    dim = values.size if dim is None else dim
    _need_dim(dim)
    if dim % values.size:
        raise ValueError(f"dim={dim}, needs a multiple of the {values.size} eigenvalues")
    return _checked(np.repeat(values, dim // values.size), f"{values.size} given eigenvalues")


def read_inputs(
    path: str | Path, *, standardise: bool = False, leave_out: Sequence[str] = ()
) -> Inputs:
    """Return the centred sample covariance of the rows in a CSV or npy file.

    CSV: numbers between commas, one row a line, the first line may hold names. npy: a real array
    (rows, d); a file that would need pickle is refused. standardise: divide each column by its
    standard deviation. leave_out: columns that are no inputs, such as labels, by name or by number
    from 1. Directions without variance are left out.
    Raises: ValueError for another kind of file, a cell that is no finite number, a column that is
        not there, or fewer than three rows; OSError for a file that cannot be read.
    """
    file = Path(path)
    if file.suffix == ".csv":
        table = read_csv(file, leave_out)
    elif file.suffix == ".npy":
        table = read_npy(file, leave_out)
    else:
        raise ValueError(f"file={file.name!r}, needs the ending .csv or .npy")
    rows = table.rows
    if rows.shape[0] < 3 or not 2 <= rows.shape[1] <= LARGEST_DIM:
        raise ValueError(f"{file.name} has shape {rows.shape}, needs >= 3 rows, 2 to 5000 columns")
    return inputs_of_rows(
        rows,
        f"{file.name}, {rows.shape[0]} rows",
        columns=table.columns,
        standardise=standardise,
        precision=table.precision,
        notes=table.notes,
    )


def inputs_of_rows(
    rows: Array,
    says: str,
    *,
    columns: Sequence[str],
    standardise: bool = False,
    precision: float = float(np.finfo(float).eps),
    notes: Sequence[str] = (),
) -> Inputs:
    """Return the inputs with the centred sample covariance of ``rows`` (n, d).

    columns: what to call each. precision: relative rounding of the numbers; directions that are no
    larger have no variance.
    notes: what to mind about the table.
    """
    n, width = rows.shape
    original = rows
    size = np.abs(rows).max(axis=0)
    rows = rows / max(float(size.max()), np.finfo(float).tiny)
    unit = 1.0 if standardise else float(size.max()) ** 2
    if 0.0 < size.max() < SMALLEST_SPREAD:
        raise ValueError(f"{says}: the largest entry is {size.max():.3g}, needs >= 1e-60")
    X = rows - rows.mean(axis=0)
    spread = X.std(axis=0)
    X = X[:, spread > 1e-12]
    if standardise and X.size:
        X = X / X.std(axis=0)
    values, vectors = np.linalg.eigh(X.T @ X / (n - 1)) if X.size else (np.zeros(0), np.zeros((0,)))
    smallest = max(max(n, width) * float(np.finfo(float).eps), precision**2)
    kept = values > smallest * values.max(initial=0.0)
    if kept.sum() < 2:
        raise ValueError(f"{says}: {int(kept.sum())} directions have variance, needs >= 2")
    warnings = ["The rows were centred and their sample covariance is taken for the true one."]
    warnings.extend(notes)
    if kept.sum() < width:
        lost = width - int(kept.sum())
        warnings.append(f"{lost} of {width} directions have no variance and are left out.")
    counting = [columns[j] for j in range(width) if n > width and _counts_rows(original[:, j])]
    if counting:
        warnings.append(f"Column {counting[0]} counts the rows: leave it out if it is an index.")
    variance = spread**2 / np.square(spread).sum()
    if not standardise and width > 2 and variance.max() > HALF:
        largest = columns[int(variance.argmax())]
        warnings.append(
            f"Column {largest} has {variance.max():.0%} of the variance, so "
            "its unit decides the answer: with --standardise all columns count alike."
        )
    if n < ROWS_PER_DIM * kept.sum():
        warnings.append(
            f"Only {n} rows for {int(kept.sum())} directions: the sample covariance spreads the "
            "eigenvalues, and the forecast takes that for anisotropy."
        )
    white = X @ (vectors[:, kept] / np.sqrt(values[kept]))
    kurtosis = float((white**4).mean() / (white**2).mean() ** 2 - 3.0)
    if abs(kurtosis) > LARGEST_KURTOSIS:
        warnings.append(
            f"The rows are not Gaussian: mean excess kurtosis {kurtosis:.2g} of the whitened "
            "components. The theory is for Gaussian inputs."
        )
    return _checked(values[kept] * unit, says, n, tuple(warnings))


def _counts_rows(column: Array) -> bool:
    """Return whether a column is 0, 1, 2, ... or 1, 2, 3, ..."""
    return column[0] in (0.0, 1.0) and bool((np.diff(column) == 1.0).all())


def _checked(values: Array, says: str, rows: int | None = None,
             warnings: Sequence[str] = ()) -> Inputs:  # fmt: skip
    more = []
    share = float(values.max() / values.sum())
    if share > LARGEST_SHARE and values.max() > values.min():
        more.append(
            f"One direction carries {share:.0%} of the variance: the limits need every direction "
            "to carry a small share, and the alignment will vary from teacher to teacher."
        )
    return Inputs(values, says, rows, (*warnings, *more))


def _need_dim(dim: int) -> None:
    if not 2 <= dim <= LARGEST_DIM:
        raise ValueError(f"dim={dim}, needs 2 to {LARGEST_DIM}")
