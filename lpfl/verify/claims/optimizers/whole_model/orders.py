"""OP-12: joint, sequential and paper KFAC beside the printed steps."""

from collections.abc import Iterator
from typing import Any

from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.oracles import matrixwise, model
from lpfl.verify.setups.optimizers import factored, moments
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.trial import Trial

AXES = (
    Reals("step_size", 0.05, 0.5),
    Reals("head_step_size", 0.1, 1.0),
    Reals("averaging", 0.1, 0.95),
    Reals("damping", 0.05, 2.0, log=True),
    Reals("output_damping", 0.05, 2.0, log=True),
    Reals("momentum", 0.1, 0.95),
)
METHODS = {
    "kfac_joint": ("joint", "representation"),
    "kfac_sequential": ("head_first", "sequential"),
    "kfac_paper": ("representation_first", "paper"),
}


@check("OP-12", (setup.STEPS, *setup.MODEL, *AXES))
def orders(trial: Trial) -> Iterator[Comparison]:
    """One step beside the printed relations, several with every option beside the oracle."""
    trial.admit()
    names = ("step_size", "averaging", "damping", "output_damping", "momentum")
    options = {**factored.PLAIN, **{name: getattr(trial, name) for name in names}}
    run = setup.draw_run(trial)
    for name, (order, part) in METHODS.items():
        yield from first_step(trial, name, run)
        for label, head_step in (("", trial.head_step_size), ("the step size of its own", None)):
            chosen = {**options, "head_step_size": head_step}
            if head_step is None:
                del chosen["head_step_size"]
            yield path(trial, name, part, order, chosen, run, label)


def path(
    trial: Trial, name: str, part: str, order: str, chosen: dict[str, Any], run: Any, label: str
) -> Comparison:
    """Compare several steps with averages and momentum."""
    default = 1.0 if name == "kfac_paper" else chosen["step_size"]
    on_head = {**chosen, "step_size": chosen.get("head_step_size", default)}
    if name == "kfac_paper":
        on_head |= {"damping": 0.0, "output_damping": 0.0}
    step = model.layerwise(matrixwise.kfac, chosen, order, on_head)
    said = "step size of the head by default" if label else "every option"
    method = OPTIMIZERS[name](**chosen)
    return setup.model_agreement(trial, part, method, step, run, label=f"{name}, {said}")


def first_step(trial: Trial, name: str, run: setup.Run) -> Iterator[Comparison]:
    """Compare one damped step with the printed relations, in the moments of the batch."""
    options = {
        "step_size": trial.step_size,
        "head_step_size": trial.head_step_size,
        "damping": trial.damping,
        "output_damping": trial.output_damping,
    }
    shown = moments.first_step(trial, OPTIMIZERS[name](**options), run)
    letters = {
        "eta": trial.step_size,
        "eta_F": trial.head_step_size,
        "lambda": trial.damping,
        "lambda_P": trial.output_damping,
    }
    if name == "kfac_joint":
        yield shown.compare("representation", shown.after.representation, letters)
        yield shown.compare("head", shown.after.head, letters)
    elif name == "kfac_sequential":
        yield shown.compare("head", shown.after.head, letters, label=name)
        letters["F_+"] = setup.as_numpy(shown.after.head)
        yield shown.compare("sequential", shown.after.representation, letters)
    else:
        yield shown.compare("representation", shown.after.representation, letters, label=name)
        letters["G_+"] = setup.as_numpy(shown.after.representation)
        yield shown.compare("paper", shown.after.head, letters)
