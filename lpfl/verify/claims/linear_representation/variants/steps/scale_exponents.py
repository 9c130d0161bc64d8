"""LR-35: steps in other units, and the exponents of the local rate of eleven methods."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lpfl.linalg import standard_normal
from lpfl.measure.unit_response import WARM_UP, Units, local_rates
from lpfl.optim import OPTIMIZERS, Method
from lpfl.optim.drive import on_linear_representation
from lpfl.optim.kfac import Kfac
from lpfl.optim.sgd import Sgd
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import loss_scale
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import scale_exponents

COUPLED, PAIRED, MANY = 24, 100, 2000  # replicates with the same noise, and with other batches
TWICE, ROWS, MANY_ROWS = 2.0, 4, 16  # single rows are drawn, or the law of their moments
SLOW = 1e-3  # rate per step of the methods whose rate is known
SLOWER = 1e-4  # the same over the noise, for methods whose steps have a fixed size
ERROR = truncation(0.005, "noise of the head and drift in the warm-up: below 1e-3 in small runs")
ROOM = judgement(
    0.3, "room for the interval of a ratio: half an exponent changes it by half or more"
)
START_TANGENT = 0.5


class Entrant(NamedTuple):
    """A method for one part; remembers: its step depends on earlier batches."""

    part: str
    method: Method
    remembers: bool = False
    label: str = ""
    exponent: float = 0.25
    paired: int = PAIRED


@check(
    "LR-35",
    (
        Integers("input_dim", 5, 7),
        Integers("rank", 1, 2),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 1),
        Integers("batch_size", 120, 240),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("noise_std", 0.0003, 0.003, log=True),
        Reals("step_size", 0.05, 0.5),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=13,
)
def exponents(trial: Trial) -> Iterator[Comparison]:
    """Identities exactly and as steps of lpfl; then responses to y, noise, x and rows."""
    yield from exact_parts(trial, only=("kfac_units", "sgd_units", "empirical_units"))
    yield from steps_in_units(trial)
    yield from loss_factors(trial)
    problem = setup.draw_truth(trial, replicates=trial.replicates(MANY), noise_std=trial.noise_std)
    setup.admit(trial, problem, batch_size=trial.batch_size, step_size=trial.step_size)
    for entrant in entrants(trial):
        yield from responses(trial, problem, entrant)


def entrants(trial: Trial) -> Iterator[Entrant]:
    """Return every method with a step size at which its rate is far below 1."""
    noise, n = trial.noise_std, trial.batch_size
    seed = trial.integer_seed("samples")
    slow, empirical = {"step_size": SLOW}, {"step_size": SLOW * noise**2}
    fixed = {"step_size": SLOWER * noise / n**0.5, "head": "frozen"}
    kfac, joint = OPTIMIZERS["kfac"], OPTIMIZERS["kfac_joint"]
    # Both layers: step_size <gradient, step> is noise^2 k (d + m)/n; the clip keeps SLOW of it.
    weights = trial.rank * (trial.input_dim + trial.output_dim)
    bound = SLOW**2 * noise**2 * weights / n
    yield Entrant("kfac", kfac(**slow))
    yield Entrant("kfac_sampled", kfac(output_factor="sampled", sample_seed=seed, **slow))
    yield Entrant("kfac_empirical", kfac(output_factor="empirical", **empirical))
    yield Entrant("kfac_clipped", joint(step_size=1.0, kl_clip=bound), paired=1000)
    yield Entrant("kfac_grafted", kfac(graft="sgd", **slow), paired=800)
    yield Entrant("sgd", OPTIMIZERS["sgd"](head="frozen", **slow))
    yield Entrant("sgd", OPTIMIZERS["amgd"](**slow), label="AMGD")
    yield Entrant("adam", OPTIMIZERS["adam"](beta2=0.9, epsilon=1e-30, **fixed), True, paired=400)
    for exponent in (0.25, 0.5):
        # a step of Shampoo over the gradient: the statistics to the power -2 exponent
        size = SLOW * (noise**2 / n) ** (2.0 * exponent)
        method = OPTIMIZERS["shampoo"](
            step_size=size, exponent=exponent, statistics="average", averaging=0.9, head="frozen"
        )
        yield Entrant("shampoo", method, True, f"r = {exponent}", exponent, paired=500)
    yield Entrant("muon", OPTIMIZERS["muon"](momentum=0.0, nesterov=False, **fixed), paired=MANY)
    yield Entrant("ngd", OPTIMIZERS["ngd"](**slow))
    yield Entrant("ngd_empirical", OPTIMIZERS["ngd_empirical"](**empirical), paired=240)


def responses(
    trial: Trial, problem: model.LinearRepresentation, entrant: Entrant
) -> Iterator[Comparison]:
    """The rate in other units, with the same noise in every run; then with more rows."""
    few = few_of(problem, COUPLED)

    def rates(truth: model.LinearRepresentation, units: Units, name: str) -> NDArray[np.float64]:
        found = local_rates(
            entrant.method,
            truth,
            units,
            batch_size=trial.batch_size,
            warm_up=WARM_UP if entrant.remembers else 0,
            stream=trial.stream,
            name=name,
        )
        return as_numpy(found)

    def mean_rate(units: Units) -> float:
        return float(rates(few, units, entrant.part).mean())

    base = mean_rate(Units())
    powers = scale_exponents(entrant.part, exponent=entrant.exponent)
    doubled = {"y": Units(y=TWICE), "noise": Units(noise=TWICE), "x": Units(x=TWICE)}
    for probe, units in doubled.items():
        yield Same(
            part=entrant.part,
            label=f"{entrant.label} {probe} doubled".strip(),
            measured=mean_rate(units) / base,
            predicted=stated(trial, entrant, probe, TWICE),
            tolerance=ERROR,
        )
    for probe, power in powers.items():
        ratio = stated(trial, entrant, probe, TWICE)
        label = f"{entrant.label} exponent of {probe}".strip()
        yield same_function(entrant.part, TWICE**power, ratio, label=label)
    rows = ROWS if entrant.method.needs_rows else MANY_ROWS
    paired = few_of(problem, trial.replicates(entrant.paired))
    plain, more = (
        rates(paired, Units(n=factor), f"{entrant.part} x {factor}") for factor in (1, rows)
    )
    predicted = stated(trial, entrant, "n", float(rows))
    yield Near(
        part=entrant.part,
        label=f"{entrant.label} {rows} times the rows".strip(),
        samples=predicted + (more - predicted * plain) / plain.mean(),
        predicted=predicted,
        tolerance=ROOM.times(predicted, "times the ratio"),
        rival=Rival(f"exponent {powers['n'] - 0.5}", predicted / np.sqrt(rows)),
    )


def stated(trial: Trial, entrant: Entrant, probe: str, factor: float) -> float:
    """Return the ratio of rates that the claim states for one probe."""
    letters = {"y": "output_unit", "noise": "noise_factor", "x": "input_unit", "n": "rows_factor"}
    part = trial.claim[entrant.part]
    values = dict.fromkeys(part.formula.code_names, 1.0)
    if "root_exponent" in values:
        values["root_exponent"] = entrant.exponent
    if letters[probe] in values:
        values[letters[probe]] = factor
    return float(part.number(**values))


def few_of(problem: model.LinearRepresentation, count: int) -> model.LinearRepresentation:
    """Return the problem with its first replicates."""
    return replace(
        problem,
        head_star=problem.head_star[:count],
        representation_star=problem.representation_star[:count],
    )


def steps_in_units(trial: Trial) -> Iterator[Comparison]:
    """One step of lpfl in other units, with the head kept, against the step in the plain ones."""
    problem = setup.draw_truth(trial, replicates=1, noise_std=trial.noise_std)
    batch = setup.draw_batch(trial, problem)
    assert batch.inputs is not None
    assert batch.targets is not None
    F = setup.draw_head(trial, replicates=1)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    stream = trial.stream("units")
    c_y, c_x = (float(c) for c in standard_normal(2, generator=stream).exp())
    eta = trial.step_size
    rules = {
        "kfac_units": Kfac(step_size=eta),
        "sgd_units": Sgd(step_size=eta / (c_y * c_x) ** 2),
        "empirical_units": Kfac(step_size=eta * c_y**2, output_factor="empirical"),
    }
    residual = batch.targets - batch.inputs @ problem.product_star.mT
    values = {
        "F": F, "G": G, "F^*": problem.head_star, "G^*": problem.representation_star,
        "Sigmahat": batch.cov_x, "N": batch.cross - problem.product_star @ batch.cov_x,
        "X": batch.inputs, "E": residual,
    }  # fmt: skip
    known: dict[str, Any] = {letter: as_numpy(value) for letter, value in values.items()}
    known |= {"eta": eta, "c_y": c_y, "c_x": c_x}
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank, "n": trial.batch_size}
    start = model.Weights(c_y * F, G / c_x)
    other = model.batch_of_rows(c_x * batch.inputs, c_y * batch.targets)
    misfit = batch.targets - batch.inputs @ (F @ G).mT
    moment = F.mT @ (misfit.mT @ misfit) @ F
    for part, rule in rules.items():
        method = on_linear_representation(rule, head="frozen")
        after, _ = method.step(start, method.init(start), other)
        yield Same(
            part=part,
            label="one step",
            measured=after.representation,
            predicted=trial.claim[part].matrix(known, sizes=sizes),
            axes=2,
            tolerance=rounding(
                trial.dtype,
                dim=trial.input_dim,
                condition=condition_of(batch.cov_x, F, F, moment),
            ),
        )


def loss_factors(trial: Trial) -> Iterator[Comparison]:
    """The move of G for a loss times c over that for the loss, factors of autograd and of lpfl."""
    problem = setup.draw_truth(trial, replicates=1, noise_std=trial.noise_std)
    batch = setup.draw_batch(trial, problem)
    start = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    weights = model.Weights(problem.head_star, start)
    stream = trial.stream("loss")
    c = float((0.5 + standard_normal(1, generator=stream).abs()).exp())
    assert batch.inputs is not None
    assert batch.targets is not None
    misfit = batch.targets - batch.inputs @ (problem.head_star @ start).mT
    seen = problem.head_star.mT @ (misfit.mT @ misfit) @ problem.head_star
    tolerance = rounding(
        trial.dtype,
        dim=trial.input_dim,
        condition=condition_of(batch.cov_x, problem.head_star, problem.head_star, seen),
    )

    for part, label, move in loss_scale.RUNS:
        plain, scaled = (move(weights, batch, factor) for factor in (1.0, c))
        values = {"loss_factor": c} if trial.claim[part].formula.code_names else {}
        yield Same(
            part=part,
            label=label,
            measured=float((scaled * plain).sum() / plain.square().sum()),
            predicted=trial.number(part, **values),
            tolerance=tolerance,
        )
