"""OP-22: what the options are that are left out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.notation import asked, found

_FACTORS: dict[str, Any] = {
    "damping": 0.0,
    "output_damping": 0.0,
    "damping_kind": "factor",
    "samples_per_row": 1,
    "sample_seed": 0,
    "averaging": 0.0,
    "includes_current": True,
    "factor_every": 1,
    "momentum": 0.0,
    "momentum_kind": "heavy_ball",
    "weight_decay": 0.0,
    "decay_kind": "decoupled",
    "kl_clip": None,
    "graft": "none",
}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

RULES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "sgd": {"step_size": 0.01, "weight_decay": 0.0},
        "sgd_momentum": {
            "step_size": 0.01, "momentum": 0.9, "nesterov": False, "averaged": False
        },
        "adam": {"step_size": 0.01, **_ADAM},
        "adamw": {"step_size": 0.01, **_ADAM, "weight_decay": 0.01},
        "sign_sgd": {"step_size": 0.001, "momentum": 0.0},
        "muon": {
            "step_size": 0.001, "momentum": 0.95, "nesterov": True, "weight_decay": 0.0,
            "newton_schulz_steps": 0, "scale": "none",
        },
        "scion": {
            "step_size": 0.001, "radius": 10.0, "momentum": 0.9, "constrained": True,
            "newton_schulz_steps": 0,
        },
        "shampoo": {
            "step_size": 0.01, "exponent": 0.25, "statistics": "sum", "averaging": 0.99,
            "epsilon": 0.0,
        },
        "soap": {
            "step_size": 0.01, "beta1": 0.95, "beta2": 0.95, "averaging": 0.95, "epsilon": 1e-8,
            "frequency": 1, "warmup": 1, "bases": "iterated",
        },
        "kfac": {"step_size": 0.01, **_FACTORS, "output_factor": "gauss_newton"},
        "foof": {"step_size": 0.01, **_FACTORS, "output_factor": "identity"},
    }
)  # fmt: skip
"""Options of the rules for one matrix, by name of the optimizer."""

METHODS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "kfac_joint": {**RULES["kfac"], "head_step_size": 0.01},
        "kfac_sequential": {**RULES["kfac"], "head_step_size": 0.01},
        "kfac_paper": {**RULES["kfac"], "head_step_size": 1.0},
        "amgd": {"step_size": 0.01},
        "dfw": {"step_size": 0.01, "damping": 0.0},
        "ngd": {"step_size": 0.01, "damping": 0.0, "gauge": "minimum_norm"},
        "ngd_empirical": {"step_size": 0.0001, "damping": 0.0},
        "polyak": {
            "step_size": 1.0, "loss_star": 0.0, "preconditioner": "none", "damping": 0.0,
            "max_step_size": None,
        },
        "batch_norm": {"step_size": 0.01, "head": "least_squares", "centre": True},
    }
)  # fmt: skip
"""Options of the methods that move the whole model."""

HEADS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(RULES, "joint") | {"kfac": "least_squares", "foof": "least_squares"}
)
"""What a method makes of the head if it is not told."""

OP_22 = Claim(
    id="OP-22",
    title="Options that are left out take the published values",
    says=(
        "Adam averages with 0.9 and 0.999 and adds 1e-8; AdamW decays by 0.01. Momentum is 0.9 for "
        "gradient descent and Scion, 0.95 for Muon, which looks ahead, and none for signSGD. "
        "Shampoo adds squares up and takes the power 1/4. SOAP averages everything with 0.95 and "
        "renews its bases by one iteration in every step. KFAC and the natural gradients run "
        "undamped, without averages and without momentum. Polyak's factor is 1. Steps of one "
        "matrix, rules and methods take the same values; a method moves both layers at once, but "
        "KFAC, FOOF and batch norm refit the head."
    ),
    source=Source.other_work("the values of each optimizer's own source"),
    parts={
        "rule": Part(
            Kind.IDENTITY, sp.Eq(found, asked, evaluate=False), "path of a rule without options"
        ),
        "step": Part(
            Kind.IDENTITY, sp.Eq(found, asked, evaluate=False), "path of a step without options"
        ),
        "method": Part(
            Kind.IDENTITY, sp.Eq(found, asked, evaluate=False), "path of a method without options"
        ),
        "one_option": Part(
            Kind.IDENTITY, sp.Eq(found, asked, evaluate=False), "path with one option switched on"
        ),
    },
    example={"weight_rows": 3, "steps": 5},
)
