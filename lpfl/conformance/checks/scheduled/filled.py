"""A rate in a tensor under a schedule of torch, which fills the tensor and does not replace it."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.lr-tensor"
SHAPES = ((6, 4), (5,))
AFTER, STEPS = 3, 7
ACTS = 1e-6


def filled(
    subject: Subject, rate: float, options: Mapping[str, Any], differs: Outcome
) -> CheckResult | None:
    """Return the finding that the rate halved in its tensor does not act as half the number does.

    None where the number, halved in mid-run, does nothing: another check says so.
    """

    def halve(session: Session, t: int) -> None:
        for group in session.optimizer.param_groups if t == AFTER else ():
            held = group["lr"]
            if isinstance(held, torch.Tensor):
                held.fill_(0.5 * rate)
            else:
                group["lr"] = 0.5 * rate

    def ran(lr: Any, start: Start, gradients: Gradients) -> Trajectory:
        return subject.run(start, gradients, options={**options, "lr": lr}, observe=halve)

    given = "".join(f", {k}={v!r}" for k, v in options.items())
    pair = Pair(
        check=ID,
        says=f"with lr in a tensor that is filled with half of it after {AFTER} steps"
        + given.replace(", ", " and "),
        plain=lambda start, gradients: ran(rate, start, gradients),
        other=lambda start, gradients: ran(_tensor(rate), start, gradients),
        body=f"""
def halved(rate):
    optimizer, params = begin(start, lr=rate{given})
    for t, g in enumerate(gradients):
        for group in optimizer.param_groups if t == {AFTER} else ():
            if torch.is_tensor(group['lr']):
                group['lr'].fill_(0.5 * {rate!r})
            else:
                group['lr'] = 0.5 * {rate!r}
        step(optimizer, params, g)
    return read(optimizer, params)


a, b = halved(torch.tensor({rate!r}, dtype=torch.float64)), halved({rate!r})
""",
        options={**options, "lr": rate},
        raises=Outcome.NOT_CLAIMED,
        differs=differs,
        scenario={"lr halved after": AFTER, "options": dict(options)},
    )
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID, "filled")
    usual = subject.run(start, gradients, options=pair.options)
    if gap(pair.plain(start, gradients), usual) <= ACTS:
        return None
    result = agree(subject, pair, subject.shapes(*SHAPES), STEPS)
    return result if result.outcome in (Outcome.LIMIT, Outcome.DEVIATES) else None


def _tensor(rate: float) -> torch.Tensor:
    return torch.tensor(rate, dtype=torch.float64)
