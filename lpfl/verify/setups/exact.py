"""Identities of a claim read exactly, over GF(2^61 - 1)."""

from collections.abc import Collection, Iterator, Mapping

from lpfl import decide
from lpfl.verify.expect import Decided
from lpfl.verify.trial import Trial
from theory.core.exact import check_identity


def exact_parts(trial: Trial, *, only: Collection[str] = ()) -> Iterator[Decided]:
    """Decide every identity in matrices or traces among the parts of the claim.

    only: these parts, where the claim has other statements in matrices as well. A batch of more
    than 2 d rows is read with 2 d: the degree of the identity, and so its bound, stay the same.
    """
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    sizes["n"] = min(trial.scenario.get("batch_size", 2 * sizes["d"]), 2 * sizes["d"])
    for name in only or trial.claim.parts:
        if not trial.claim[name].is_matrix:
            continue
        yield exact_matrix(trial, name, sizes)


def exact_matrix(trial: Trial, name: str, sizes: Mapping[str, int]) -> Decided:
    """Decide one identity in matrices of the given sizes, by letter."""
    result = trial.claim[name].exact(sizes, seed=trial.integer_seed("exact", name))
    verdict = decide.exact_identity(
        result.holds, false_pass_bound=float(result.false_pass_bound), degree=result.degree
    )
    return Decided(part=name, verdict=verdict, label="exact")


def exact_scalar(trial: Trial, name: str, *, draws: int = 2) -> Decided:
    """Decide an identity of scalars among the parts of the claim, read at random points."""
    part = trial.claim[name]
    result = check_identity(
        part.relation,
        {},
        definitions=part.definitions,
        seed=trial.integer_seed("exact", name),
        draws=draws,
    )
    verdict = decide.exact_identity(
        result.holds, false_pass_bound=float(result.false_pass_bound), degree=result.degree
    )
    return Decided(part=name, verdict=verdict, label="exact")
