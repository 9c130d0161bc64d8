"""What the name of an optimizer claims: the method it is called after."""

from types import MappingProxyType

CLAIMED = MappingProxyType(
    {
        "adabelief": "adabelief",
        "adabound": "adabound",
        "adadelta": "adadelta",
        "adafactor": "adafactor",
        "adagrad": "adagrad",
        "adahessian": "adahessian",
        "adam": "adam",
        "adamax": "adamax",
        "adamw": "adamw",
        "adan": "adan",
        "ademamix": "ademamix",
        "adopt": "adopt",
        "amsbound": "amsbound",
        "amsgrad": "amsgrad",
        "diffgrad": "diffgrad",
        "kron": "psgd-kron",
        "lamb": "lamb",
        "lars": "lars",
        "lbfgs": "lbfgs",
        "lion": "lion",
        "mars": "mars",
        "muon": "muon",
        "nadam": "nadam",
        "normuon": "normuon",
        "prodigy": "prodigy",
        "psgdkron": "psgd-kron",
        "radam": "radam",
        "rmsprop": "rmsprop",
        "rprop": "rprop",
        "scion": "scion",
        "shampoo": "shampoo",
        "signsgd": "signsgd",
        "sm3": "sm3",
        "soap": "soap",
        "yogi": "yogi",
    }
)
"""Name of a class in lower case, without joints -> claim.

An optimizer named after a narrow state (8bit, 4bit, fp8) claims no exact method.
"""

_SUFFIXES = ("legacy", "32bit")
_PREFIXES = ("paged",)


def claims_of(name: str) -> frozenset[str]:
    """Return the claims that a class name makes; empty where it names no method known here."""
    bare = name.lower().replace("_", "")
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    for width in _SUFFIXES:
        bare = bare.removesuffix(width)
    return frozenset({CLAIMED[bare]}) if bare in CLAIMED else frozenset()
