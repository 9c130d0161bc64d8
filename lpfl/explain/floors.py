"""Linear representation: the distance at which label noise stops each method."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lpfl.explain.inputs import Inputs
from theory.linear_representation import factor_floor, tangent_floor


@dataclass(frozen=True)
class Floor:
    """Stationary E|T|_F^2 of a method (None: no floor exists, ``why``), and what a step leaves.

    slowest: multiplier of the slowest direction per step, for many rows.
    """

    name: str
    value: float | None
    slowest: float
    why: str = ""


def floors(
    inputs: Inputs, *, samples: int, noise_std: float, rank: int, step_size: float, decay: float
) -> tuple[Floor, ...]:
    """Return the floors for a head with F*'F* = I and features along the largest eigenvectors.

    The step of gradient descent (AMGD) is ``step_size`` over the largest eigenvalue outside the
    features, so that its fastest direction contracts as all of KFAC's do.
    Raises: ValueError for a rank outside [1, d - 1] or a step size outside (0, 1).
    """
    if not 1 <= rank < inputs.dim:
        raise ValueError(f"rank={rank}, needs 1 to {inputs.dim - 1}")
    if not 0 < step_size < 1:
        raise ValueError(f"step_size={step_size!r}, needs 0 < step_size < 1")
    mu = np.sort(inputs.eigenvalues)[: inputs.dim - rank]
    unit = noise_std**2 * rank * float((1.0 / mu).sum())
    sizes: dict[str, Any] = {"n": samples, "d": inputs.dim, "k": rank}

    def amgd() -> float:
        return tangent_floor(
            "amgd", step_size=step_size / float(mu.max()), noise_std=noise_std, n=samples,
            head_eigenvalues=np.ones(rank), schur_eigenvalues=mu,
        )  # fmt: skip

    def kfac(factor: str, **options: Any) -> Callable[[], float]:
        return lambda: unit * factor_floor(factor, step_size=step_size, **sizes, **options)

    left = 1.0 - step_size
    return (
        _floor("SGD (AMGD)", amgd, 1.0 - step_size * float(mu.min() / mu.max())),
        _floor("KFAC, same batch", kfac("same_batch"), left),
        _floor("KFAC, exact covariance", kfac("population"), left),
        _floor(f"KFAC, average {decay:g}", kfac("average", decay=decay), left),
    )


def _floor(name: str, value: Callable[[], float], slowest: float) -> Floor:
    try:
        return Floor(name, value(), slowest)
    except ValueError as error:
        return Floor(name, None, slowest, str(error))
