"""Local spectra as a claim states them: one part for a multiplier, one for how often it occurs."""

import numpy as np

from theory.core.claim import Claim
from theory.core.guards import Array, count

GAUGE = "gauge"


def sizes_of(rank: int, input_dim: int, output_dim: int) -> dict[str, int]:
    """Return the sizes by code name. Raises ValueError unless rank <= the other two."""
    k = count("rank", rank)
    return {
        "rank": k,
        "input_dim": count("input_dim", input_dim, low=k),
        "output_dim": count("output_dim", output_dim, low=k),
    }


def modes(
    claim: Claim,
    spectrum: str,
    sizes: dict[str, int],
    *,
    head_eigenvalues: Array | None = None,
    **steps: float,
) -> dict[str, tuple[Array, int]]:
    """Return per mode its multipliers, flat, and how often each of them occurs.

    A mode of ``spectrum`` is a part ``<spectrum>_<mode>`` with a part ``<spectrum>_<mode>_count``.
    Parts with an eigenvalue of F*'F* hold for each one, parts with two for each ordered pair.
    """
    found = {}
    for part in claim.parts:
        if not part.startswith(f"{spectrum}_") or f"{part}_count" not in claim.parts:
            continue
        value, many = claim[part].formula, claim[f"{part}_count"].formula
        known: dict[str, Array | float] = {
            name: step for name, step in steps.items() if name in value.code_names
        }
        if "head_eigenvalue_2" in value.code_names:
            assert head_eigenvalues is not None
            known["head_eigenvalue_2"] = head_eigenvalues
            known["head_eigenvalue"] = head_eigenvalues[:, None]
        elif "head_eigenvalue" in value.code_names:
            assert head_eigenvalues is not None
            known["head_eigenvalue"] = head_eigenvalues
        multiplicity = {name: sizes[name] for name in many.code_names}
        repeats = round(claim[f"{part}_count"].number(**multiplicity))
        multipliers = np.ravel(np.asarray(claim[part].number(**known), dtype=np.float64))
        found[part.removeprefix(f"{spectrum}_")] = (multipliers, repeats)
    return found


def multiset(found: dict[str, tuple[Array, int]]) -> Array:
    """Return all multipliers, each as often as it occurs, ascending."""
    return np.sort(np.concatenate([np.repeat(*mode) for mode in found.values()]))


def moving(found: dict[str, tuple[Array, int]]) -> Array:
    """Return the multipliers of every mode but the gauge, each as often as it occurs."""
    return multiset({name: mode for name, mode in found.items() if name != GAUGE})
