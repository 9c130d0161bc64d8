"""Faults that the checks of OP-19 to OP-21 must refute."""

from lpfl.verify.planting import Fault

STEP = "lpfl.optim.drive:on_linear_representation.step"

FAULTS = (
    Fault("OP-19", "lpfl.optim.sgd_momentum:SgdMomentum.invariances", "ROTATIONS", "('rotation',)",
          "momentum states less than it keeps"),
    Fault("OP-19", "lpfl.optim.shampoo:shampoo_direction",
          "psd_power(R, -exponent, epsilon=epsilon)",
          "psd_power(R, -exponent, epsilon=epsilon + R[..., :1, :1].mean().item())",
          "epsilon scaled by one entry"),
    Fault("OP-19", "lpfl.optim.adam:adam_direction", "second / (1.0 - beta2**age)",
          "second.mean(-1, keepdim=True) / (1.0 - beta2**age)", "one scale for each row"),
    Fault("OP-19", "lpfl.optim.kfac:Kfac.invariances",
          "undamped and self.metric_free", "self.metric_free", "damping forgotten"),
    Fault("OP-19", "lpfl.optim.polyak:polyak_step_size", "(grad * move).sum((-2, -1))",
          "(grad.abs() * move.abs()).sum((-2, -1))", "sum of absolute values"),
    Fault("OP-19", "lpfl.optim.core.average:include", "decay * average.total",
          "decay * average.total.abs()", "averages lose their signs"),
    Fault("OP-20", "lpfl.optim.soap:soap_step", "-step_size", "step_size", "SOAP ascends"),
    Fault("OP-20", "lpfl.optim.core.whitening:foof_step",
               "right_solve(grad, damped(cov_in, damping))",
               "-right_solve(grad, damped(cov_in, damping))", "FOOF and joint heads ascend"),
    Fault("OP-20", "lpfl.optim.scion:spectral_lmo", "-radius", "radius", "Scion ascends"),
    Fault("OP-20", "lpfl.optim.sign_sgd:sign_sgd_step", "average.sign()", "-average.sign()",
          "signSGD ascends"),
    Fault("OP-20", "lpfl.problems.linear_representation.model:gradients", "residual @ G.mT",
          "-residual @ G.mT", "gradient of the head with the wrong sign"),
    Fault("OP-21", STEP, "weights._replace(head=least_squares_head(weights.representation, batch))",
          "weights", "the old head handed back"),
    Fault("OP-21", "lpfl.optim.amgd:amgd_step", "Weights(F, orthonormal_rows("
          "sgd_step(G, grad_G, step_size=step_size)))",
          "Weights(0 * F, orthonormal_rows(sgd_step(G, grad_G, step_size=step_size)))",
          "AMGD hands back no head"),
    Fault("OP-21", "lpfl.optim.dfw:dfw_step", "least_squares_head(G, head_batch)",
          "least_squares_head(G, batch)", "head from the wrong batch"),
    Fault("OP-21", "lpfl.problems.linear_representation.model:least_squares_head",
          "G @ batch.cov_x @ G.mT", "G @ G.mT", "hidden units taken as white"),
    Fault("OP-21", "lpfl.optim.batch_norm:BatchNorm.step", "F / scale.unsqueeze(-2)",
          "F", "the head is not folded"),
)  # fmt: skip
