"""Methods that move the whole model: AMGD, DFW, natural gradients, Polyak, batch norm.

Each returns a step on (F, G) from the rows of a batch, as :func:`model.layerwise` does.
"""

from typing import Any

import numpy as np

from lpfl.verify.oracles.entrywise import Array, Options, State
from lpfl.verify.oracles.matrices import NULL, gram_schmidt, shaken, transposed
from lpfl.verify.oracles.model import Layers, Rows, Step, refitted, residual, slopes
from theory.core.claim import Claim
from theory.optimizers.whole_model.batch_norm import OP_18
from theory.optimizers.whole_model.polyak import OP_17

COMPLEX_STEP = 1e-30


def second_moment(rows: Array, state: State) -> Array:
    """Return ``X'X/n``, shaken in a run that measures its condition."""
    return shaken(transposed(rows) @ rows / rows.shape[-2], state.get("nudge", 0.0))


def amgd(o: Options) -> Step:
    """AMGD."""

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        F = refitted(at.representation, rows, state["nudge"])
        slope = slopes(Layers(F, at.representation), rows).representation
        return Layers(F, gram_schmidt(at.representation - o["step_size"] * slope))

    return step


def dfw(o: Options) -> Step:
    """DFW, on pairs of a batch for the head and one for the step."""

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        F = refitted(at.representation, state["pair"][0], state["nudge"])
        slope = slopes(Layers(F, at.representation), rows).representation
        Q = second_moment(rows.inputs, state) + o["damping"] * np.eye(slope.shape[-1])
        moved = at.representation - o["step_size"] * slope @ np.linalg.inv(Q)
        return Layers(F, gram_schmidt(moved))

    return step


def jacobians(at: Layers, rows: Rows) -> Array:
    """Return per sample the derivative of the outputs in (F, G), (R, n, m, p)."""
    F, G = at
    R, n = rows.inputs.shape[:2]
    m = F.shape[-2]
    hidden = rows.inputs @ transposed(G)
    in_F = np.einsum("ab,rnk->rnabk", np.eye(m), hidden).reshape(R, n, m, -1)
    in_G = np.einsum("rak,rnd->rnakd", F, rows.inputs).reshape(R, n, m, -1)
    return np.concatenate([in_F, in_G], axis=-1)


def fisher(at: Layers, rows: Rows, *, empirical: bool) -> tuple[Array, Array]:
    """Return the Fisher matrix (R, p, p) and the gradient (R, p) over (F, G)."""
    J, E = jacobians(at, rows), residual(at, rows)
    per_sample = np.einsum("rnap,rna->rnp", J, E)
    grad: Array = per_sample.mean(axis=1)
    seen = per_sample[:, :, None] if empirical else J
    return np.einsum("rnap,rnaq->rpq", seen, seen) / J.shape[1], grad


def unflat(vector: Array, like: Layers) -> Layers:
    """Return the two layers of a vector (R, p) in the order (F, G)."""
    F, G = like
    size = F.shape[-2] * F.shape[-1]
    return Layers(vector[..., :size].reshape(F.shape), vector[..., size:].reshape(G.shape))


def spread_of(Phi: Array, damping: float) -> float:
    """Return the largest over the smallest eigenvalue on the range, damping added."""
    values = np.linalg.eigvalsh(Phi)
    lowest = np.where(values > NULL * values[:, -1:], values, np.inf).min(-1)
    return float(((values[:, -1] + damping) / (lowest + damping)).max())


def natural_direction(Phi: Array, grad: Array, damping: float) -> Array:
    """Return the damped or the shortest solution of ``Phi direction = grad``."""
    if damping > 0.0:
        lifted = Phi + damping * np.eye(Phi.shape[-1])
        return np.asarray(np.linalg.solve(lifted, grad[..., None]), dtype=np.float64)[..., 0]
    short: Array = (np.linalg.pinv(Phi, rcond=NULL, hermitian=True) @ grad[..., None])[..., 0]
    return short


def natural(o: Options, *, empirical: bool, conditions: list[float] | None = None) -> Step:
    """Natural gradient, true or empirical Fisher, from the dense matrix.

    conditions: takes the ratio of largest and smallest non-zero eigenvalue of every step.
    """

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        Phi, grad = fisher(at, rows, empirical=empirical)
        if conditions is not None:
            conditions.append(spread_of(Phi, o["damping"]))
        delta = unflat(natural_direction(Phi, grad, o["damping"]), at)
        return Layers(*[W - o["step_size"] * move for W, move in zip(at, delta, strict=True)])

    return step


def equivariant(at: Layers, rows: Rows) -> Layers:
    """Return the solution whose part in G is ``F^+ (F G - M)``, M the regression of y on x."""
    F, G = at
    excess = F @ G - transposed(np.linalg.pinv(rows.inputs) @ rows.targets)
    in_G = np.linalg.pinv(F) @ excess
    hidden = rows.inputs @ transposed(G)
    left_over = rows.inputs @ transposed(excess - F @ in_G)
    return Layers(transposed(np.linalg.pinv(hidden) @ left_over), in_G)


def equivariant_natural(o: Options, conditions: list[float]) -> Step:
    """Natural gradient in the equivariant gauge.

    conditions: takes the sum of the squared condition numbers of F, X and G x at every step.
    """

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        hidden = rows.inputs @ transposed(at.representation)
        found = [np.linalg.cond(M).max() ** 2 for M in (at.head, rows.inputs, hidden)]
        conditions.append(float(np.sum(found)))
        moves = zip(at, equivariant(at, rows), strict=True)
        return Layers(*[W - o["step_size"] * move for W, move in moves])

    return step


