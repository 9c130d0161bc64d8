"""Local multipliers of damped KFAC, for every kind of damping."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from theory.core.formula import numeric
from theory.core.guards import (
    Array,
    choice,
    count,
    eigenvalues,
    finite_if_given,
    number,
    positive_definite,
)
from theory.linear_representation.contraction.kfac_damped import input_damped_eigenvalues
from theory.linear_representation.variants.factors.damping_kinds import LR_36, SHARES
from theory.linear_representation.variants.factors.joint_damping import LR_37

KINDS = ("factor", "kronecker", "pi")
HEADS = ("least_squares", "joint")
_SHARES = {kind: numeric(share) for kind, share in SHARES.items()}


def damped_rate(
    kind: str,
    *,
    step_size: float,
    damping: float,
    head_eigenvalues: ArrayLike,
    cov_x: ArrayLike,
    output_damping: float = 0.0,
    head: str = "least_squares",
    head_step_size: float | None = None,
    output_dim: int | None = None,
) -> Array:
    """Return all local multipliers per step of damped KFAC, ascending.

    kind "factor": damping, [x]^2, is added to the input factor and output_damping, [y]^2, to the
    output factor. "kronecker": damping, [x]^2 [y]^2, is added to the product of the two. "pi": it
    is split by the ratio of their mean eigenvalues. head_eigenvalues (k,): lambda_i of F*'F*.
    cov_x (d, d) in coordinates where G* = [I_k 0].

    head "least_squares": the k(d - k) multipliers of the tangent matrix. "joint", with
    head_step_size and output_dim m: the k(d + m) multipliers of both layers at the solution
    (F*, G*), those of the gauge, 1, among them.
    Raises: ValueError on another kind or head, an argument out of bounds, an output_damping with a
    kind other than "factor", or a missing argument of the joint head.
    Source: derived (LR-36, LR-37).
    """
    choice("kind", kind, KINDS)
    choice("head", head, HEADS)
    finite_if_given(head_step_size=head_step_size, output_dim=output_dim)
    lam = eigenvalues("head_eigenvalues", head_eigenvalues)
    Sigma = positive_definite("cov_x", cov_x)
    k, d = lam.size, len(Sigma)
    if k >= d:
        raise ValueError(f"head_eigenvalues has {k} entries, needs < input_dim={d}")
    eta = number("step_size", step_size, low=0.0)
    gamma = number("damping", damping, low=0.0)
    left = number("output_damping", output_damping, low=0.0)
    if left > 0.0 and kind != "factor":
        raise ValueError(f"output_damping={left}, needs 0 with kind={kind!r}")
    if head == "least_squares":
        first = first_layer(kind, lam, Sigma, damping=gamma, output_damping=left)
        return _least_squares(kind, lam, Sigma, eta, gamma, first)
    eta_F = number("head_step_size", head_step_size, low=0.0)
    m = count("output_dim", output_dim, low=k)
    steps = {"step_size": eta, "head_step_size": eta_F}
    moving = joint_moving(kind, lam, Sigma, m, damping=gamma, output_damping=left, **steps)
    return np.sort(np.concatenate([moving, np.full(k**2, LR_37["gauge"].number())]))


def damped_eigenvalues(
    cov_x: ArrayLike,
    *,
    rank: int,
    damping: float,
    kind: str = "factor",
    head_eigenvalues: ArrayLike | None = None,
    output_damping: float = 0.0,
) -> Array:
    """Return nu: with the least-squares head the local multipliers are 1 - step_size nu.

    By default the eigenvalues of Sigma_s [(Sigma + damping)^{-1}]_pp, ascending, (d - k,), each of
    them in every eigenvalue of the head. With another kind or an output_damping nu depends on the
    head too: row i of (k, d - k), ascending, is that of head_eigenvalues[i]. cov_x (d, d) in
    coordinates where G* = [I_k 0]; kinds and units as in :func:`damped_rate`.
    Raises: ValueError on a bad argument, or where head_eigenvalues are missing or not ``rank``.
    Source: derived (LR-05, LR-36).
    """
    choice("kind", kind, KINDS)
    gamma = number("damping", damping, low=0.0)
    left = number("output_damping", output_damping, low=0.0)
    if kind == "factor" and left == 0.0:
        return input_damped_eigenvalues(cov_x, rank=rank, damping=gamma)
    if kind != "factor" and left > 0.0:
        raise ValueError(f"output_damping={left}, needs 0 with kind={kind!r}")
    lam, k = eigenvalues("head_eigenvalues", head_eigenvalues), count("rank", rank)
    if lam.size != k:
        raise ValueError(f"head_eigenvalues has {lam.size} entries, needs rank={k}")
    Sigma = positive_definite("cov_x", cov_x)
    first = first_layer(kind, lam, Sigma, damping=gamma, output_damping=left)
    return np.stack([_SHARES[kind](**mode) for mode in _modes(kind, lam, Sigma, gamma, first)])


def joint_moving(
    kind: str,
    lam: Array,
    Sigma: Array,
    output_dim: int,
    *,
    damping: float,
    output_damping: float,
    step_size: float,
    head_step_size: float,
) -> Array:
    """Return the multipliers of both layers at the solution, those of the gauge left out."""
    k = lam.size
    added = {"damping": damping, "output_damping": output_damping}
    first = first_layer(kind, lam, Sigma, **added)
    last = last_layer(kind, Sigma[:k, :k], **added)
    outside = LR_37["outside"].number(
        head_step_size=head_step_size,
        hidden_eigenvalue=np.linalg.eigvalsh(Sigma[:k, :k]),
        head_input_damping=last.inputs[0],
        last_output_damping=last.outputs[0],
    )
    rows = row_multipliers(
        lam, Sigma, first, last, step_size=step_size, head_step_size=head_step_size
    )
    return np.concatenate([rows, np.repeat(outside, output_dim - k)])


class Added(NamedTuple):
    """What is added to the two factors of a layer, one number for every eigenvalue of the head."""

    inputs: Array
    outputs: Array


def first_layer(
    kind: str, lam: Array, Sigma: Array, *, damping: float, output_damping: float
) -> Added:
    """Return what damping adds to Sigma and to F'F, with eigenvalues ``lam``, in every mode."""
    one = np.ones(lam.size)
    if kind == "factor":
        return Added(damping * one, output_damping * one)
    if kind == "kronecker":
        return Added(damping / lam, 0.0 * one)
    pi = split(Sigma, lam)
    return Added(pi * np.sqrt(damping) * one, np.sqrt(damping) / pi * one)


