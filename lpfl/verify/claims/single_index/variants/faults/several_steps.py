"""Faults that the check of SI-27 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:_frozen_sgd",
        old="phi / steps",
        new="phi / steps ** 2",
        why="noise averaged as if it were one vector",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:_moving",
        old="(1 - eta * multiplier) ** steps",
        new="(1 - eta * multiplier)",
        why="signal of one step only",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:Path.step",
        old="known['c1'] ** 2 * self.left ** 2 + self.noise",
        new="known['c1'] ** 2 + self.noise",
        why="residual frozen in the noise",
    ),
    Fault(
        "SI-27",
        "lpfl.optim.sgd:sgd_step",
        old="step_size * grad",
        new="2.0 * step_size * grad",
        why="twice the step",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:SI_27",
        old="(1 - eta * P) ** 2 * V_noise",
        new="(1 - eta * P) * V_noise",
        why="noise damped like an amplitude",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:steps_alignment",
        old="range(int(steps))",
        new="range(int(steps) - 1)",
        why="noise of the last step left out",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:steps_alignment",
        old="values['fresh_steps'] = steps",
        new="values['fresh_steps'] = 1",
        why="one step whatever their number",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:_formulas",
        old="build(s)",
        new="build(ge.ONE)",
        why="the cosine in place of the correlation",
    ),
    Fault(
        "SI-27",
        "theory.single_index.variants.several_steps:steps_alignment",
        old="spectrum.expect(T * path.noise)",
        new="spectrum.expect(path.noise)",
        why="noise of the weights without the weight of the correlation",
    ),
)
