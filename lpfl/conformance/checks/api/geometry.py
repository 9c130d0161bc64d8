"""The same weights written otherwise: the transposed matrix, the kernel as a flat matrix."""

from collections.abc import Callable, Iterator

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.grid import said_for_linear_layers
from lpfl.conformance.oracles.methods import FLATTENS, TRANSPOSES
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject, Trajectory

STEPS = 4


def _last_moves(one: Trajectory, two: Trajectory) -> tuple[float, float]:
    """Return (distance in direction, ratio of lengths) of the largest difference over steps."""
    apart, ratio = 0.0, 1.0
    for a, b in zip(one.moves(), two.moves(), strict=True):
        length, other = float(a.norm()), float(b.norm())
        if min(length, other) == 0:
            continue
        away = float((a / length - b / other).norm())
        apart = max(apart, away)
        ratio = max(ratio, length / other, other / length)
    return apart, ratio


@check("api.transpose", tags=("api",), cost=0.2, needs=("params",))
def transpose(subject: Subject) -> CheckResult:
    """The step of a transposed matrix is the transposed step."""
    check_id = "api.transpose"
    bound = max(1e-6, tolerance(subject, check_id))
    runs = {shape: _turned(subject, shape) for shape in ((5, 5), (7, 4), (4, 7))}
    found = {shape: _last_moves(*pair) for shape, pair in runs.items()}
    square, tall = found[5, 5], max(found[7, 4], found[4, 7])
    message = (
        f"The distance in direction between the step of W' and the transposed step of W is "
        f"{square[0]:.2g} for 5 x 5 and {tall[0]:.2g} for 7 x 4."
    )
    claimed = bool(subject.spec.claims & TRANSPOSES)
    if max(square[0], tall[0]) <= bound:
        size = "" if tall[1] < 1 + bound else f" Its length changes by {tall[1]:.3g}."
        return CheckResult(
            check=check_id,
            outcome=Outcome.CONFORMS,
            message=message + size,
            measured=max(square[0], tall[0]),
            bound=bound,
        )
    part = max(_beside_weights(*pair) for pair in runs.values())
    if part <= bound:
        message += " Beside a pull along the weights it is the same but for its length."
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=part, bound=bound
        )
    one_branch = square[0] <= bound
    worst = (7, 4) if one_branch else (5, 5)
    start, gradients = subject.draw([worst], STEPS, check_id)
    if not attributable(subject, max(square[0], tall[0]), start, _uneven(gradients)):
        message += " Rounding or another seed does as much."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    if not claimed and not one_branch:
        message += " Its two sides are treated differently."
        return CheckResult(
            check=check_id, outcome=Outcome.NOT_CLAIMED, message=message, measured=square[0]
        )
    text, why = proven(subject, _transpose_text(subject, worst), found[worst][0])
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES if claimed else Outcome.LIMIT,
        message=message,
        measured=found[worst][0],
        bound=bound,
        scenario={"shape": worst, "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _uneven(gradients: Gradients) -> Gradients:
    """Return the gradients with rows of different sizes."""
    rows = len(gradients[0][0])
    weights = torch.linspace(0.2, 1.8, rows, dtype=torch.float64).reshape(-1, 1)
    return [[weights * g for g in step] for step in gradients]


def _beside_weights(one: Trajectory, two: Trajectory) -> float:
    """Return how far the transposed steps are from one multiple of the others and of the weights.

    A constrained step shrinks the weights at the rate, whatever their shape; the length of the
    step itself may follow the shape. The factors are the same in all steps.
    """
    if not (one.finite and two.finite and one.displacement() and two.displacement()):
        return float("inf")
    moves, others = (torch.stack(run.moves()).double().flatten() for run in (one, two))
    before = [torch.stack([v for (v,) in run.values[:-1]]).double().flatten() for run in (one, two)]
    known = torch.stack([others, *before], 1)
    basis, sizes, _ = torch.linalg.svd(known / known.norm(dim=0), full_matrices=False)
    basis = basis[:, sizes > 1e-9 * sizes[0]]
    return float((moves - basis @ (basis.mT @ moves)).norm() / moves.norm())


def _turned(subject: Subject, shape: tuple[int, int]) -> tuple[Trajectory, Trajectory]:
    """Return the run of the transposed weights, turned back, and the ordinary one."""
    start, gradients = subject.draw([shape], STEPS, "api.transpose")
    gradients = _uneven(gradients)
    flip = lambda v: v.T.contiguous()  # noqa: E731
    options = without_decay(subject)
    straight = subject.run(start, gradients, options=options)
    other = [[flip(g) for g in step] for step in gradients]
    turned = subject.run([flip(v) for v in start], other, options=options)
    back = Trajectory([[v.T for v in values] for values in turned.values])
    return back, straight


_DIRECTION = """
def direction(path):
    moves = [b - a for a, b in zip(path, path[1:])]
    return [m / m.norm() for m in moves if m.norm() > 0]


print('distance', max(float((x - y).norm()) for x, y in zip(direction(a), direction(b))))
"""


def _transpose_text(subject: Subject, shape: tuple[int, int]) -> str:
    body = """
weights = torch.linspace(0.2, 1.8, len(start[0]), dtype=torch.float64).reshape(-1, 1)
flip = lambda v: v.T.contiguous()
a, b = [flip(flip(start[0]))], [start[0]]
(one, p), (two, q) = begin([flip(v) for v in start], **{options}), begin(start, **{options})
for (g,) in gradients:
    step(one, p, [flip(weights * g)])
    step(two, q, [weights * g])
    a.append(p[0].detach().T.clone())
    b.append(q[0].detach().clone())
"""
    body = body.replace("{options}", repr(without_decay(subject))) + _DIRECTION
    return program(subject, body, shapes=[shape], steps=STEPS, stream=("api.transpose",))


@check("api.flatten", tags=("api",), cost=0.3)
def flatten(subject: Subject) -> Iterator[CheckResult]:
    """A kernel moves as its flat matrix, or as a tensor of its own; not half and half."""
    shapes = subject.shapes((8, 2, 3, 1), (8, 3, 2))
    if not shapes or not subject.handles((8, 6)):
        message = "Not applicable: it does not take both kernels and matrices."
        yield CheckResult(check="api.flatten", outcome=Outcome.UNDRIVABLE, message=message)
        return
    for shape in shapes:
        yield _flattened(subject, shape)


def _flattened(subject: Subject, shape: tuple[int, ...]) -> CheckResult:
    check_id = "api.flatten"
    start, gradients = subject.draw([shape], STEPS, check_id)
    flat_start, flat_gradients = _flat(start), [_flat(g) for g in gradients]
    options = without_decay(subject)
    kernel = subject.run(start, gradients, options=options)
    flat = subject.run(flat_start, flat_gradients, options=options)
    back = Trajectory([[v.reshape(shape) for v in values] for values in flat.values])
    apart, ratio = _last_moves(kernel, back)
    bound = max(1e-6, tolerance(subject, check_id))
    message = (
        f"The step of an {shape} kernel and of its flat matrix are {apart:.2g} apart in direction, "
        f"by a factor {ratio:.4g} in length."
    )
    if apart <= bound and ratio - 1 <= bound:
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=ratio, bound=1.0
        )
    same_way = apart <= bound
    if not same_way and not subject.spec.claims & FLATTENS:
        message += " A kernel is a tensor of its own here."
        return CheckResult(check=check_id, outcome=Outcome.NOT_CLAIMED, message=message)
    if not attributable(subject, max(apart, ratio - 1), flat_start, flat_gradients):
        message += " Rounding or another seed does as much."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    if said_for_linear_layers(subject):
        message += " It says that it is for linear layers alone."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    if _as_vector(subject, start, gradients, kernel, bound):
        message += " A kernel takes the step of a vector here, as a rule for matrices alone has it."
        return CheckResult(check=check_id, outcome=Outcome.CONVENTION, message=message)
    if _as_batch(subject, start, gradients, kernel, bound):
        message += " A kernel is a batch of matrices here, one for each place of its first axes."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    measured = ratio if same_way else apart
    text, why = proven(subject, _flatten_text(subject, shape, same_way), measured)
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=measured,
        bound=1.0 if same_way else bound,
        scenario={"shape": shape, "flat": (8, 6), "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _as_vector(
    subject: Subject, start: Start, gradients: Gradients, kernel: Trajectory, bound: float
) -> bool:
    """Return whether the kernel's step is that of the vector of its entries."""
    shape = start[0].shape
    long = [[x.flatten() for x in row] for row in (start, *gradients)]
    return _moves_as(subject, long, lambda row: row[0].reshape(shape), kernel, bound)


