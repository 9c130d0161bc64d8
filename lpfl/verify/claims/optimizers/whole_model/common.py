"""OP-19 to OP-21: invariances at every option, descent, and the head of every optimizer."""

from collections.abc import Iterator
from dataclasses import replace

from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Greater, Same
from lpfl.verify.setups.optimizers import every as optimizers
from lpfl.verify.setups.optimizers import moments
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.setups.optimizers.invariance import cells
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

INVARIANCE = (
    Integers("input_dim", 4, 6),
    Integers("rank", 2, 2),
    Integers("output_dim", 2, 4),
    Integers("batch_size", 60, 80),
    Reals("step_size", 0.01, 0.05),
    Reals("noise_std", 0.3, 0.6),
)


@check("OP-19", INVARIANCE)
def invariances(trial: Trial) -> Iterator[Comparison]:
    """Run every optimizer with its options off their defaults in two coordinate systems."""
    trial.admit()
    for entrant in optimizers.with_options(trial):
        for cell in cells(trial, entrant).values():
            if cell.comparison is not None:
                yield cell.comparison


@check("OP-20", (*setup.MODEL, Reals("step_size", 1e-4, 1e-3, log=True)))
def descent(trial: Trial) -> Iterator[Comparison]:
    """Take a few small steps on one batch, with every optimizer and head."""
    trial.admit()
    for name, label, method, warmup in optimizers.small_steps(trial):
        run = setup.draw_run(trial, steps=1)
        if method.orthonormal:
            run = replace(run, start=optimizers.orthonormal(run.start))
        refit = optimizers.refits(name, method)
        before, after = optimizers.losses(method, run, steps=warmup + 3, refit=refit)
        fall = as_numpy(before - after)
        condition = condition_of(run.batches[0].cov_x)
        yield Greater(
            part="descends",
            measured=before,
            limit=after,
            gap=float(abs(fall).min()),
            tolerance=rounding(trial.dtype, dim=trial.batch_size, condition=condition).times(
                float(before.max()), "the loss"
            ),
            label=label,
        )
    yield stated_order(
        trial, "descends", loss_before_steps=float(before[0]), loss_after_steps=float(after[0])
    )


@check("OP-21", (setup.STEPS, *setup.MODEL, Reals("step_size", 0.01, 0.1)))
def heads(trial: Trial) -> Iterator[Comparison]:
    """Compare the head after one step with least squares, or with the one before."""
    trial.admit()
    for name, label, method in optimizers.head_forms(trial.step_size):
        run = setup.draw_run(trial)
        if method.orthonormal:
            run = replace(run, start=optimizers.orthonormal(run.start))
        shown = moments.first_step(trial, method, run)
        if name == "dfw":  # the head belongs to the first batch of the pair
            shown = replace(shown, batches=shown.batches[:1])
        if label.endswith("frozen"):
            yield Same(
                part="frozen",
                measured=shown.after.head,
                predicted=trial.claim["frozen"].matrix(shown.letters(), sizes=shown.sizes()),
                tolerance=rounding(trial.dtype, dim=1),
                axes=2,
                label=label,
            )
        else:
            yield shown.compare("refitted", shown.after.head, {}, label=label)
