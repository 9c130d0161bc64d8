"""LR-37: one damped step on both layers, and the spectrum at a solution in two bases."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim.kfac import joint as kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import moving_eigenvalues, update_jacobian
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import damped_rate
from theory.linear_representation.variants.factors.damped_rate import (
    first_layer,
    last_layer,
    row_multipliers,
)

Array = NDArray[np.float64]
KINDS = ("factor", "kronecker", "pi")
TILT, HEAD_MISFIT = 0.3, 0.3
VISIBLE = judgement(1e-4, "a thousand times what central differences err by at small sizes")


@check(
    "LR-37",
    (
        *joint.SIZES,
        joint.COVARIANCE,
        joint.HEAD_COND,
        Reals("step_size", 0.1, 0.9),
        Reals("head_step_size", 0.1, 0.9),
        Reals("damping", 0.01, 3.0, log=True),
        Reals("left_damping", 0.01, 3.0, log=True),
    ),
)
def joint_damping(trial: Trial) -> Iterator[Comparison]:
    """The change of FG in one step away from the solution, then all eigenvalues at it."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    yield from exact_parts(trial, only=("product",))
    yield one_step(trial, problem)
    solutions = {
        "orthonormal rows": model.Weights(problem.head_star, problem.representation_star),
        "another basis": joint.turned_solution(trial, problem),
    }
    found = {}
    for kind in KINDS:
        for basis, solution in solutions.items():
            jacobian = update_jacobian(
                method_of(trial, kind), solution, model.population_batch(problem)
            )
            found[kind, basis] = np.sort(moving_eigenvalues(jacobian, solution).real)
            yield from spectrum(trial, problem, solution, kind, basis, jacobian)
    yield public(trial, problem, found)
    if trial.rank > 1:
        yield Above(
            part="range",
            label="the basis matters",
            measured=np.abs(
                found["factor", "orthonormal rows"] - found["factor", "another basis"]
            ).max(),
            least=VISIBLE,
        )


def options_of(trial: Trial, kind: str) -> dict[str, Any]:
    """Return the dampings of the optimizer, of the kind."""
    left = {"output_damping": trial.left_damping} if kind == "factor" else {}
    return {"damping": trial.damping, **left}


def method_of(trial: Trial, kind: str) -> Any:
    """Return joint KFAC with the scenario's steps and dampings."""
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    return kfac_joint.kfac_joint(damping_kind=kind, **steps, **options_of(trial, kind))


def one_step(trial: Trial, problem: model.LinearRepresentation) -> Same:
    """F dG + dF G of one step from a tilted start with another head, in the population."""
    G = model.tilt(problem.representation_star, TILT, trial.stream("start"))
    off = torch.randn(
        problem.head_star.shape, generator=trial.stream("head misfit"), dtype=trial.dtype,
        device=trial.device,
    )  # fmt: skip
    F = problem.head_star + HEAD_MISFIT * off
    method, start = method_of(trial, "factor"), model.Weights(F, G)
    after, _ = method.step(start, method.init(start), model.population_batch(problem))
    change = F @ (after.representation - G) + (after.head - F) @ G
    values = {
        "F": F, "G": G, "F^*": problem.head_star, "G^*": problem.representation_star,
        "Sigma": problem.cov_x,
    }  # fmt: skip
    known = {letter: as_numpy(value) for letter, value in values.items()}
    dampings = {"lambda": trial.damping, "lambda_F": trial.damping}
    dampings |= {"l_P": trial.left_damping, "l_O": trial.left_damping}
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    return Same(
        part="product",
        label="one step",
        measured=change,
        predicted=trial.claim["product"].matrix(
            {**known, **dampings, "eta": trial.step_size, "eta_F": trial.head_step_size},
            sizes=sizes,
        ),
        axes=2,
        tolerance=rounding(
            trial.dtype, dim=trial.input_dim, condition=condition_of(problem.cov_x, F, F, G)
        ),
    )


def spectrum(
    trial: Trial,
    problem: model.LinearRepresentation,
    solution: model.Weights,
    kind: str,
    basis: str,
    jacobian: Array,
) -> Iterator[Comparison]:
    """Every eigenvalue of the update against the modes of the claim at this solution."""
    F, G = (as_numpy(W[0]) for W in solution)
    Sigma = as_numpy(problem.cov_x)
    lam, hidden = np.asarray(np.linalg.eigvalsh(F.T @ F), dtype=np.float64), G @ Sigma @ G.T
    left = trial.left_damping if kind == "factor" else 0.0
    added = {"damping": trial.damping, "output_damping": left}
    first, last = first_layer(kind, lam, Sigma, **added), last_layer(kind, hidden, **added)
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    outside = trial.number(
        "outside",
        hidden_eigenvalue=np.linalg.eigvalsh(hidden),
        head_input_damping=last.inputs[0],
        last_output_damping=last.outputs[0],
    )
    values = {
        "range": row_multipliers(lam, Sigma, first, last, representation=G, **steps),
        "outside": np.repeat(outside, round(trial.number("outside_count"))),
        "gauge": np.full(round(trial.number("gauge_count")), trial.number("gauge")),
    }
    measured = np.linalg.eigvals(jacobian)
    measured = measured[np.argsort(measured.real)]
    everything = np.concatenate(list(values.values()))
    owner = np.repeat(list(values), [len(part) for part in values.values()])
    order = np.argsort(everything, kind="stable")
    tolerance = joint.tolerance_of(trial, problem.cov_x, solution.head, solution.head)
    label = f"{kind} damping, {basis}"
    for part in values:
        own = owner[order] == part
        if own.any():
            yield joint.same_eigenvalues(
                part, measured[own], everything[order][own], tolerance, label=label
            )
    one_apart = rounding(trial.dtype, dim=1, why="a count is an integer")
    for part, many in (("gauge", 1), ("outside", trial.rank)):
        if values[part].size == 0:
            continue
        at = values[part][0] if part == "gauge" else outside[0]
        others = np.delete(
            everything, np.flatnonzero(everything == at)[: values[part].size // many]
        )
        near = tolerance.value
        yield Same(
            part=f"{part}_count",
            label=label,
            measured=(np.abs(measured - at) <= near).sum() - (np.abs(others - at) <= near).sum(),
            predicted=trial.number(f"{part}_count"),
            scale=1.0,
            tolerance=one_apart,
        )


def public(
    trial: Trial, problem: model.LinearRepresentation, found: dict[tuple[str, str], Array]
) -> Same:
    """The numbers that people ask for, at the solution with orthonormal rows."""
    F = as_numpy(problem.head_star[0])
    stated = [
        damped_rate(
            kind,
            step_size=trial.step_size,
            head_step_size=trial.head_step_size,
            head="joint",
            output_dim=trial.output_dim,
            head_eigenvalues=np.linalg.eigvalsh(F.T @ F),
            cov_x=as_numpy(setup.frame_covariance(problem)),
            **options_of(trial, kind),
        )
        for kind in KINDS
    ]
    gauge = trial.rank**2
    return Same(
        part="range",
        label="damped_rate, gauge excluded",
        measured=np.stack([found[kind, "orthonormal rows"] for kind in KINDS]),
        predicted=np.stack([values[: values.size - gauge] for values in stated]),
        scale=1.0,
        tolerance=joint.tolerance_of(trial, problem.cov_x, problem.head_star, problem.head_star),
    )
