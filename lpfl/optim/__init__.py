"""Reference optimizers, one method per file. OPTIMIZERS: name -> factory of a Method."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lpfl.optim.adam import adam
from lpfl.optim.adamw import adamw
from lpfl.optim.amgd import amgd
from lpfl.optim.batch_norm import batch_norm
from lpfl.optim.dfw import dfw
from lpfl.optim.foof import foof
from lpfl.optim.kfac import kfac
from lpfl.optim.kfac_joint import kfac_joint
from lpfl.optim.kfac_sequential import kfac_sequential
from lpfl.optim.method import Method
from lpfl.optim.muon import muon
from lpfl.optim.ngd import ngd
from lpfl.optim.ngd_empirical import ngd_empirical
from lpfl.optim.polyak import polyak
from lpfl.optim.scion import scion
from lpfl.optim.sgd import sgd
from lpfl.optim.sgd_momentum import sgd_momentum
from lpfl.optim.shampoo import shampoo
from lpfl.optim.sign_sgd import sign_sgd
from lpfl.optim.soap import soap

OPTIMIZERS: Mapping[str, Callable[..., Method]] = MappingProxyType(
    {
        "sgd": sgd,
        "sgd_momentum": sgd_momentum,
        "amgd": amgd,
        "adam": adam,
        "adamw": adamw,
        "kfac": kfac,
        "kfac_joint": kfac_joint,
        "kfac_sequential": kfac_sequential,
        "foof": foof,
        "ngd": ngd,
        "ngd_empirical": ngd_empirical,
        "shampoo": shampoo,
        "soap": soap,
        "muon": muon,
        "sign_sgd": sign_sgd,
        "batch_norm": batch_norm,
        "dfw": dfw,
        "scion": scion,
        "polyak": polyak,
    }
)

__all__ = ["OPTIMIZERS", "Method"]
