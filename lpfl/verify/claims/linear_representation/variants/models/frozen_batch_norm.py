"""LR-48: torch's batch-norm in both of its modes, on rows of two tasks."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lpfl.linalg import second_moment, standard_normal
from lpfl.optim import batch_norm
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import batch_norm_excess

EXACT = ("mismatch", "refitted", "kept")
TRAINING_STEPS = 3
ROWS_PER_INPUT = 8


@check(
    "LR-48",
    (
        Integers("input_dim", 3, 12, log=True),
        Integers("rank", 1, lambda v: min(4, v["input_dim"] - 1)),
        setup.OUTPUT_DIM,
        Integers(
            "batch_size", lambda v: 3 * v["input_dim"], lambda v: ROWS_PER_INPUT * v["input_dim"]
        ),
        Covariances(max_log10_cond=2.0),
        Reals("head_log10_cond", 0.0, 1.0),
        Reals("step_size", 0.01, 0.3),
        Reals("tan_angle", 0.05, 1.5),
        Reals("cov_scale", 0.05, 20.0, log=True),
    ),
)
def two_tasks(trial: Trial) -> Iterator[Comparison]:
    """Statistics of one task, the risk on another: heads kept, refitted, and taken as they are."""
    yield from exact_parts(trial, only=EXACT)
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem, batch_size=trial.batch_size)
    old = centred_rows(trial, problem.root, "old task")
    new = centred_rows(trial, torch.linalg.inv(problem.root), "new task")
    G = trained(trial, problem, old)
    truth = problem.product_star[0]
    head_t = setup.draw_head(trial, replicates=1, name="new head")[0]
    target = head_t @ problem.representation_star[0]
    letters = {
        "F_t": as_numpy(head_t),
        "G^*": as_numpy(problem.representation_star[0]),
        "G": as_numpy(G),
        "Sigma": as_numpy(second_moment(new)),
    }
    tolerance = rounding(
        trial.dtype,
        dim=trial.batch_size,
        condition=condition_of(old, new, G) ** 2,
        why="rows times the condition numbers of the rows and of the representation, squared",
    )
    norm = Normalised(G, old)
    yield from same_function(trial, norm, truth, old, new, tolerance)
    yield from best_heads(trial, norm, target, old, new, letters, tolerance)
    yield rescaled(trial, problem, old, tolerance)


class Normalised:
    """Hidden units G x behind torch's batch-norm without gains, its statistics those of rows."""

    def __init__(self, G: Tensor, rows: Tensor) -> None:
        self.G = G
        self.layer = torch.nn.BatchNorm1d(
            len(G),
            eps=torch.finfo(G.dtype).tiny,
            momentum=None,
            affine=False,
            dtype=G.dtype,
            device=G.device,
        )
        self.batch(rows, remember=True)

    def frozen(self, rows: Tensor) -> Tensor:
        """Return the units divided by the remembered statistics."""
        self.layer.eval()
        return self.layer(rows @ self.G.mT)

    def batch(self, rows: Tensor, *, remember: bool = False) -> Tensor:
        """Return the units divided by the statistics of these rows."""
        self.layer.train()
        kept = {name: value.clone() for name, value in self.layer.state_dict().items()}
        units = self.layer(rows @ self.G.mT)
        if not remember:
            self.layer.load_state_dict(kept)
        return units


def centred_rows(trial: Trial, root: Tensor, name: str) -> Tensor:
    """Return rows (n, d) of mean exactly 0."""
    shape = (trial.batch_size, trial.input_dim)
    rows = standard_normal(*shape, generator=trial.stream(name), dtype=trial.dtype) @ root
    return rows - rows.mean(0)


def trained(trial: Trial, problem: model.LinearRepresentation, rows: Tensor) -> Tensor:
    """Return a representation (k, d) after a few steps behind batch-norm, from a tilted start."""
    G = model.tilt(problem.representation_star, trial.tan_angle, trial.stream("start"))
    batch = model.batch_of_rows(rows[None], rows[None] @ problem.product_star.mT)
    method = batch_norm.batch_norm(step_size=trial.step_size)
    start = model.Weights(problem.head_star, G)
    after, _ = simulate(method, start, lambda t: batch, num_steps=TRAINING_STEPS)
    return after.representation[0]


def least_squares(units: Tensor, targets: Tensor) -> Tensor:
    """Return the head (m, k) that is best on rows of units and targets."""
    return torch.linalg.lstsq(units, targets).solution.mT