def last_layer(kind: str, hidden: Array, *, damping: float, output_damping: float) -> Added:
    """Return what damping adds to G Sigma G' and to the factor I of the last layer."""
    return first_layer(kind, np.ones(1), hidden, damping=damping, output_damping=output_damping)


def split(inputs: Array, lam: Array) -> float:
    """Return pi of the split: the root of the mean eigenvalue of ``inputs`` over that of lam."""
    return float(np.sqrt(np.trace(inputs) / len(inputs) / lam.mean()))


def row_multipliers(
    lam: Array,
    Sigma: Array,
    first: Added,
    last: Added,
    *,
    step_size: float,
    head_step_size: float,
    representation: Array | None = None,
) -> Array:
    """Return the multipliers of the rows in the range of the head, k d numbers, unsorted.

    representation (k, d): that of the solution (default [I_k 0]); lam those of its F'F.
    """
    k, d = lam.size, len(Sigma)
    G = np.eye(d)[:k] if representation is None else representation
    known = {"Sigma": Sigma, "G": G, "eta": step_size, "eta_F": head_step_size}
    known |= {"lambda_F": last.inputs[0], "l_O": last.outputs[0]}
    found = []
    for value, inputs, outputs in zip(lam, *first, strict=True):
        mode = {"lambda_i": value, "lambda": inputs, "l_P": outputs}
        J = LR_37["range"].matrix({**known, **mode}, sizes={"d": d, "k": k})
        found.append(np.linalg.eigvals(J).real)  # Sigma times a symmetric matrix: real
    return np.concatenate(found)


def _least_squares(
    kind: str, lam: Array, Sigma: Array, eta: float, gamma: float, first: Added
) -> Array:
    found = _modes(kind, lam, Sigma, gamma, first)
    return np.sort(np.concatenate([LR_36[kind].number(step_size=eta, **mode) for mode in found]))


def _modes(
    kind: str, lam: Array, Sigma: Array, gamma: float, first: Added
) -> Iterator[dict[str, Any]]:
    """Yield by code name what the share of every eigenvalue of the head depends on."""
    different = {
        float(inputs): input_damped_eigenvalues(Sigma, rank=lam.size, damping=float(inputs))
        for inputs in np.unique(first.inputs)
    }
    for value, inputs, outputs in zip(lam, *first, strict=True):
        nu = different[float(inputs)]
        if kind == "kronecker":
            yield {"damped_eigenvalue_pair": nu}
        elif kind == "factor":
            yield {"head_eigenvalue": value, "left_damping": outputs, "damped_eigenvalue": nu}
        else:
            known = {"head_eigenvalue": value, "damped_eigenvalue": nu, "product_damping": gamma}
            yield {**known, "damping_split": split(Sigma, lam)}
