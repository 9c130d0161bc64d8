"""Covariances: what the spec says is what the matrix is."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lpfl.linalg import require_positive_definite
from lpfl.linalg.covariance import FAMILIES, ROTATIONS, CovarianceSpec, covariance_from_json
from lpfl.verify.space import Covariances

SPECS = st.integers(1, 12).flatmap(
    lambda dim: Covariances(max_log10_cond=6.0).strategy({"input_dim": dim})
)


@given(SPECS)
def test_matrix_root_and_spectrum_agree(spec):
    sigma, root = spec.matrix(), spec.root()
    eps = np.finfo(np.float64).eps
    assert torch.allclose(root @ root, sigma, rtol=0, atol=16 * spec.dim * eps * spec.dim)
    eigenvalues = torch.linalg.eigvalsh(sigma).numpy()[::-1]
    tolerance = 16 * spec.dim * eps * spec.spectrum()[0]
    assert np.abs(eigenvalues - spec.spectrum()).max() <= tolerance
    assert np.isclose(spec.spectrum().mean(), 1.0)
    require_positive_definite("matrix", sigma)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("identity", "ar1")])
@pytest.mark.parametrize("log10_cond", [0.0, 2.0, 6.0])
def test_condition_number_is_the_one_asked_for(family, log10_cond):
    spec = CovarianceSpec(10, family, log10_cond)
    assert np.isclose(np.log10(spec.condition_number()), log10_cond)


def test_ar1_reaches_its_condition_number_as_dim_grows():
    near = [CovarianceSpec(dim, "ar1", 2.0).condition_number() for dim in (10, 100, 400)]
    assert near[0] < near[1] < near[2] < 100.0
    assert near[2] > 98.0


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_rotation_keeps_the_spectrum(rotation):
    spec = CovarianceSpec(8, "geometric", 2.0, rotation, seed=4)
    turned = torch.linalg.eigvalsh(spec.matrix())
    assert np.allclose(turned.numpy()[::-1], spec.spectrum())
    diagonal = bool((spec.matrix() == torch.diag(torch.diagonal(spec.matrix()))).all())
    assert diagonal == (rotation != "haar")


def test_float32_is_the_rounded_matrix():
    spec = CovarianceSpec(6, "geometric", 2.0, "haar", seed=1)
    assert torch.equal(spec.matrix(dtype=torch.float32), spec.matrix().to(torch.float32))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dim": 0}, "dim=0"),
        ({"dim": 3, "family": "cauchy"}, "family='cauchy'"),
        ({"dim": 3, "rotation": "left"}, "rotation='left'"),
        ({"dim": 3, "log10_cond": 7.0}, "log10_cond=7.0, needs finite and >= 0 and <= 6"),
        ({"dim": 3, "log10_cond": float("nan")}, "log10_cond=nan"),
        ({"dim": 3, "log10_cond": "2"}, "log10_cond='2', needs a number"),
        ({"dim": 3, "seed": -1}, "seed=-1"),
    ],
)
def test_bad_fields_are_named(fields, words):
    with pytest.raises(ValueError, match=words):
        covariance_from_json(fields)
