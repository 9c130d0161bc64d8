"""The first run on a size that this process has not used, against the same run again."""

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.determinism"
STEPS = 6
SAME = 1e-12
NOTICED = 1e-6
UNUSED = (((6, 4), (23, 9), (29, 11)), ((5,), (13,), (17,)))
"""Shapes of every day, and shapes of which no other check has the number of entries: the second
is for this process, the third for the program that shows it."""


def first_of_its_size(subject: Subject) -> CheckResult | None:
    """Return the finding that a size is treated otherwise when it is met first, if so.

    Kernels that are tuned on live weights and caches that are filled by stepping do that. Two
    later runs must agree, or chance may have a part.
    """
    known = [entry for entry in UNUSED if subject.handles(entry[0])]
    shapes, program = [here for _, here, _ in known], [there for *_, there in known]
    if not shapes or "model" in subject.needs or subject.memory.get("sizes used"):
        return None
    subject.memory["sizes used"] = True
    start, gradients = subject.draw(shapes, STEPS, ID, "first use")
    runs: list[Trajectory] = []
    try:
        for _ in range(3):
            runs.append(subject.run(start, gradients))
    except Exception:  # these sizes are refused; api.shapes looks at that
        return None
    apart = gap(runs[0], runs[1])
    if apart <= NOTICED or gap(runs[1], runs[2]) > SAME:
        return None
    body = f"""
first, second, third = (run(start, gradients) for _ in range(3))
odd = gap(first, second, start) > {NOTICED} and gap(second, third, start) <= {SAME}
print('the first run is another:', odd)
"""
    shown = evidence(
        subject, body, "another: True", shapes=program, steps=STEPS, stream=(ID, "first use")
    )
    if not shown["snippet"]:
        return None
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The first run on a size that the process has not met is {apart:.2g} from the "
        "same run again: a state outside of the optimizer has a part.",
        measured=apart,
        bound=NOTICED,
        scenario={"shapes": shapes, "steps": STEPS},
        **shown,
    )
