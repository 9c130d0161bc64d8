"""Faults that the checks of SI-13, SI-16 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-13",
        "lpfl.problems.single_index.directions:centred_direction",
        old="batch.input_mean",
        new="0.1 * batch.input_mean",
        why="most of the mean left in the labels",
    ),
    Fault(
        "SI-13",
        "lpfl.problems.single_index.network:batch_norm_first_layer_gradient",
        old=("back = back - back.mean(1, keepdim=True) - H * (back * H).mean(1, keepdim=True)"),
        new="",
        why="no gradient through the batch statistics",
    ),
    Fault(
        "SI-13",
        "theory.single_index.networks:_CENTRED",
        old="s2_link - c0_link ** 2",
        new="s2_link - c0_link ** 2 / 2",
        why="half the mean of the labels counted as noise",
    ),
    Fault(
        "SI-16",
        "theory.single_index.networks:_OUTPUT",
        old="c_act ** 2",
        new="c_act ** 2 / 100",
        why="initial network not counted as signal energy",
    ),
    Fault(
        "SI-16",
        "lpfl.problems.single_index.network:TwoLayerNetwork.output_scale",
        old="1 / sqrt(self.width) if self.normalised else 1.0",
        new="1 / sqrt(self.width)",
        why="factor 1/sqrt(N) where there should be none",
    ),
    Fault(
        "SI-16",
        "lpfl.problems.single_index.network:first_layer_gradient",
        old="outputs - targets",
        new="targets - outputs",
        why="a direction of ascent",
    ),
    Fault(
        "SI-13",
        "theory.single_index.networks:_CENTRED_CORRELATION",
        old="ge.sgd_alignment(s, residual=_CENTRED)",
        new="ge.sgd_alignment(ge.ONE, residual=_CENTRED)",
        why="the squared cosine in place of the correlation",
    ),
    Fault(
        "SI-13",
        "theory.single_index.networks:SI_13",
        old="E(s) ** 2 / E(s ** 2)",
        new="1 / E(s ** 2)",
        why="mean eigenvalue forgotten in the cap of batch-norm",
    ),
    Fault(
        "SI-16",
        "theory.single_index.networks:unnormalised_alignment",
        old="SI_16['ridgeless']",
        new="SI_16['sgd']",
        why="SGD's number given for KFAC without damping",
    ),
    Fault(
        "SI-16",
        "theory.single_index.networks:SI_16",
        "sp.Le(rho2, rho2_scaled)",
        "sp.Ge(rho2, rho2_scaled)",
        "the printed order of the two networks turned round",
    ),
    Fault(
        "SI-13",
        "theory.single_index.networks:SI_13",
        "sp.Le(rho2, E(s) ** 2 / E(s ** 2))",
        "sp.Ge(rho2, E(s) ** 2 / E(s ** 2))",
        "the printed cap behind a batch normalisation from below",
    ),
)
