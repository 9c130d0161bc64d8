"""Covariance matrices described by what the theory depends on: spectrum and rotation."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import guards
from lpfl.linalg import haar
from lpfl.seeding import generator

FAMILIES = (
    "identity",
    "two_level",
    "geometric",
    "power_law",
    "clustered",
    "spiked",
    "ar1",
    "near_singular",
)
ROTATIONS = ("none", "permutation", "haar")
MAX_LOG10_COND = 6.0


@dataclass(frozen=True)
class CovarianceSpec:
    """A covariance of size ``dim`` with trace ``dim``.

    family: one of FAMILIES. log10_cond: log10 of the condition number, in [0, 6]; for ``ar1`` it
    sets the lag-one correlation and is reached as dim grows. rotation: one of ROTATIONS, the
    eigenvectors (for ``ar1``: what is applied to the Toeplitz matrix). seed: of the rotation.
    """

    dim: int
    family: str = "identity"
    log10_cond: float = 0.0
    rotation: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.dim, bool) or not isinstance(self.dim, int) or self.dim < 1:
            raise ValueError(f"covariance dim={self.dim!r}, needs an integer >= 1")
        if self.family not in FAMILIES:
            raise ValueError(f"covariance family={self.family!r}, needs one of {FAMILIES}")
        if self.rotation not in ROTATIONS:
            raise ValueError(f"covariance rotation={self.rotation!r}, needs one of {ROTATIONS}")
        guards.number("covariance log10_cond", self.log10_cond, least=0.0, most=MAX_LOG10_COND)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"covariance seed={self.seed!r}, needs an integer >= 0")

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-ready dict."""
        return asdict(self)

    def spectrum(self) -> NDArray[np.float64]:
        """Return the eigenvalues, descending, mean 1, shape (dim,)."""
        if self.family == "ar1":
            raw = np.linalg.eigvalsh(self._toeplitz())[::-1]
        else:
            raw = _profile(self.family, self.dim, 10.0**self.log10_cond)
        return np.ascontiguousarray(raw * (self.dim / raw.sum()))

    def condition_number(self) -> float:
        """Return largest over smallest eigenvalue."""
        eigenvalues = self.spectrum()
        return float(eigenvalues[0] / eigenvalues[-1])

    def matrix(
        self, *, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float64
    ) -> Tensor:
        """Return the covariance (dim, dim)."""
        return self._function_of(lambda eigenvalue: eigenvalue, device, dtype)

    def root(
        self, *, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float64
    ) -> Tensor:
        """Return the symmetric square root (dim, dim)."""
        return self._function_of(torch.sqrt, device, dtype)

    def _toeplitz(self) -> NDArray[np.float64]:
        ratio = 10.0 ** (self.log10_cond / 2.0)
        correlation = (ratio - 1.0) / (ratio + 1.0)
        lags = np.abs(np.subtract.outer(np.arange(self.dim), np.arange(self.dim)))
        return np.asarray(correlation**lags, dtype=np.float64)

    def _function_of(self, function: Any, device: str | torch.device, dtype: torch.dtype) -> Tensor:
        # Built on the CPU in float64, then moved: the same matrix on every device.
        if self.family == "ar1":
            eigenvalues, vectors = np.linalg.eigh(self._toeplitz())
            values = torch.from_numpy(eigenvalues * (self.dim / eigenvalues.sum()))
            basis = torch.from_numpy(vectors)
        else:
            values = torch.from_numpy(self.spectrum())
            basis = torch.eye(self.dim, dtype=torch.float64)
        stream = generator(self.seed, "rotation", self.dim)
        if self.rotation == "permutation":
            basis = basis[torch.randperm(self.dim, generator=stream)]
        elif self.rotation == "haar":
            basis = haar(1, self.dim, stream)[0] @ basis
        matrix = (basis * function(values)) @ basis.mT
        return ((matrix + matrix.mT) / 2).to(device=device, dtype=dtype)


def _profile(family: str, dim: int, cond: float) -> NDArray[np.float64]:
    """Return descending eigenvalues between 1 and ``cond`` (not yet normalised)."""
    rank = np.arange(dim) / max(dim - 1, 1)
    few = math.ceil(dim / 10)
    eigenvalues: NDArray[np.float64] = np.ones(dim)
    if family == "two_level":
        eigenvalues[: dim // 2] = cond
    elif family == "geometric":
        eigenvalues[:] = cond ** (1.0 - rank)
    elif family == "power_law":
        exponent = math.log(cond) / math.log(dim) if dim > 1 else 0.0
        eigenvalues[:] = cond * np.arange(1, dim + 1) ** -exponent
    elif family == "clustered":
        eigenvalues[:] = cond ** (np.round(2.0 * (1.0 - rank)) / 2.0)
    elif family == "spiked" and dim > 1:
        eigenvalues[:few] = cond
    elif family == "near_singular" and dim > 1:
        eigenvalues[:-few] = cond
    return eigenvalues


def covariance_from_json(fields: dict[str, Any]) -> CovarianceSpec:
    """Build a spec from untrusted JSON; raise ValueError naming an unknown or missing field."""
    known = {"dim", "family", "log10_cond", "rotation", "seed"}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ValueError(f"covariance has unknown fields {unknown}, needs some of {sorted(known)}")
    if "dim" not in fields:
        raise ValueError("covariance lacks the field 'dim'")
    log10_cond = fields.get("log10_cond", 0.0)
    if isinstance(log10_cond, bool) or not isinstance(log10_cond, int | float):
        raise ValueError(f"covariance log10_cond={log10_cond!r}, needs a number")
    return CovarianceSpec(**{**fields, "log10_cond": float(log10_cond)})
