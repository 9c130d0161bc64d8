"""LR-47: eq. (5) as written: one step on a batch, the local spectrum, the noise floor."""

from collections.abc import Iterator

from lpfl.optim.core.method import Method
from lpfl.optim.kfac.paper import kfac_paper
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import joint, step
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import update_jacobian
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, condition_of

RELATIVE = judgement(
    0.12, "1 % for the next order in noise_std^2/n; a factor n/(n - d - 1) is twice as far"
)
HALF_WIDTH = 0.06


@check(
    "LR-47",
    (
        Integers("input_dim", 6, 10),
        Integers("rank", 2, 3),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 4),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.2, 1.4),
        Reals("head_step_size", 0.05, 1.4),
        Integers("batch_size", lambda v: v["input_dim"] + 10, lambda v: 2 * v["input_dim"] + 6),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=2,
)
def paper_scheme(trial: Trial) -> Iterator[Comparison]:
    """Read the head's identity exactly and on a batch; differentiate; average over time."""
    yield from exact_parts(trial, only=["head"])
    yield from one_step(trial)
    yield from spectrum(trial)
    for label, head_step_size in (("drawn η_F", trial.head_step_size), ("η_F = 1", 1.0)):
        yield floor(trial, scheme(trial, head_step_size), label)


def scheme(trial: Trial, head_step_size: float) -> Method:
    """Return eq. (5) with the drawn step size."""
    return kfac_paper(step_size=trial.step_size, head_step_size=head_step_size)


def one_step(trial: Trial) -> Iterator[Same]:
    """The head after a step from an unrelated head, on a batch of rows."""
    draw = step.draw(trial, noise_std=trial.noise_std)
    start = model.Weights(draw.head, draw.representation)
    method = scheme(trial, trial.head_step_size)
    after, _ = method.step(start, method.init(start), draw.batch)
    G = after.representation
    values = draw.letters(eta=trial.step_size, eta_F=trial.head_step_size)
    # both solves act on the whole cross-moment, and the second one on what the first one left
    condition = condition_of(draw.batch.cov_x, draw.head, draw.head)
    condition *= condition_of(G @ draw.batch.cov_x @ G.mT)
    yield Same(
        part="head",
        label="one step on a batch",
        measured=after.head,
        predicted=step.printed(trial, "head", values),
        axes=2,
        tolerance=rounding(trial.dtype, dim=trial.input_dim, condition=condition),
    )


def spectrum(trial: Trial) -> Iterator[Same]:
    """The eigenvalues of the update of both layers at a solution in a drawn gauge."""
    problem = setup.draw_truth(trial, replicates=1)
    solution = joint.turned_solution(trial, problem)
    method = scheme(trial, trial.head_step_size)
    jacobian = update_jacobian(method, solution, model.population_batch(problem))
    yield from joint.same_spectrum(
        trial,
        "near",
        jacobian,
        joint.tolerance_of(trial, problem.cov_x, solution.head, solution.head),
        step_size=trial.step_size,
        head_step_size=trial.head_step_size,
    )


def floor(trial: Trial, method: Method, label: str) -> Near:
    """The stationary mean square against the floor of alternating KFAC."""
    n, d = trial.batch_size, trial.input_dim
    squares = floors.long_average(
        trial,
        method,
        slowest=abs(1.0 - trial.step_size),
        name=label,
        batch_size=n,
        half_width=HALF_WIDTH,
    )
    predicted = floors.stated_floor(trial, floors.one_truth(trial, 1), n=n)
    return Near(
        part="floor",
        label=label,
        samples=squares,
        predicted=predicted,
        tolerance=RELATIVE.times(predicted, "relative to the floor"),
        rival=Rival("the population covariance", predicted * (n - d - 1) / n),
    )
