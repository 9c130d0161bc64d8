"""Reference optimizers, one method per file. OPTIMIZERS: name -> factory of a Method.

Modules are imported whole: a factory that shared its module's name here would hide the module.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lpfl.optim import (
    adam,
    adamw,
    amgd,
    batch_norm,
    dfw,
    foof,
    kfac,
    kfac_joint,
    kfac_sequential,
    muon,
    ngd,
    ngd_empirical,
    polyak,
    scion,
    sgd,
    sgd_momentum,
    shampoo,
    sign_sgd,
    soap,
)
from lpfl.optim.method import Method

OPTIMIZERS: Mapping[str, Callable[..., Method]] = MappingProxyType(
    {
        "sgd": sgd.sgd,
        "sgd_momentum": sgd_momentum.sgd_momentum,
        "amgd": amgd.amgd,
        "adam": adam.adam,
        "adamw": adamw.adamw,
        "kfac": kfac.kfac,
        "kfac_joint": kfac_joint.kfac_joint,
        "kfac_sequential": kfac_sequential.kfac_sequential,
        "foof": foof.foof,
        "ngd": ngd.ngd,
        "ngd_empirical": ngd_empirical.ngd_empirical,
        "shampoo": shampoo.shampoo,
        "soap": soap.soap,
        "muon": muon.muon,
        "sign_sgd": sign_sgd.sign_sgd,
        "batch_norm": batch_norm.batch_norm,
        "dfw": dfw.dfw,
        "scion": scion.scion,
        "polyak": polyak.polyak,
    }
)

__all__ = ["OPTIMIZERS", "Method"]
