"""Public functions refuse what does not fit: ValueError, naming the argument; no other exception.

Each function comes with one good call. Every argument in turn is replaced by wrong ones of the
kinds that its good value suggests.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from lpfl import decide, linalg, precondition
from lpfl.explain import forecast, named_inputs
from lpfl.linalg.damped import damped_solve
from lpfl.linalg.spectral import newton_schulz, psd_power
from lpfl.measure import alignment as measured
from lpfl.measure.ridge import fit_ridge
from lpfl.optim.kfac import kfac_step
from lpfl.problems import linear_representation as lr
from lpfl.problems import single_index as si
from theory import Spectrum
from theory import linear_representation as lr_theory
from theory import single_index as si_theory

Call = tuple[Callable[..., Any], dict[str, Any]]

ROWS = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
G = torch.eye(2, 3, dtype=torch.float64)
COV = torch.diag(torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))
SAMPLES = np.linspace(0.1, 0.3, 40)
INDEX: dict[str, Any] = {
    "spectrum": Spectrum([0.5, 1.0, 2.0]),
    "aspect": 0.5,
    "c1": 0.8,
    "residual_var": 0.4,
}
DAMPED = {**INDEX, "damping": 0.3}

CALLS: list[Call] = [
    (si_theory.alignment, {"method": "kfac", **DAMPED, "weight": "identity"}),
    (si_theory.average_alignment, {**DAMPED, "decay": 0.8, "steps": 2, "includes_current": True}),
    (si_theory.exponent_alignment, {**DAMPED, "exponent": 0.5, "factor": "same_batch"}),
    (
        si_theory.unnormalised_alignment,
        {"method": "kfac", **DAMPED, "c_act": 0.5, "c_perp2": 0.3, "act_mean": 0.1},
    ),
    (si_theory.critical_step_size, {"c_act": 0.5, "direction_norm": 1.0, "width_ratio": 0.5}),
    (
        si_theory.spike_matrix,
        {"activation": "relu", "spike_strength": 1.0, "spike_variance": 1.0, "width": 30},
    ),
    (lr_theory.kfac_spectrum, {"step_size": 0.1, "head_step_size": 0.2, "rank": 2,
                               "input_dim": 5, "output_dim": 3, "in_turn": True}),
    (lr_theory.local_rate, {"method": "kfac", "step_size": 0.1, "in_turn": False, "exponent": 0.3}),
    (lr_theory.local_rate, {"method": "kfac", "step_size": 0.1, "rank": 2, "input_dim": 5, "n": 20,
                            "factor": "average", "decay": 0.9, "includes_current": True}),
    (lr_theory.local_rate, {"method": "kfac", "step_size": 0.1, "momentum": 0.5,
                            "momentum_kind": "nesterov", "damping": 0.1, "rank": 2,
                            "cov_x": COV.numpy()}),
    (lr_theory.tangent_floor, {"method": "kfac", "step_size": 0.1, "noise_std": 0.1, "n": 20,
                               "head_eigenvalues": [1.0], "schur_eigenvalues": [1.0, 2.0],
                               "output_factor": "sampled", "samples_per_row": 1}),
    (lr_theory.damped_eigenvalues, {"cov_x": COV.numpy(), "rank": 2, "damping": 0.1}),
    (lr_theory.damped_eigenvalues, {"cov_x": COV.numpy(), "rank": 2, "damping": 0.1, "kind": "pi",
                                    "head_eigenvalues": [1.0, 2.0]}),
    (lr_theory.momentum_spectrum, {"kind": "nesterov", "step_size": 0.1, "momentum": 0.5}),
    (lr_theory.noise_pivot_degrees, {"rank": 2, "input_dim": 5}),
    (decide.identity, {"error": SAMPLES * 1e-13, "tolerance": 1e-12}),
    (decide.exact_identity, {"holds": True, "false_pass_bound": 1e-9, "degree": 3}),
    (decide.bound, {"values": SAMPLES, "limits": SAMPLES + 1.0, "rounding": 1e-9}),
    (decide.bound_whp, {"violations": 1, "trials": 90, "delta": 0.1, "alpha": 1e-3}),
    (decide.chi_square, {"total": 10.0, "dof": 12, "alpha": 1e-3, "matters": 1.25}),
    (decide.uniform_law, {"values": SAMPLES, "alpha": 1e-3, "matters": 0.5}),
    (decide.equivalence, {"samples": SAMPLES, "predicted": 0.2, "tolerance": 0.1, "alpha": 1e-3}),
    (decide.ordering, {"differences": SAMPLES, "slack": 0.1, "alpha": 1e-3}),
    (decide.interval_outcome, {"gap": 0.1, "half_width": 0.05, "tolerance": 0.2}),
    (linalg.kron, {"A": G, "B": G}),
    (linalg.right_solve, {"A": G, "S": COV}),
    (linalg.subspace_distance, {"G": G, "G_star": G}),
    (linalg.principal_tangents, {"G": G, "G_star": G}),
    (damped_solve, {"Q": COV, "right": COV, "damping": 0.1}),
    (psd_power, {"matrix": COV, "exponent": -0.5, "epsilon": 0.1}),
    (newton_schulz, {"matrix": G, "steps": 5}),
    (precondition.kfac, {"gradient": ROWS, "inputs": ROWS, "damping": 0.1, "exponent": 0.5}),
    (precondition.kfac_population, {"gradient": ROWS, "covariance": COV}),
    (measured.alignment, {"direction": ROWS[0], "teacher": ROWS[0]}),
    (measured.top_singular, {"matrix": ROWS, "count": 2}),
    (measured.orthogonal_powers, {"index": ROWS[..., 0], "degree": 3}),
    (fit_ridge, {"F": ROWS, "y": ROWS[..., 0], "penalty": 0.1}),
    (kfac_step, {"G": G, "F": G[:, :2], "grad_G": G, "cov_x": COV}),
    (lr.tilt, {"representation_star": G[None], "tan_angle": 0.1, "gauge": True}),
    (lr.draw_head, {"replicates": 2, "eigenvalues": COV.diagonal(), "output_dim": 4}),
    (si.draw_problem, {"covariance": COV, "replicates": 2, "noise_std": 0.1}),
    (forecast, {"inputs": named_inputs("geometric", 20, 5.0), "samples": 50, "damping": 0.1,
                "exponent": 0.5, "decay": 0.9, "target": 0.5, "rank": 1, "step_size": 0.1}),
]  # fmt: skip
UNNAMED: dict[str, dict[str, Any]] = {
    "kfac_population": {"inputs": ROWS},
    "kfac_step": {"step_size": 0.1},
}
DRAWN = ("tilt", "draw_head", "draw_problem")
EMPTY_FITS = {("kron", "A"), ("kron", "B"), ("right_solve", "A")}  # with an empty result
STRANGE: tuple[Any, ...] = ("0.1", b"x", 0.5 + 1j, object(), {}, [1, [2]], lambda x: x)
TENSORS = (
    torch.empty(0, 3, dtype=torch.float64),
    torch.tensor(0.3, dtype=torch.float64),
    COV.to(torch.int64),
    COV.to(torch.complex128),
    COV > 0,
)


def wrong_for(good: Any) -> list[Any]:
    """Return values that cannot stand where ``good`` stands."""
    if isinstance(good, bool):
        return [*STRANGE, None, 1, 0.0, np.array([1.0, 2.0])]
    if isinstance(good, str):
        return ["no such word", None, 3, np.array([1.0, 2.0]), *STRANGE[1:]]
    if isinstance(good, int | float):
        arrays = [np.array([]), np.array([1.0, 2.0]), np.eye(2) * 1j, np.array(["a"])]
        numbers = [float("nan"), float("inf"), -float("inf"), True, 10**400]
        fractions = [2.5, -1] if isinstance(good, int) else []
        return [*STRANGE, None, *numbers, *fractions, *arrays]
    if isinstance(good, torch.Tensor):
        return [*STRANGE, None, True, 0.5, *TENSORS]
    if isinstance(good, np.ndarray):
        return [*STRANGE, np.array([]), np.array([np.nan]), np.array(["a"]), good * 1j, None]
    return [*STRANGE, None, True, 0.5, np.eye(2)]


@pytest.mark.parametrize(("function", "good"), CALLS, ids=[call[0].__name__ for call in CALLS])
def test_wrong_arguments_are_named(function: Callable[..., Any], good: Mapping[str, Any]) -> None:
    fixed = dict(UNNAMED.get(function.__name__, {}))
    if function.__name__ in DRAWN:
        fixed["generator"] = torch.Generator().manual_seed(1)
    function(**good, **fixed)
    for name, value in good.items():
        for wrong in wrong_for(value):
            if wrong is TENSORS[0] and (function.__name__, name) in EMPTY_FITS:
                assert function(**{**good, name: wrong}).numel() == 0
                continue
            try:
                function(**{**good, name: wrong}, **fixed)
            except ValueError as error:
                said = str(error)
            else:
                raise AssertionError(f"{name}={wrong!r} is accepted")
            assert name in said or "needs" in said, f"{name}={wrong!r}: {said}"
