"""The factor of a layer's outputs on the linear representation, in four kinds.

It is J' M J with J the derivative of the model's outputs in the layer's: F for the representation,
I for the head. M is the second moment of what stands for the residual.
"""

from torch import Tensor

from lpfl.linalg import second_moment, standard_normal
from lpfl.optim.core.method import require_rows
from lpfl.problems.linear_representation import Batch, Weights
from lpfl.seeding import generator

OUTPUT_FACTORS = ("gauss_newton", "sampled", "empirical", "identity")
READS_ROWS = ("sampled", "empirical")


def output_factor(
    kind: str,
    layer: str,
    weights: Weights,
    batch: Batch,
    *,
    samples_per_row: int = 1,
    seed: int = 0,
    draw: int = 0,
) -> Tensor | None:
    """Return the factor P (R, a, a) of a layer, None for I. layer: "representation" or "head".

    gauss_newton: M = I. empirical: M = r'r/n with the residuals r of the batch. sampled: M is the
    second moment of samples_per_row standard normal residuals for every row, those of the stream
    (seed, "output factor", draw), the same for both layers. identity: P = I.
    Raises: ValueError for "sampled" and "empirical" on a batch without rows.
    """
    F, G = weights
    first = layer == "representation"
    if kind == "identity":
        return None
    if kind == "gauss_newton":
        return F.mT @ F if first else None
    X, Y = require_rows(batch, f"output_factor={kind!r}")
    if kind == "empirical":
        moment = second_moment(Y - X @ (F @ G).mT)
    else:
        options = {"samples_per_row": samples_per_row, "seed": seed, "draw": draw}
        moment = second_moment(sampled_residuals(Y, **options))
    return F.mT @ moment @ F if first else moment


def sampled_residuals(rows: Tensor, *, samples_per_row: int, seed: int, draw: int) -> Tensor:
    """Return standard normal numbers (..., samples_per_row n, m) for rows (..., n, m).

    They are drawn on the host: a seed gives the same numbers on every device.
    """
    *lead, n, m = rows.shape
    stream = generator(seed, "output factor", draw)
    drawn = standard_normal(*lead, samples_per_row * n, m, generator=stream, dtype=rows.dtype)
    return drawn.to(rows.device)
