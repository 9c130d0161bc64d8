"""Faults that the check of SI-19 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-19",
        "theory.single_index.variants.average:_PAIR_NOISE",
        old="g_pair * mean_sP2 - (u_ahead + u_behind) * mean_sP",
        new="same_step * (g_pair * mean_sP2 - (u_ahead + u_behind) * mean_sP)",
        why="steps taken to be independent of each other",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:_PAIR_NOISE",
        old="u_ahead + u_behind",
        new="(u_ahead + u_behind) / 2",
        why="half of the correlation of labels and factors",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:SI_19",
        old="2 * b_avg ** 2 * (1 - b_avg ** T_steps)",
        new="b_avg ** 2 * (1 - b_avg ** T_steps)",
        why="half of the loss",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:SI_19",
        old="1 - phi * u_own * E(ge.P)",
        new="1 + phi * u_own * E(ge.P)",
        why="the own batch said to lengthen the step",
    ),
    Fault(
        "SI-19",
        "lpfl.optim.core.average:include",
        old="decay * average.total + (1.0 - decay) * value",
        new="(1.0 - decay) * average.total + decay * value",
        why="weights of past and present exchanged",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:ages",
        old="(1.0 - decay) * decay ** np.arange(last + 1.0)",
        new="decay ** np.arange(last + 1.0)",
        why="weights of an average that do not sum to 1",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:Movement._total",
        old="2.0 * ahead + same",
        new="2.0 * ahead + 2.0 * same",
        why="the noise of a block counted twice",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.schedule:newest_batches",
        "inverse_every * (np.arange(steps) // inverse_every)",
        "np.arange(steps)",
        "an inverse renewed in every step",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.schedule:newest_batches",
        "renewed if includes_current else renewed - 1",
        "renewed",
        "a factor from before the step that holds its batch",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.schedule:newest_batches",
        "(renewed if includes_current else renewed - 1) // factor_every",
        "renewed if includes_current else renewed - 1",
        "a factor that takes every batch in",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.schedule:overlaps",
        "np.abs(spectrum) ** 2",
        "np.abs(spectrum)",
        "amplitudes in place of products of shares",
    ),
    Fault(
        "SI-19",
        "theory.single_index.variants.average:average_alignment",
        old="math.lcm(inverse_every, factor_every)",
        new="max(inverse_every, factor_every)",
        why="a schedule that repeats after its longer interval",
    ),
)
