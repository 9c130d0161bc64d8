"""Faults that the check of OP-22 must refute."""

from lpfl.verify.planting import Fault

OPTIM = "lpfl.optim"

FAULTS = (
    Fault("OP-22", f"{OPTIM}.adam:Adam.beta2", "0.999", "0.99", "another second decay"),
    Fault("OP-22", f"{OPTIM}.adam:adam_step", "0.999", "0.99", "another second decay of a step"),
    Fault("OP-22", f"{OPTIM}.adam:Adam.epsilon", "1e-8", "1e-4", "epsilon of 1e-4"),
    Fault("OP-22", f"{OPTIM}.adamw:AdamW.weight_decay", "1e-2", "0.1", "ten times the decay"),
    Fault("OP-22", f"{OPTIM}.muon:Muon.nesterov", "True", "False", "Muon does not look ahead"),
    Fault("OP-22", f"{OPTIM}.muon:Muon.momentum", "0.95", "0.9", "less momentum for Muon"),
    Fault("OP-22", f"{OPTIM}.scion:Scion.radius", "10.0", "1.0", "a ball of radius one"),
    Fault("OP-22", f"{OPTIM}.scion:Scion.constrained", "True", "False", "Scion unconstrained"),
    Fault("OP-22", f"{OPTIM}.shampoo:Shampoo.exponent", "0.25", "0.5", "Shampoo to one half"),
    Fault("OP-22", f"{OPTIM}.shampoo:Shampoo.averaging", "0.99", "0.9", "a shorter average"),
    Fault("OP-22", f"{OPTIM}.soap:Soap.averaging", "0.95", "0.9", "a shorter average of SOAP"),
    Fault("OP-22", f"{OPTIM}.sgd_momentum:SgdMomentum.momentum", "0.9", "0.95",
          "more momentum"),
    Fault("OP-22", f"{OPTIM}.sign_sgd:SignSgd.momentum", "0.0", "0.9", "signSGD is Signum"),
    Fault("OP-22", f"{OPTIM}.kfac.rule:Kfac.samples_per_row",
          "count(1, 'draws per row for the output factor \"sampled\"', least=1)",
          "count(2, 'draws per row for the output factor \"sampled\"', least=1)",
          "two draws a row"),
    Fault("OP-22", f"{OPTIM}.foof:Foof.head", '"least_squares"', '"joint"', "FOOF moves the head"),
    Fault("OP-22", f"{OPTIM}.ngd:Ngd.gauge", '"minimum_norm"', '"equivariant"',
          "another generalised inverse"),
    Fault("OP-22", f"{OPTIM}.polyak:Polyak.loss_star", "0.0", "0.1", "a loss that is not zero"),
    Fault("OP-22", f"{OPTIM}.rule:MatrixRule.step_size", "1e-2", "1e-1", "ten times the step"),
    Fault("OP-22", "theory.optimizers.defaults:_ADAM",
          "0.999", "0.99",
          "the printed second decay of Adam"),
    Fault("OP-22", "lpfl.optim.rule:MatrixRule",
          "positive(1e-2, 'step size')", "positive(1e-1, 'step size')",
          "a default step ten times too large"),
)  # fmt: skip