def risk(outputs: Tensor, targets: Tensor) -> float:
    """Return 1/(2n) sum |outputs - targets|^2."""
    return float(0.5 * (outputs - targets).square().sum() / len(outputs))


def same_function(
    trial: Trial,
    norm: Normalised,
    truth: Tensor,
    old: Tensor,
    new: Tensor,
    tolerance: Tolerance,
) -> Iterator[Same]:
    """The head of the frozen units on the new rows, and the head of the plain units."""
    head = least_squares(norm.frozen(old), old @ truth.mT)
    plain = least_squares(old @ norm.G.mT, old @ truth.mT)
    predicted = trial.claim["kept"].matrix(
        {"F": as_numpy(plain), "G": as_numpy(norm.G)}, sizes=sizes_of(trial)
    )
    yield Same(
        part="kept",
        label="outputs on the new rows",
        measured=norm.frozen(new) @ head.mT,
        predicted=as_numpy(new) @ predicted.T,
        axes=2,
        tolerance=tolerance,
    )


def best_heads(
    trial: Trial,
    norm: Normalised,
    target: Tensor,
    old: Tensor,
    new: Tensor,
    letters: dict[str, np.ndarray],
    tolerance: Tolerance,
) -> Iterator[Same]:
    """A head refitted to frozen units; heads fitted in one mode and used in the other."""
    wanted = new @ target.mT
    frozen, batch = norm.frozen(new), norm.batch(new)
    predicted = trial.claim["refitted"].matrix(letters, sizes=sizes_of(trial))
    yield Same(
        part="refitted",
        label="outputs on the new rows",
        measured=frozen @ least_squares(frozen, wanted).mT,
        predicted=as_numpy(new) @ predicted.T,
        axes=2,
        scale=float(wanted.norm()),
        tolerance=tolerance,
    )
    zero = risk(0.0 * wanted, wanted)
    # The remembered variance is the unbiased one; new rows are divided by their biased one.
    moment = as_numpy(second_moment(new))
    remembered = as_numpy(second_moment(old)) * len(old) / (len(old) - 1)
    plain = as_numpy(least_squares(new @ norm.G.mT, wanted))
    for label, fitted, used, own, other in (
        ("fitted to the new statistics, used with the old", batch, frozen, moment, remembered),
        ("fitted to the old statistics, used with the new", frozen, batch, remembered, moment),
    ):
        head = least_squares(fitted, wanted)
        variance, variance_used = (np.diag(letters["G"] @ S @ letters["G"].T) for S in (own, other))
        ratio = np.diag(np.sqrt(variance / variance_used))
        yield Same(
            part="mismatch",
            label=label,
            measured=risk(used @ head.mT, wanted) - risk(fitted @ head.mT, wanted),
            predicted=float(
                trial.claim["mismatch"].matrix({**letters, "R": ratio}, sizes=sizes_of(trial))
            ),
            scale=risk(used @ head.mT, wanted) + zero,
            tolerance=tolerance,
        )
    head = least_squares(batch, wanted)
    yield Same(
        part="mismatch",
        label="public function",
        measured=risk(frozen @ head.mT, wanted) - risk(batch @ head.mT, wanted),
        predicted=batch_norm_excess(
            plain, representation=letters["G"], cov_x=moment, cov_x_statistics=remembered
        ),
        scale=risk(frozen @ head.mT, wanted) + zero,
        tolerance=tolerance,
    )


def rescaled(
    trial: Trial, problem: model.LinearRepresentation, old: Tensor, tolerance: Tolerance
) -> Same:
    """The true function behind batch-norm, on the old rows times a constant."""
    G, truth = problem.representation_star[0], problem.product_star[0]
    norm = Normalised(G, old)
    head = least_squares(norm.batch(old), old @ truth.mT)
    scaled = trial.cov_scale**0.5 * old
    zero = risk(0.0 * (old @ truth.mT), old @ truth.mT)
    return Same(
        part="rescaled",
        measured=risk(norm.batch(scaled) @ head.mT, scaled @ truth.mT),
        predicted=trial.number("rescaled", risk_zero=zero),
        scale=max(1.0, trial.cov_scale) * zero,
        tolerance=tolerance,
    )


def sizes_of(trial: Trial) -> dict[str, int]:
    """Return the sizes by letter."""
    return {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