def _as_batch(
    subject: Subject, start: Start, gradients: Gradients, kernel: Trajectory, bound: float
) -> bool:
    """Return whether the kernel's step is that of its matrices, each a parameter of its own."""
    shape = start[0].shape
    parts = [[*x.flatten(0, -3)] for row in (start, *gradients) for x in row]
    return _moves_as(subject, parts, lambda row: torch.stack(row).reshape(shape), kernel, bound)


def _moves_as(
    subject: Subject,
    rows: Gradients,
    back: Callable[[Start], torch.Tensor],
    kernel: Trajectory,
    bound: float,
) -> bool:
    """Return whether other weights (start and gradients), put back, move as the kernel does."""
    try:
        other = subject.run(rows[0], rows[1:], options=without_decay(subject))
    except Exception:  # it takes no such weights, so a kernel is not stepped as they are
        return False
    apart, ratio = _last_moves(kernel, Trajectory([[back(row)] for row in other.values]))
    return apart <= bound and ratio - 1 <= bound


def _flat(values: Start) -> Start:
    return [v.flatten(1) for v in values]


def _flatten_text(subject: Subject, shape: tuple[int, ...], same_way: bool) -> str:
    options = repr(without_decay(subject))
    body = f"""
a, b = [start[0].flatten(1)], [start[0].flatten(1)]
one, p = begin(start, **{options})
for g in gradients:
    step(one, p, g)
    a.append(p[0].detach().flatten(1).clone())
two, q = begin([v.flatten(1) for v in start], **{options})
for g in gradients:
    step(two, q, [x.flatten(1) for x in g])
    b.append(q[0].detach().clone())
"""
    length = """
lengths = [float((x - u).norm() / (y - v).norm()) for x, u, y, v in zip(a[1:], a, b[1:], b)]
print('ratio of lengths', max(max(r, 1 / r) for r in lengths))
"""
    body += length if same_way else _DIRECTION
    return program(subject, body, shapes=[shape], steps=STEPS, stream=("api.flatten",))
