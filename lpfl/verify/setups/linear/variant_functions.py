"""What ``local_rate`` says of variants, beside the statements of the claims.

The runs confront the statements; here the numbers that a user gets are confronted with those.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.verify.expect import Same
from lpfl.verify.setups.stated import same_function
from lpfl.verify.tolerance import Tolerance
from lpfl.verify.trial import Trial
from theory.linear_representation import local_rate

Array = NDArray[np.float64]
Given = dict[str, Any]
RATE = "local_rate"
APART = 0.05  # least discriminant at which two multipliers are told apart


def largest(*multipliers: float | Array) -> float:
    """Return the largest modulus."""
    return max(float(np.abs(values).max()) for values in multipliers)


def with_momentum(trial: Trial, kind: str, heads: Array, schurs: Array) -> Iterator[Same]:
    """LR-38: the roots of sum and product, of KFAC and of the modes of AMGD."""
    part = f"{kind}_sum"
    known: Given = {"momentum": trial.momentum, "momentum_kind": kind}
    modes = np.outer(heads, schurs)
    spectra: Given = {"head_eigenvalues": heads, "schur_eigenvalues": schurs}
    entrants: tuple[tuple[str, Array, Given], ...] = (
        ("kfac", np.ones(1), {}),
        ("amgd", modes, spectra),
    )
    for method, curvatures, given in entrants:
        eta = trial.step_size / float(curvatures.max())
        roots = []
        for h in curvatures.ravel():
            total, product = (
                stated(trial, f"{kind}_{name}", step_size=eta, mode_curvature=float(h))
                for name in ("sum", "product")
            )
            roots.append(np.abs(np.roots([1.0, -total, product])))
        found = local_rate(method, step_size=eta, **known, **given)
        yield same_function(part, found, largest(*roots), label=f"{RATE} of {method}")


def larger_multiplier(
    part: str,
    name: str,
    pairs: NDArray[np.complex128],
    fitted: tuple[Array, Array],
    tolerance: Tolerance,
) -> Iterator[Same]:
    """LR-38: the first of two real multipliers that a user gets is the larger one.

    pairs (..., 2): what the function returns. fitted: sums and products of the multipliers in runs,
    whose tolerance is given.
    """
    total, product = fitted
    discriminant = np.square(total) / 4.0 - product
    real = discriminant >= APART
    if real.any():
        yield Same(
            part=part,
            label=f"{name}, the larger multiplier",
            measured=np.abs(total[real]) / 2.0 + np.sqrt(discriminant[real]),
            predicted=np.abs(pairs[real, 0]),
            tolerance=tolerance.times(2.0 / APART**0.5, "over the distance of the multipliers"),
            scale=1.0,
        )


def with_decay(trial: Trial) -> Iterator[Same]:
    """LR-39: both layers at once, with and without outputs beyond the rank; and a refitted head."""
    steps: Given = {"step_size": trial.step_size, "weight_decay": trial.decay_rate}
    k = int(trial.rank)
    for m in (k, k + 1):
        modes = ["shared", "representation", *(["head"] if m > k else [])]
        found = local_rate(
            "kfac_joint", **steps, head_step_size=trial.head_step_size, rank=k, output_dim=m
        )
        wanted = largest(*[trial.number(f"decoupled_{mode}") for mode in modes])
        yield same_function("decoupled_shared", found, wanted, label=f"{RATE}, m - k = {m - k}")
    wanted = largest(trial.number("refit_tangent"))
    yield same_function("refit_tangent", local_rate("kfac", **steps), wanted, label=RATE)


def joint(trial: Trial) -> Iterator[Same]:
    """LR-19: KFAC on both layers, with and without outputs beyond the rank."""
    k = int(trial.rank)
    for in_turn in (False, True):
        name = "in_turn" if in_turn else "together"
        for m in (k, None):
            sizes: Given = {} if m is None else {"rank": k, "output_dim": m}
            modes = ["joint", "representation", *(["head"] if m is None else [])]
            found = local_rate(
                "kfac_joint",
                step_size=trial.step_size,
                head_step_size=trial.head_step_size,
                in_turn=in_turn,
                **sizes,
            )
            wanted = largest(*[trial.number(f"{name}_{mode}") for mode in modes])
            yield same_function(f"{name}_joint", found, wanted, label=f"{RATE}, m = {m}")


def on_batches(trial: Trial, eta: float, heads: Array, schurs: Array) -> Same:
    """LR-15: the mean multipliers of AMGD on batches."""
    spectra: Given = {"head_eigenvalues": heads, "schur_eigenvalues": schurs}
    found = local_rate("amgd", step_size=eta, n=trial.batch_size, **spectra)
    modes = {"head_eigenvalue": heads[:, None], "schur_eigenvalue": schurs}
    wanted = largest(trial.number("batch", step_size=eta, **modes))
    return same_function("batch", found, wanted, label=RATE)


def damped(trial: Trial, kind: str, multipliers: Array, heads: Array, cov_x: Array) -> Same:
    """LR-36: one kind of damping; with "factor", of both factors."""
    found = local_rate(
        "kfac",
        step_size=trial.step_size,
        damping=trial.damping,
        damping_kind=kind,
        output_damping=trial.left_damping if kind == "factor" else 0.0,
        head_eigenvalues=heads,
        cov_x=cov_x,
    )
    return same_function(kind, found, largest(multipliers), label=RATE)


def stated(trial: Trial, part: str, **values: float) -> float:
    """Return the number of a part; ``values`` may hold more than it has letters for."""
    names = trial.claim[part].formula.code_names
    return float(trial.number(part, **{n: v for n, v in values.items() if n in names}))
