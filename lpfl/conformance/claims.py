"""What a claim promises: words for properties, and what the name of a method implies.

A promise about coordinates is a pair (side, transform) of ``transforms.py``: training must be
unchanged by it. The side "loss" stands for a loss multiplied by a number. Definitions of methods
are promises of their own, in ``oracles``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lpfl.conformance.learning.transforms import SIDES, TRANSFORMS

Pair = tuple[str, str]
LOSS: Pair = ("loss", "scale")


@dataclass(frozen=True)
class Promise:
    """What a claim says of changes of coordinates.

    says: in words. keeps: changes that training must not feel. breaks: changes that training must
    feel, since the method is tied to its coordinates. transpose: a transposed weight with
    transposed gradients trains to the transposed result. flattened: a convolution as large as its
    image trains like the linear layer that it is. theory: name of the method in the theory.
    """

    says: str
    keeps: frozenset[Pair] = field(default_factory=frozenset)
    breaks: frozenset[Pair] = field(default_factory=frozenset)
    transpose: bool = False
    flattened: bool = False
    theory: str = ""


def pairs(sides: Iterable[str], transforms: Iterable[str]) -> frozenset[Pair]:
    """Return every side with every transform."""
    kinds = tuple(transforms)
    return frozenset((side, kind) for side in sides for kind in kinds)


ROTATION = pairs(SIDES, ("rotation", "permutation"))
PERMUTATION = pairs(SIDES, ("permutation",))
AFFINE = pairs(("inputs",), TRANSFORMS)
GAUGE = pairs(("hidden",), TRANSFORMS)
BASIS = frozenset({("inputs", "rotation")})

_rotation = Promise("a rotation of inputs, outputs or hidden units changes nothing", ROTATION)
_affine = Promise(
    "an invertible linear change of the inputs changes nothing, damping aside", AFFINE
)
_loss = Promise("a loss multiplied by a number changes nothing, eps aside", frozenset({LOSS}))
_free = Promise(
    "the local rate does not depend on the condition numbers of inputs and head, damping aside",
    AFFINE,
    theory="kfac",
)

PROPERTIES: Mapping[str, Promise] = {
    "affine-equivariant": _affine,
    "affine-invariant": _affine,
    "condition-number-free": _free,
    "gauge-invariant": Promise("a linear change of the hidden units changes nothing", GAUGE),
    "input-whitening": _affine,
    "layer-wise": Promise("each layer trains as it would alone"),
    "loss-scale-invariant": _loss,
    "permutation-equivariant": Promise("the order of units does not matter", PERMUTATION),
    "right-whitened": _affine,
    "right-whitening": _affine,
    "rotation-equivariant": _rotation,
    "rotation-invariant": _rotation,
    "scale-invariant": _loss,
    "transpose-equivariant": Promise(
        "a transposed weight trains to the transposed result", transpose=True
    ),
}


def _linear(theory: str = "sgd") -> Promise:
    return Promise(
        "the step is linear in the gradients", ROTATION, transpose=True, flattened=True,
        theory=theory,
    )  # fmt: skip


def _entrywise(*, loss: bool, theory: str = "") -> Promise:
    keeps = PERMUTATION | ({LOSS} if loss else frozenset())
    return Promise(
        "each entry has its own rate: permutations change nothing, rotations do", keeps, BASIS,
        transpose=True, flattened=True, theory=theory,
    )  # fmt: skip


def _kronecker(*, hidden: bool, theory: str) -> Promise:
    keeps = AFFINE | pairs(("outputs",), ("rotation", "permutation"))
    keeps |= GAUGE if hidden else pairs(("hidden",), ("rotation", "permutation"))
    return Promise(
        "the second moments of a layer's inputs are divided out, damping aside", keeps,
        flattened=True, theory=theory,
    )  # fmt: skip


METHODS: Mapping[str, Promise] = {
    "adadelta": _entrywise(loss=False),
    "adagrad": _entrywise(loss=True),
    "adam": _entrywise(loss=True, theory="adam"),
    "adamax": _entrywise(loss=True),
    "adamw": _entrywise(loss=True, theory="adam"),
    "amsgrad": _entrywise(loss=True),
    "foof": _kronecker(hidden=False, theory="foof"),
    "kfac": _kronecker(hidden=True, theory="kfac"),
    "kfac-empirical": _kronecker(hidden=True, theory="kfac-empirical"),
    "kfac-sampled": _kronecker(hidden=True, theory="kfac"),
    "kfac-type2": _kronecker(hidden=True, theory="kfac"),
    "lion": _entrywise(loss=True),
    "momentum": _linear(),
    "muon": Promise(
        "the momentum's polar factor: rotations and the size of the loss change nothing",
        ROTATION | {LOSS},
        theory="muon",
    ),
    "nadam": _entrywise(loss=True),
    "nesterov": _linear(),
    "rmsprop": _entrywise(loss=True),
    "rprop": _entrywise(loss=True),
    "sam": Promise("a step takes the gradient at the point that lies rho up along the gradient"),
    "sgd": _linear(),
    "shampoo": Promise(
        "roots of the second moments of rows and columns: rotations change nothing", ROTATION
    ),
    "signsgd": _entrywise(loss=True),
}


def normal(claim: str) -> str:
    """Return a claim as it is looked up: lower case, words joined by hyphens."""
    return claim.strip().lower().replace("_", "-").replace(" ", "-")


def promise_of(claim: str) -> Promise | None:
    """Return what a claim promises about coordinates; None if nothing is known here."""
    word = normal(claim)
    return PROPERTIES.get(word) or METHODS.get(word)


def promises(claims: Iterable[str]) -> dict[str, Promise]:
    """Return claim -> promise for the claims known here, in alphabetical order."""
    found = {claim: promise_of(claim) for claim in sorted(claims)}
    return {claim: promise for claim, promise in found.items() if promise is not None}


def known_words() -> frozenset[str]:
    """Return every claim known here."""
    return frozenset(PROPERTIES) | frozenset(METHODS)


def theory_methods(claims: Iterable[str]) -> dict[str, str]:
    """Return claim -> name of its method in the theory, for the claims that have one."""
    return {claim: p.theory for claim, p in promises(claims).items() if p.theory}
