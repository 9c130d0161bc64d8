"""LR-43: deep linear chains: blocks by automatic differentiation, spectra, boundary, floor."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.chain import chain_step
from lpfl.optim.kfac import Kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import chain as deep
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Below, Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import chain as setup_chain
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import chain_spectrum

INSIDE, OUTSIDE = 0.95, 1.05  # common step sizes over the boundary
GROWTH = judgement(0.05, "half of the 0.1 by which the sum of the steps exceeds the boundary")
RELATIVE = judgement(
    0.09, "1 % for the next order in noise_std^2/n, the rest well below the rival n for n - d - 1"
)
HALF_WIDTH = 0.06
LEFT_OF_START = 1e-4
NOISE_STD = 0.003
EXACT = ("product", "block_first", "block_middle", "block_last")


@check(
    "LR-43",
    (
        Integers("input_dim", 4, 8),
        Integers("rank", 1, lambda v: min(3, v["input_dim"] - 1)),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Integers("middle_width", lambda v: v["rank"], lambda v: v["output_dim"]),
        Integers("num_layers", 2, 5),
        Integers("batch_size", lambda v: 2 * v["input_dim"] + 6, lambda v: 4 * v["input_dim"]),
        Covariances(max_log10_cond=1.5),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.3, 0.9),
        Reals("middle_step_size", 0.05, lambda v: 0.6 / v["num_layers"]),
        Reals("head_step_size", 0.05, 0.4),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=1,
)
def chains(trial: Trial) -> Iterator[Comparison]:
    """Blocks and product on a batch, spectra in both orders, the wider layer, the noise floor."""
    yield from exact_parts(trial, only=EXACT)
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem, batch_size=trial.batch_size, input_law=problem.input_law)
    yield from on_a_batch(trial, problem)
    yield from spectra(trial, problem)
    yield from wide(trial, problem)
    yield floor(trial)


def on_a_batch(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Same]:
    """The Hessian of the loss in one layer, and what small steps do to the product, L = 3."""
    layers = deep.draw_chain(problem, (trial.rank, trial.rank), trial.stream("off the solution"))
    last = setup.draw_head(trial, replicates=1)
    layers = (*layers[:2], last)
    batch = model.sample(problem, trial.batch_size, trial.stream("batch"))
    assert batch.inputs is not None
    assert batch.targets is not None
    inputs, targets = batch.inputs, batch.targets
    values = {
        "G": as_numpy(layers[0][0]),
        "C_2": as_numpy(layers[1][0]),
        "F": as_numpy(last[0]),
        "F^*": as_numpy(problem.head_star[0]),
        "G^*": as_numpy(problem.representation_star[0]),
        "X": as_numpy(inputs[0]),
        "Sigma": as_numpy(problem.cov_x),
        "eta": trial.step_size,
        "eta_M": trial.middle_step_size,
        "eta_F": trial.head_step_size,
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank, "n": trial.batch_size}
    tolerance = rounding(
        trial.dtype,
        dim=trial.batch_size * trial.output_dim,
        condition=setup_chain.squared_condition(layers, problem.cov_x),
    )
    for index, part in enumerate(EXACT[1:]):

        def loss(flat: Tensor, index: int = index) -> Tensor:
            W = linalg.unvec(flat, layers[index].shape[-2]).unsqueeze(0)
            product = deep.product((*layers[:index], W, *layers[index + 1 :]))
            return 0.5 * (targets - inputs @ product.mT).square().sum() / inputs.shape[-2]

        hessian = torch.autograd.functional.hessian(loss, linalg.vec(layers[index][0]))
        yield Same(
            part=part,
            label="Hessian of the loss on the rows",
            measured=hessian,
            predicted=trial.claim[part].matrix(values, sizes=sizes),
            axes=2,
            tolerance=tolerance,
        )
    yield Same(
        part="product",
        label="run",
        measured=first_order(trial, layers, model.population_batch(problem)),
        predicted=trial.claim["product"].matrix(values, sizes=sizes),
        axes=2,
        tolerance=tolerance,
    )


def first_order(trial: Trial, layers: deep.Layers, batch: model.Batch) -> Tensor:
    """Return the part of the product's change that is linear in the three step sizes.

    The product is a cubic in a common factor on the steps; three factors determine it.
    """
    start, factors = deep.product(layers), (0.5, 1.0, 1.5)
    changes = []
    for factor in factors:
        rules = rules_of(trial, 3, factor=factor)
        states = tuple(rule.start(W) for rule, W in zip(rules, layers, strict=True))
        changes.append(deep.product(chain_step(rules, layers, states, batch)[0]) - start)
    powers = trial.tensor([[factor**power for power in (1, 2, 3)] for factor in factors])
    weights = torch.linalg.inv(powers)[0]
    return torch.stack([w * change for w, change in zip(weights, changes, strict=True)]).sum(0)[0]


def rules_of(
    trial: Trial, num_layers: int, *, factor: float = 1.0, damping: float = 0.0
) -> tuple[Kfac, ...]:
    """Return KFAC with the scenario's step size of each layer."""
    steps = [trial.step_size, *[trial.middle_step_size] * (num_layers - 2), trial.head_step_size]
    return tuple(
        Kfac(step_size=factor * step, damping=damping, output_damping=damping) for step in steps
    )


