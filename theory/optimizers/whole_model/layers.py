"""OP-23: chains of layers, biases, and the same rules as torch optimizers."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.optimizers.notation import asked, found

PATH = sp.Eq(found, asked, evaluate=False)

OP_23 = Claim(
    id="OP-23",
    title="Chains, biases and torch modules are moved by the same rules",
    says=(
        "Every layer of a chain has its own rule, state and factors: the second moment of its "
        "inputs, and the Gram matrix of the layers above it. Joint steps take all gradients and "
        "factors at the old layers; steps in turn take those of a layer after the layers below "
        "have moved. A bias is one more column, with the constant as an input, or a layer of its "
        "own. The torch form of a rule walks the same path on the parameters of a module, with "
        "each kind of output factor, a clip over all layers, inputs of another batch, and a "
        "learning rate of zero that keeps weights but not state. On the first layer of a network "
        "the first direction of a rule is what a step of size 1 subtracts, whatever its step size."
    ),
    source=Source.derived("the layer-wise definitions of OP-01 to OP-11"),
    parts={
        "joint": Part(Kind.IDENTITY, PATH, "path of a chain moved jointly"),
        "in_turn": Part(Kind.IDENTITY, PATH, "path of a chain moved in turn"),
        "shared": Part(Kind.IDENTITY, PATH, "biases as one more column"),
        "own": Part(Kind.IDENTITY, PATH, "biases as layers of their own"),
        "first": Part(Kind.IDENTITY, PATH, "first direction on the first layer of a network"),
        "torch": Part(Kind.IDENTITY, PATH, "path of a torch module"),
    },
    example={"steps": 5, "input_dim": 5},
)
