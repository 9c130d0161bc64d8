"""Scenarios of single-index learning: axes, predicted statistics, drawn batches, admitted runs.

Predictions use the very spectrum of the drawn covariance and aspect = d/n after n was rounded.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import single_index as model
from lpfl.problems.single_index import moments as sampler
from lpfl.problems.single_index.model import INPUT_LAW
from lpfl.problems.single_index.network import TwoLayerNetwork
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Axis, Choice, Covariances, Integers, Reals
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory import Spectrum
from theory.core.gauss.hermite import (
    ActivationStatistics,
    LinkStatistics,
    activation_statistics,
    link_statistics,
)
from theory.core.resolvent import resolvent

# two_level: two atoms of equal weight; clustered: three atoms
FAMILIES = ("identity", "two_level", "geometric", "power_law", "clustered")
LINKS = ("tanh", "erf", "relu", "he12", "he13", "identity", "sign")
BLOCK_NUMBERS = 4_000_000  # entries of one (R, d, d) block: 32 MB

INPUT_DIM = Integers("input_dim", 56, 96, log=True)
# Above condition 20 a power law of fewer than 100 eigenvalues is carried by a few of them and is
# far from a limit; anchors go to condition 100 with a geometric spectrum.
COVARIANCE = Covariances(families=FAMILIES, rotations=("none", "haar"), max_log10_cond=1.3)
# Families whose eigenvalues are bounded go to condition 1000; a power law of condition 20, and a
# tenth of the eigenvalues 12 times as large, are near the least effective rank of the domain.
WIDE_COVARIANCE = Covariances(
    families=(*FAMILIES, "near_singular", "spiked"),
    rotations=("none", "haar"),
    max_log10_cond=3.0,
    caps=(("power_law", 1.3), ("spiked", 1.08)),
)
ASPECT = Reals("aspect", 0.1, 2.0, log=True)
DAMPING = Reals("damping", 0.05, 10.0, log=True, easy="high")
LINK = Choice("link", LINKS)
NOISE_STD = Reals("noise_std", 0.1, 1.0, log=True)
AXES: tuple[Axis, ...] = (INPUT_DIM, COVARIANCE, ASPECT, LINK, NOISE_STD)
WIDE_AXES: tuple[Axis, ...] = (INPUT_DIM, WIDE_COVARIANCE, ASPECT, LINK, NOISE_STD)


def two_atom(dim: int, spread: float, rotation: str = "none") -> CovarianceSpec:
    """Return the covariance with half of its eigenvalues 1 - spread, half 1 + spread (even dim)."""
    log10_cond = float(f"{math.log10((1 + spread) / (1 - spread)):.12g}")
    return CovarianceSpec(dim, "two_level", log10_cond, rotation, 0)


def geometric(dim: int) -> CovarianceSpec:
    """Return a log-uniform spectrum of condition number 100."""
    return CovarianceSpec(dim, "geometric", 2.0, "haar", 0)


def scenario(dim: int, *, n: int, covariance: CovarianceSpec | None = None, **fields: Any) -> Any:
    """Return a scenario with n rows in dimension dim, link tanh and noise 0.3 unless given."""
    values: dict[str, Any] = {"input_dim": dim, "covariance": covariance or two_atom(dim, 0.5)}
    values |= {"aspect": dim / n, "link": "tanh", "noise_std": 0.3}
    return Scenario({**values, **fields})


def batch_size(scenario: Mapping[str, Any], field: str = "aspect") -> int:
    """Return the number of rows n that comes closest to the scenario's d/n."""
    return max(3, round(scenario["input_dim"] / scenario[field]))


def aspect(scenario: Mapping[str, Any], field: str = "aspect") -> float:
    """Return d/n after rounding n."""
    return float(scenario["input_dim"] / batch_size(scenario, field))


def spectrum(scenario: Mapping[str, Any]) -> Spectrum:
    """Return the spectrum of the scenario's covariance, all d eigenvalues."""
    return Spectrum(scenario["covariance"].spectrum())


def statistics(scenario: Mapping[str, Any]) -> LinkStatistics:
    """Return the Hermite statistics of the scenario's labels."""
    return link_statistics(scenario["link"], noise_std=scenario["noise_std"])