def spectra(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Comparison]:
    """Every multiplier of the chain in both orders; where one common step stops being stable."""
    layers_count = trial.num_layers
    batch = model.population_batch(problem)
    widths = (trial.rank,) * (layers_count - 1)
    layers = deep.draw_chain(problem, widths, trial.stream("solution"))
    tolerance = rounding(
        trial.dtype,
        dim=sum(W.numel() for W in layers),
        condition=setup_chain.squared_condition(layers, problem.cov_x),
        why="the condition number of all that is inverted, once more for the eigenvectors",
    )
    steps = {
        "step_size": trial.step_size,
        "middle_step_size": trial.middle_step_size,
        "head_step_size": trial.head_step_size,
        "num_layers": layers_count,
    }
    rules = rules_of(trial, layers_count)
    for spectrum, order in (("together", "joint"), ("in_turn", "in_turn")):
        jacobian = setup_chain.chain_jacobian(rules, layers, batch, order=order)
        yield from joint.same_spectrum(trial, spectrum, jacobian, tolerance, **steps)
        stated = chain_spectrum(**steps, **joint.sizes(trial), in_turn=spectrum == "in_turn")
        yield joint.same_multipliers(f"{spectrum}_shared", jacobian, stated, tolerance)
    boundary = trial.number("boundary")
    for share in (INSIDE, OUTSIDE):
        common = (Kfac(step_size=share * boundary),) * layers_count
        eigenvalues = np.linalg.eigvals(setup_chain.chain_jacobian(common, layers, batch))
        lowest = float(eigenvalues.real.min())
        yield Same(
            part="boundary",
            label=f"multiplier extrapolated to -1 from {share} of it",
            measured=2.0 * share * boundary / (1.0 - lowest),
            predicted=boundary,
            tolerance=tolerance,
        )
        if share < 1.0:
            yield Below(
                part="boundary",
                label="stable below",
                measured=np.abs(eigenvalues).max(),
                limit=1.0,
                tolerance=tolerance,
            )
        else:
            yield Above(
                part="boundary",
                label="unstable above",
                measured=np.abs(eigenvalues).max() - 1.0,
                least=GROWTH,
            )


def wide(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Comparison]:
    """Three layers, the second hidden width larger: damping in place of pseudo-inverses."""
    layers = deep.draw_chain(problem, (trial.rank, trial.middle_width), trial.stream("wide"))
    damping = float(torch.finfo(trial.dtype).eps ** 0.5)
    jacobian = setup_chain.chain_jacobian(
        rules_of(trial, 3, damping=damping), layers, model.population_batch(problem)
    )
    steps = {
        "step_size": trial.step_size,
        "middle_step_size": trial.middle_step_size,
        "head_step_size": trial.head_step_size,
    }
    yield from joint.same_spectrum(
        trial, "wide", jacobian, damped(layers, problem, damping), **steps
    )


def damped(layers: deep.Layers, problem: model.LinearRepresentation, damping: float) -> Tolerance:
    """Return what damping changes: its size over the smallest eigenvalue of any factor used."""
    smallest = float(torch.linalg.eigvalsh(problem.cov_x)[0])
    for W in layers:
        smallest = min(smallest, smallest * float(torch.linalg.svdvals(W).min()) ** 2)
    head = float(torch.linalg.svdvals(problem.head_star).min()) ** 2
    size = sum(W.numel() for W in layers)
    return truncation(
        size * damping / (smallest * head),
        f"damping {damping:.2g} over the smallest eigenvalues of the factors, p = {size} weights",
    )


def floor(trial: Trial) -> Near:
    """Time average of |T|^2 of a noisy chain in independent trajectories from the truth."""
    eta, n, d = trial.step_size, trial.batch_size, trial.input_dim
    truth = replace(setup.draw_truth(trial, replicates=1), noise_std=NOISE_STD)
    memory = (1.0 - eta) ** 2
    burn_in = math.ceil(math.log(LEFT_OF_START) / math.log(memory))
    num_steps = math.ceil(6 / (1.0 - memory))
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(truth)
    spread2 = 1.5 * (
        2.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs) + 2.0 / (n - d) / len(schurs)
    )
    effective = num_steps * (1.0 - memory) / (1.0 + memory)
    replicates = trial.replicates(floors.replicates_for(spread2 / effective, HALF_WIDTH))
    problem = setup.repeated(truth, replicates)
    layers = tuple(
        W.expand(replicates, -1, -1)
        for W in deep.draw_chain(
            truth, (trial.rank,) * (trial.num_layers - 1), trial.stream("noisy")
        )
    )
    rules = rules_of(trial, trial.num_layers)
    states = tuple(rule.start(W) for rule, W in zip(rules, layers, strict=True))
    stream, total = (
        trial.stream("batches"),
        torch.zeros(replicates, dtype=trial.dtype, device=trial.device),
    )
    G_star, B = problem.representation_star, problem.complement
    for t in range(burn_in + num_steps):
        layers, states = chain_step(rules, layers, states, sample_moments(problem, n, stream))
        if t >= burn_in:
            total = total + linalg.tangent_matrix(layers[0], G_star, B).square().sum((-2, -1))
    predicted = floors.stated_floor(trial, truth, n=n)
    return floors.near(
        trial,
        "floor",
        as_numpy(total / num_steps),
        predicted,
        relative=RELATIVE,
        slowest=1.0 - memory,
        rival=Rival("the population covariance", predicted * (n - d - 1) / n),
    )
