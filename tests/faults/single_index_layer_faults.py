"""Faults planted in what the statements about a whole first layer rest on."""

from tests.faults.planted import Fault

NETWORK = "lpfl.problems.single_index.network"
DIRECTIONS = "lpfl.problems.single_index.directions"
PRECONDITION = "lpfl.precondition"
STEP = "lpfl.one_step"
RIDGE = "lpfl.measure.ridge"
THEORY = "theory.single_index."

FAULTS = (
    Fault(
        "SI-01", NETWORK, "act.slope(H) * ((outputs - targets) / targets.shape[-1])[:, :, None]",
        "act.value(H) * ((outputs - targets) / targets.shape[-1])[:, :, None]",
        "activation in place of its slope",
    ),
    Fault(
        "SI-01", PRECONDITION, "return damped_solve(X.mT @ X / n, gradient.mT, damping=damping).mT",
        "return damped_solve(X.mT @ X, gradient.mT, damping=damping).mT",
        "1/n lost in the whitening of the gradient",
    ),
    Fault(
        "SI-01", THEORY + "gradient", "v_act + b1**2 * c0**2 * E(s**2))",
        "v_act - b1**2 * c0**2 * E(s**2))",
        "sign of the mean curvature's term",
    ),
    Fault(
        "SI-09", THEORY + "outliers", "(theta**2 * (theta**2 + psi))",
        "(theta**2 * (theta**2 + 1))",
        "overlap of the other side",
    ),
    Fault(
        "SI-09", STEP, "G = network.first_layer - step_size * precondition(gradient, inputs)",
        "G = network.first_layer - 0.5 * step_size * precondition(gradient, inputs)",
        "half a step",
    ),
    Fault(
        "SI-09", NETWORK, "TwoLayerNetwork(G / sqrt(dim), f / sqrt(width)",
        "TwoLayerNetwork(G / sqrt(width), f / sqrt(width)",
        "first layer scaled by the width",
    ),
    Fault(
        "SI-10", THEORY + "feature_spikes", "np.asarray(width * 2 * (sh.T * weights)",
        "np.asarray(width * (sh.T * weights)",
        "half of the neurons",
    ),
    Fault(
        "SI-10", THEORY + "feature_spikes", "* (a / sp.sqrt(1 + a**2)) ** k", "* a**k",
        "spike coordinate not normalised",
    ),
    Fault(
        "SI-10", STEP, "G = network.first_layer - step_size * precondition(gradient, inputs)",
        "G = network.first_layer - 0.5 * step_size * precondition(gradient, inputs)",
        "half a step",
    ),
    Fault(
        "SI-11", DIRECTIONS, "return torch.sign(batch.cross_moment)", "return batch.cross_moment",
        "beta in place of its sign",
    ),
    Fault(
        "SI-11", THEORY + "alignment", "return SIGN[rotated](", "return SIGN[True](",
        "a diagonal covariance taken for a rotated one",
    ),
    Fault(
        "SI-11", PRECONDITION, "return torch.sign(gradient)", "return gradient",
        "no sign taken",
    ),
    Fault(
        "SI-12", THEORY + "polar", "(psi - 1) / (1 + m_edge)", "psi / (1 + m_edge)",
        "one dimension too many in the edge",
    ),
    Fault(
        "SI-12", PRECONDITION, "return polar_factor(gradient)",
        "return gradient / torch.linalg.matrix_norm(gradient, ord=2)[..., None, None]",
        "normalised instead of orthogonalised",
    ),
    Fault(
        "SI-14", RIDGE, "damped_solve(Fc.mT @ Fc / n, moment, damping=penalty)",
        "damped_solve(Fc.mT @ Fc / n, moment, damping=penalty / n)",
        "penalty divided by n",
    ),
    Fault(
        "SI-14", THEORY + "ridge_risk",
        "TRAIN = Formula(TEST.expression * (ridge / kappa_eff) ** 2)",
        "TRAIN = Formula(TEST.expression * (ridge / kappa_eff) ** 4)",
        "squared twice",
    ),
    Fault(
        "SI-14", THEORY + "ridge_risk", "unexplained += c1**2 * self.spectrum.expect(s * K)",
        "unexplained += self.spectrum.expect(s * K)",
        "slope of the link lost",
    ),
)  # fmt: skip