def limits(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every prediction needs: spectrum, aspect, c1 and residual_var."""
    link = statistics(scenario)
    return {
        "spectrum": spectrum(scenario),
        "aspect": aspect(scenario),
        "c1": link.c1,
        "residual_var": link.residual_var,
    }


def printed(trial: Trial, part: str, *measure: Any, **known: Any) -> Any:
    """Return the right side of the printed relation; what it does not need is left out.

    measure: the spectrum, and the teacher's energy per eigenspace, where it has means.
    """
    bound = trial.claim[part]
    return bound.number(*measure, **{name: known[name] for name in bound.needs()})


def printed_left(trial: Trial, part: str, *measure: Any, **known: Any) -> Any:
    """Return the left side of the printed relation, as ``printed`` returns the right one."""
    bound = trial.claim[part]
    return bound.left(*measure, **{name: known[name] for name in bound.needs("left")})


def predicted(trial: Trial, part: str, *, energy: Any = None, **values: Any) -> float:
    """Return the right side of ``part`` at the scenario's spectrum, labels and sizes.

    values: what differs from the scenario, by code name. Where the relation needs the fixed point
    v, it is the one at this aspect and damping.
    """
    names = trial.claim[part].needs()
    link = statistics(trial.scenario)
    known = {**default_facts(trial.scenario), "c0": link.c0, "c1": link.c1}
    known |= {"residual_var": link.residual_var, "aspect": aspect(trial.scenario), **values}
    s = known.pop("spectrum", None) or spectrum(trial.scenario)
    if "resolvent_v" in names and "resolvent_v" not in known:
        root = resolvent(s, aspect=known["aspect"], damping=known["damping"])
        known["resolvent_v"] = float(root.v)
    return float(printed(trial, part, s, energy, **known))


def effective_rank_share(eigenvalues: NDArray[np.float64]) -> float:
    """Return (tr Sigma)^2 / tr Sigma^2 over the dimension, at most 1 whatever the rounding."""
    return min(float(np.mean(eigenvalues) ** 2 / np.mean(eigenvalues**2)), 1.0)


def link_facts(link: LinkStatistics) -> dict[str, float]:
    """Return the statistics of the labels by code name; a mean within its radius of 0 is 0."""
    c0 = link.c0 if abs(link.c0) > link.radius else 0.0
    return {"c0": c0, "c1": link.c1, "residual_var": link.residual_var}


def activation_facts(act: ActivationStatistics) -> dict[str, float]:
    """Return the statistics of an activation by code name."""
    second = act.act_second if abs(act.act_second) > act.radius else 0.0
    return {"c_act": act.c_act, "act_prime_var": act.act_prime_var, "act_second": second}


def facts(scenario: Scenario) -> dict[str, Any]:
    """Return what is planned, for a test of the domain before anything is drawn."""
    planned = {
        "input_law": INPUT_LAW,
        "teacher_law": "isotropic",
        "network_scaling": "normalised",
        "whitening_batch": "same",
        **link_facts(statistics(scenario)),
        "effective_rank_share": effective_rank_share(scenario["covariance"].spectrum()),
    }
    return {**default_facts(scenario), **planned, "aspect": aspect(scenario)}


def admit(
    trial: Trial,
    problem: model.SingleIndexProblem,
    n: int,
    *,
    whitening: sampler.Moments | None = None,
    network: TwoLayerNetwork | None = None,
    **more: Any,
) -> None:
    """Test the domain on what was drawn: the problem, the rows, the network.

    whitening: the other batch, where the covariance is that of another one. Without a network the
    run is X'y/n, whitened or not: the direction of the network with the factor 1/sqrt(N).
    more: facts that only the run knows, by code name (its damping, its spike).
    """
    sigma = as_numpy(problem.covariance)
    eigenvalues = np.asarray(
        sigma if sigma.ndim == 1 else np.linalg.eigvalsh(sigma), dtype=np.float64
    )
    found: dict[str, Any] = {
        "input_dim": problem.dim,
        "batch_size": n,
        "aspect": problem.dim / n,
        "noise_std": problem.noise_std,
        "input_law": INPUT_LAW,
        "teacher_law": problem.teacher_law,
        "network_scaling": "normalised",
        "whitening_batch": "same" if whitening is None else "independent",
        "condition_number": max(float(eigenvalues.max() / eigenvalues.min()), 1.0),
        "effective_rank_share": effective_rank_share(eigenvalues),
        **link_facts(link_statistics(str(problem.link), noise_std=problem.noise_std)),
    }
    if whitening is not None:
        found["whitening_aspect"] = problem.dim / whitening.n
    if network is not None:
        found["network_scaling"] = "normalised" if network.normalised else "plain"
        found |= {"width": network.width, "width_ratio": network.width / problem.dim}
        found |= activation_facts(activation_statistics(str(network.activation)))
    trial.admit(**{**found, **more})


def covariance(trial: Trial) -> Tensor:
    """Return Sigma (d, d), or its diagonal (d,) if it has no rotation."""
    spec = trial.scenario.covariance
    if spec.rotation == "none" and spec.family != "ar1":
        return trial.tensor(spec.spectrum())
    return trial.tensor(spec.matrix())


def replicated(
    trial: Trial,
    replicates: int,
    measure: Callable[[model.SingleIndexProblem, int], Mapping[str, Tensor]],
    *,
    name: str = "teacher",
    entries: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return per name the numbers (R, ...) that ``measure(problem, block)`` gives, block by block.

    Every block has its own teachers and its own streams; a block fits the cache of a laptop, given
    the entries of the largest tensor of one replicate (default d^2).
    """
    matrix = covariance(trial)
    replicates = trial.replicates(replicates)
    most = max(8, BLOCK_NUMBERS // (entries or trial.scenario.input_dim**2))
    blocks = math.ceil(replicates / most)
    sizes = [len(part) for part in np.array_split(np.arange(replicates), blocks)]
    parts: list[Mapping[str, Tensor]] = []
    for block, size in enumerate(sizes):
        problem = draw_problem(trial, matrix, replicates=size, stream=trial.stream(name, block))
        parts.append(measure(problem, block))
    return {key: as_numpy(torch.cat([part[key] for part in parts])) for key in parts[0]}


def draw_problem(
    trial: Trial, matrix: Tensor, *, replicates: int, stream: torch.Generator
) -> model.SingleIndexProblem:
    """Draw isotropic teachers for this covariance, with the scenario's link and noise."""
    return model.draw_problem(
        matrix,
        replicates=replicates,
        generator=stream,
        link=trial.scenario.link,
        noise_std=trial.scenario.noise_std,
    )


def draw_moments(
    trial: Trial,
    problem: model.SingleIndexProblem,
    block: int,
    *,
    field: str = "aspect",
    name: str = "batch",
) -> sampler.Moments:
    """Draw X'X/n, X'y/n and the means of a batch from their exact joint law."""
    n = batch_size(trial.scenario, field)
    return sampler.sample_moments(problem, n, generator=trial.stream(name, block))
