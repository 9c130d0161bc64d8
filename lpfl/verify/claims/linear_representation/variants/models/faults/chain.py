"""Faults that the check of LR-43 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-43",
        "lpfl.optim.core.chain:chain_layer",
        old="over.mT @ over",
        new="layers[index + 1].mT @ layers[index + 1]",
        why="only the next layer in the output factor",
    ),
    Fault(
        "LR-43",
        "lpfl.optim.core.chain:chain_step",
        old="chain_gradients(seen, batch)",
        new="chain_gradients(layers, batch)",
        why="old gradients for layers moved in turn",
    ),
    Fault(
        "LR-43",
        "lpfl.problems.linear_representation.chain:chain_gradients",
        old="grad if under is None else grad @ under.mT",
        new="grad if under is None else grad @ layers[index - 1].mT"
        " if index < 2 else 0.999 * grad @ under.mT",
        why="a gradient of a deep layer one part in a thousand too small",
    ),
    Fault(
        "LR-43",
        "theory.linear_representation.variants.models.chain:TOGETHER",
        old="L_chain - 2",
        new="L_chain - 1",
        why="one middle layer too many",
    ),
    Fault(
        "LR-43",
        "theory.linear_representation.variants.models.chain:WIDE",
        old="1 - eta_M - eta_F",
        new="1 - eta_F",
        why="the wider layer cannot express what only the head can",
    ),
    Fault(
        "LR-43",
        "theory.linear_representation.variants.models.chain:LR_43",
        old="KroneckerProduct(X * G.T, F)",
        new="KroneckerProduct(X * G.T, F * C_mid)",
        why="the middle layer itself counted among those above it",
    ),
    Fault(
        "LR-43",
        "theory.linear_representation.variants.models.chain:chain_spectrum",
        old="'in_turn' if truth('in_turn', in_turn) else 'together'",
        new="'together'",
        why="order of the layers ignored by the function",
    ),
)
