"""LR-27: one step in other coordinates, then what every optimizer states about its invariances."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lpfl.linalg import standard_normal, vec
from lpfl.measure.invariance import change_gauge, change_inputs, draw_transform
from lpfl.optim import kfac, sgd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same, Shown
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.optimizers import invariance
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

START_TANGENT = 0.5
HEAD_SHARE = 0.5  # step size of the head over that of the representation


@check(
    "LR-27",
    (
        Integers("input_dim", 4, 6),
        Integers("rank", 2, 3),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 2),
        Integers("batch_size", lambda v: 10 * v["input_dim"], lambda v: 16 * v["input_dim"]),
        Covariances(max_log10_cond=2.0),
        Reals("head_log10_cond", 0.0, 1.0),
        Reals("noise_std", 0.1, 1.0),
        Reals("step_size", 0.05, 0.1),
        Choice("input_law", ("gaussian",)),
    ),
)
def invariances(trial: Trial) -> Iterator[Comparison | Shown]:
    """Read the identities exactly, take one step in both coordinates, then run every optimizer."""
    yield from exact_parts(trial)
    yield from one_step(trial)
    entrants = list(invariance.entrants(trial.scenario))
    trial.admit(damping=max(entrant.damping for entrant in entrants))
    rows = {entrant.name: invariance.cells(trial, entrant) for entrant in entrants}
    judged = [cell.comparison for row in rows.values() for cell in row.values() if cell.comparison]
    first, *others = judged
    yield Shown(first, table=invariance.table_of(rows))
    yield from others


def one_step(trial: Trial) -> Iterator[Same]:
    """Take one step of ``lpfl`` in other coordinates; theory maps the step in the plain ones."""
    R = invariance.REPLICATES
    problem = setup.draw_truth(trial, replicates=R, noise_std=trial.noise_std)
    batch = setup.draw_batch(trial, problem)
    assert batch.inputs is not None
    assert batch.targets is not None
    F = setup.draw_head(trial, replicates=R)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    plain = model.Weights(F, G)
    maps = {
        letter: draw_transform(kind, dim, R, trial.stream(kind), dtype=trial.dtype)
        for letter, kind, dim in (
            ("A", "general", trial.input_dim),
            ("Q", "rotation", trial.input_dim),
            ("R", "gauge", trial.rank),
        )
    }
    eta, eta_F = trial.step_size, HEAD_SHARE * trial.step_size
    stream = trial.stream("direction")
    moves = model.Weights(
        *(standard_normal(*W.shape, generator=stream, dtype=trial.dtype) for W in plain)
    )
    values: dict[str, Any] = {
        "F": F,
        "G": G,
        "F^*": problem.head_star,
        "G^*": problem.representation_star,
        "Sigmahat": batch.cov_x,
        "N": batch.cross - problem.product_star @ batch.cov_x,
        "D_G": moves.representation,
        "D_F": moves.head,
        **maps,
    }
    known = {letter: as_numpy(value) for letter, value in values.items()}
    known |= {"eta": eta, "eta_F": eta_F}
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank, "n": trial.batch_size}
    mapped = model.batch_of_rows(batch.inputs @ maps["A"].mT, batch.targets)
    tolerance = rounding(
        trial.dtype,
        dim=trial.input_dim,
        condition=condition_of(batch.cov_x, F, F, maps["A"], maps["A"], maps["R"]),
    )

    def same(part: str, measured: Tensor, axes: int) -> Same:
        predicted = trial.claim[part].matrix(known, sizes=sizes)
        return Same(
            part=part,
            measured=measured,
            predicted=predicted,
            tolerance=tolerance,
            axes=axes,
            label="one step",
        )

    start = change_inputs(plain, maps["A"])
    slope = model.gradients(start, mapped).representation
    G_A = kfac.kfac_step(start.representation, F, slope, mapped.cov_x, step_size=eta)
    yield same("kfac_input_map", G_A, 2)

    start = change_gauge(plain, maps["R"])
    slope = model.gradients(start, batch).representation
    G_R = kfac.kfac_step(start.representation, start.head, slope, batch.cov_x, step_size=eta)
    yield same("kfac_gauge", G_R, 2)
    F_R = kfac.kfac_head_step(
        start.head,
        start.representation,
        model.gradients(start, batch).head,
        batch.cov_x,
        step_size=eta_F,
    )
    yield same("kfac_head_gauge", F_R, 2)

    start = change_inputs(plain, maps["A"])
    move = change_inputs(moves, maps["A"])
    direction = torch.cat([vec(move.representation), vec(move.head)], dim=-1)
    GN = model.gauss_newton(start, mapped.cov_x)
    yield same("gauss_newton", ((GN @ direction.unsqueeze(-1)).squeeze(-1) * direction).sum(-1), 0)

    turned = model.batch_of_rows(batch.inputs @ maps["Q"].mT, batch.targets)
    start = change_inputs(plain, maps["Q"])
    slope = model.gradients(start, turned).representation
    yield same("sgd_rotation", sgd.sgd_step(start.representation, slope, step_size=eta), 2)
