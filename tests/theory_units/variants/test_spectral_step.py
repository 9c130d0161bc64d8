"""SI-31: the stable rank of a batch, the bound on the nuclear rank, and the criterion."""

import numpy as np
import pytest

from theory import Spectrum
from theory.single_index.variants.spectral_step import (
    SI_31,
    nuclear_rank_bound,
    stable_rank_share,
)


@pytest.mark.parametrize("aspect", [0.1, 1.0, 4.0])
def test_isotropic_inputs(aspect: float) -> None:
    """The edge of Marchenko and Pastur: d / (1 + sqrt(d/n))^2."""
    found = stable_rank_share(Spectrum.isotropic(), aspect=aspect)
    assert found == pytest.approx(1 / (1 + aspect**0.5) ** 2, rel=1e-7)


def test_endless_data() -> None:
    found = stable_rank_share(Spectrum.two_atom(0.5), aspect=1e-10)
    assert found == pytest.approx(1 / 1.5, rel=1e-4)


def test_a_pure_spike_has_nuclear_rank_one() -> None:
    assert nuclear_rank_bound(0.0, 50) == 1.0
    assert nuclear_rank_bound(1e9, 50) == pytest.approx(50, rel=1e-3)


def test_the_criterion_compares_guarantees() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        X, g = rng.normal(size=(9, 6)), rng.normal(size=(4, 6)) * rng.uniform(0.1, 3, size=6)
        values = {
            "gradient_nuclear": np.linalg.norm(g, "nuc"),
            "gradient_frobenius": np.linalg.norm(g),
            "inputs_frobenius": np.linalg.norm(X),
            "inputs_operator": np.linalg.norm(X, 2),
        }
        spectral = SI_31["spectral"].number(
            batch_size=9, **{k: values[k] for k in ("gradient_nuclear", "inputs_frobenius")}
        )
        gradient = SI_31["gradient"].number(
            batch_size=9, **{k: values[k] for k in ("gradient_frobenius", "inputs_operator")}
        )
        assert SI_31["winner"].number(**values) == np.sign(spectral - gradient)


def test_refusals_name_the_value() -> None:
    with pytest.raises(ValueError, match="aspect=-1"):
        stable_rank_share(Spectrum.isotropic(), aspect=-1.0)