def directions(at: Layers, rows: Rows, o: Options, state: State) -> tuple[Layers, Layers]:
    """Return gradient and preconditioned gradient of Polyak's method."""
    slope = slopes(at, rows)
    if o["preconditioner"] == "none":
        return slope, slope
    F, G = at
    hidden = rows.inputs @ transposed(G)
    moments = [second_moment(X, state) for X in (hidden, rows.inputs)]
    on_F, on_G = [Q + o["damping"] * np.eye(Q.shape[-1]) for Q in moments]
    left = np.linalg.inv(transposed(F) @ F)
    in_F = slope.head @ np.linalg.inv(on_F)
    return slope, Layers(in_F, left @ slope.representation @ np.linalg.inv(on_G))


def polyak_step(at: Layers, rows: Rows, o: Options, state: State) -> tuple[Array, Layers]:
    """Return Polyak's step size (R,) and the direction."""
    slope, direction = directions(at, rows, o, state)
    loss = 0.5 * np.square(residual(at, rows)).sum(axis=(-2, -1)) / rows.inputs.shape[-2]
    gap = np.maximum(loss - o["loss_star"], 0.0)
    squared = sum((g * u).sum(axis=(-2, -1)) for g, u in zip(slope, direction, strict=True))
    eta = OP_17["step_size"].number(
        polyak_factor=o["step_size"], loss_gap=gap, gradient_norm2=squared
    )
    if o["max_step_size"] is not None:
        cut = OP_17["cut"].number(polyak_factor=o["step_size"], largest_step=o["max_step_size"])
        eta = np.minimum(eta, cut)
    return eta, direction


def polyak(o: Options, conditions: list[float]) -> Step:
    """Polyak's method; conditions: as in :func:`equivariant_natural`, with KFAC's factors."""

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        if o["preconditioner"] == "kfac":
            hidden = rows.inputs @ transposed(at.representation)
            found = [np.linalg.cond(M).max() ** 2 for M in (at.head, rows.inputs, hidden)]
            conditions.append(float(np.sum(found)))
        eta, direction = polyak_step(at, rows, o, state)
        moves = zip(at, direction, strict=True)
        return Layers(*[W - eta[:, None, None] * move for W, move in moves])

    return step


def normalised_loss(F: Any, G: Any, rows: Rows, *, centre: bool) -> Any:
    """Return the loss per replicate of ``F BN(G x)``, for real or complex weights."""
    X = rows.inputs - rows.inputs.mean(axis=-2, keepdims=True) if centre else rows.inputs
    hidden = X @ transposed(G)
    hidden = hidden / np.sqrt((hidden * hidden).mean(axis=-2, keepdims=True))
    E = hidden @ transposed(F) - rows.targets
    return 0.5 * (E * E).sum(axis=(-2, -1)) / X.shape[-2]


def complex_slopes(at: Layers, rows: Rows, *, centre: bool) -> Layers:
    """Return both gradients of the normalised network, one entry of a weight at a time.

    The imaginary part at an imaginary step of 1e-30 is the derivative, exact to rounding.
    """
    found = []
    for which, W in enumerate(at):
        grad = np.zeros_like(W)
        for i in range(W.shape[-2]):
            for j in range(W.shape[-1]):
                weights = [V.astype(complex) for V in at]
                weights[which][..., i, j] += 1j * COMPLEX_STEP
                grad[..., i, j] = (
                    normalised_loss(weights[0], weights[1], rows, centre=centre).imag / COMPLEX_STEP
                )
        found.append(grad)
    return Layers(*found)


def spread(G: Array, rows: Rows, *, centre: bool) -> Array:
    """Return the root mean square of the hidden units over the batch, (R, 1, k)."""
    X = rows.inputs - rows.inputs.mean(axis=-2, keepdims=True) if centre else rows.inputs
    rms: Array = np.sqrt(np.square(X @ transposed(G)).mean(axis=-2, keepdims=True))
    return rms


def batch_norm(o: Options) -> Step:
    """Gradient steps on the normalised network; weights go in and out with a folded head."""
    centre, claim = o["centre"], OP_18

    def step(at: Layers, state: State, rows: Rows) -> Layers:
        F, G = at
        scale = spread(G, rows, centre=centre)
        if o["head"] == "least_squares":
            X = rows.inputs - rows.inputs.mean(axis=-2, keepdims=True) if centre else rows.inputs
            F = refitted(G, Rows(X, rows.targets), state["nudge"]) * scale
        else:
            F = F * state.get("scale", scale)
        slope = complex_slopes(Layers(F, G), rows, centre=centre)
        moved = _descended(claim, G, slope.representation, o["step_size"])
        if o["head"] == "joint":
            F = _descended(claim, F, slope.head, o["step_size"])
            scale = spread(moved, rows, centre=centre)
        state["scale"] = scale
        return Layers(F / scale, moved)

    return step


def _descended(claim: Claim, W: Array, slope: Array, step_size: float) -> Array:
    sizes = {"r_W": W.shape[-2], "c_W": W.shape[-1]}
    values = {"W_W": W, "D_W": slope, "eta": step_size}
    return claim["rule"].matrix(values, sizes=sizes)
