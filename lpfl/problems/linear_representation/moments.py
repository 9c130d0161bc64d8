"""Sufficient statistics of a batch of Gaussian inputs, from their exact law, without rows.

A step sees the rows only through ``Sh = X'X/n`` and ``Y'X/n = F*G* Sh + N`` with ``N = E'X/n``.
For X = U Sigma^{1/2} with U (n, d) standard normal there is an orthogonal O (n, n) such that
``O U`` is zero below a triangular factor T of min(n, d) rows whose law is known (Bartlett), and O
can be chosen from U alone. ``O E`` is then Gaussian as before and independent of T; only its first
min(n, d) rows Z meet a non-zero row. So with ``A = T Sigma^{1/2}``

    Sh = A'A/n,    N = sigma Z'A/n,    Z (min(n, d), m) standard normal,

have exactly the joint law of the statistics of n rows, for n < d as well: given Sh, N is matrix
normal with row covariance sigma^2 I and column covariance Sh/n. The cost does not depend on n.
"""

import torch

from lpfl.linalg import once, require_finite
from lpfl.problems.linear_representation import Batch, LinearRepresentation
from lpfl.problems.single_index.moments import bartlett_factor


def sample_moments(
    problem: LinearRepresentation, batch_size: int, generator: torch.Generator
) -> Batch:
    """Draw the statistics of ``batch_size`` rows for every replicate; the batch holds no rows.

    Shapes: cov_x (R, d, d) in [x]^2, cross (R, m, d) in [x][y].
    Raises: ValueError unless batch_size >= 1 and the inputs are Gaussian.
    Source: derived; see the module's text.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}, needs >= 1")
    if problem.input_law != "gaussian":
        raise ValueError(f"input_law={problem.input_law!r}, needs 'gaussian': draw rows instead")
    replicates, m, _ = problem.head_star.shape
    d = problem.cov_x.shape[-1]
    dtype = problem.head_star.dtype
    white = bartlett_factor(batch_size, d, replicates=replicates, generator=generator, dtype=dtype)
    A = white @ problem.root / batch_size**0.5
    outputs = A @ once(problem.product_star).mT
    if problem.noise_std > 0:
        Z = torch.randn(
            replicates, A.shape[-2], m, generator=generator, device=generator.device, dtype=dtype
        )
        outputs += (problem.noise_std / batch_size**0.5) * Z
    products = torch.cat((A, outputs), dim=-1).mT @ A
    require_finite("products", products)
    return Batch(products[..., :d, :], products[..., d:, :])
