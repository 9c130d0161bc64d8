"""Our own reference optimizers as subjects: every rule of ``lpfl.optim`` in its torch form."""

from collections.abc import Mapping

from lpfl.conformance.spec import OptimizerSpec
from lpfl.optim import OPTIMIZERS
from lpfl.optim.rule import MatrixRule
from lpfl.optim.torch_form import torch_optimizer

CLAIMS = {"sgd_momentum": "momentum", "sign_sgd": "signsgd"}
"""What a rule claims where its own name is not the word for it."""

OPTIONS = {"kfac": {"damping": 1e-2, "output_damping": 1e-2}, "foof": {"damping": 1e-2}}
"""Options without which a rule cannot run on every module: factors of few rows are singular."""


def own_specs() -> Mapping[str, OptimizerSpec]:
    """Return a spec per rule, by name: it claims to be what its name says.

    Rules that read what a layer saw take the model. KFAC's joint, sequential and paper's orders
    differ on a two-layer linear model only, and are one rule on a module.
    """
    specs = {}
    for name, factory in OPTIMIZERS.items():
        rule = factory.optimizer  # type: ignore[attr-defined]
        if not issubclass(rule, MatrixRule) or name.startswith("kfac_"):
            continue
        specs[name] = OptimizerSpec(
            f"lpfl {name}",
            torch_optimizer(rule),
            claims=frozenset({CLAIMS.get(name, name)}),
            needs=frozenset({"model"} if rule.needs_layer else ()),
            options=OPTIONS.get(name, {}),
        )
    return specs
