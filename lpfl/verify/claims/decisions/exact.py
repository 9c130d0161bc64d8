"""DR-09: true and false identities, their degrees, and the values of expressions in float64."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.kronecker import KroneckerProduct

from lpfl.linalg.algebra import standard_normal
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.space import Integers
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial
from theory.core.exact import PRIME, check_identity, check_identity_rational, evaluate_float
from theory.linear_representation.notation import B, F, G, G_star, Sigma, d, eta, k

EYE = sp.Identity(d)
LIFTED = sp.Inverse(Sigma + EYE)
TRUE = (
    sp.Eq(LIFTED * Sigma, EYE - LIFTED, evaluate=False),
    sp.Eq((Sigma + 2 * EYE) * (Sigma - 2 * EYE), Sigma * Sigma - 4 * EYE, evaluate=False),
    sp.Eq((G * Sigma).T, Sigma * G.T, evaluate=False),
    sp.Eq(G_star * B.T, sp.ZeroMatrix(k, d - k), evaluate=False),
    sp.Eq(G_star.T * G_star + B.T * B, EYE, evaluate=False),
    sp.Eq(sp.Trace(G_star.T * G_star), k, evaluate=False),
    sp.Eq(sp.Trace(F.T * F * G * G.T), sp.Trace(F * G * G.T * F.T), evaluate=False),
    sp.Eq((G - eta * F.T * F * G) * Sigma, G * Sigma - eta * F.T * F * G * Sigma, evaluate=False),
)
FALSE = (
    sp.Eq(LIFTED * Sigma, EYE + LIFTED, evaluate=False),
    sp.Eq((Sigma + 2 * EYE) * (Sigma - 2 * EYE), Sigma * Sigma + 4 * EYE, evaluate=False),
    sp.Eq(G * Sigma, G, evaluate=False),
    sp.Eq(G_star * G_star.T, 2 * sp.Identity(k), evaluate=False),
    sp.Eq(G_star.T * G_star, EYE, evaluate=False),
    sp.Eq(sp.Trace(G_star.T * G_star), d, evaluate=False),
    sp.Eq(sp.Trace(F.T * F * G * G.T), sp.Trace(F.T * F) * sp.Trace(G * G.T), evaluate=False),
)


@check("DR-09", (Integers("input_dim", 4, 6), Integers("rank", 2, 3)))
def exact_identities(trial: Trial) -> Iterator[Comparison]:
    """Count what is accepted and rejected; count degrees by hand; read dense arrays."""
    trial.admit()
    size, rank = int(trial.input_dim), int(trial.rank)
    sizes, exact = {"d": size, "k": rank, "m": rank + 1}, rounding(trial.dtype, dim=1)
    for part, relations in (("accepted", TRUE), ("rejected", FALSE)):
        kept = [
            check_identity(one, sizes, seed=trial.integer_seed(part)).holds for one in relations
        ]
        rational = [check_identity_rational(one, sizes) for one in relations]
        for label, found in (("finite field", kept), ("rationals", rational)):
            count = sum(found) if part == "accepted" else len(found) - sum(found)
            yield Same(
                part=part, measured=count, predicted=len(relations), tolerance=exact, label=label
            )
    yield from degrees(sizes, exact)
    yield from values(trial, sizes)


def degrees(sizes: dict[str, int], exact: Tolerance) -> Iterator[Comparison]:
    """Compare degrees with those of a product, a power and an inverse, counted by hand.

    A positive definite matrix is a product of two free ones: degree 2. The inverse of a d-by-d one
    has the numerator 2(d - 1) and the denominator 2d, and is singular on a set of degree 2d.
    """
    size = sizes["d"]
    for label, relation, degree, singular in (
        ("product", sp.Eq(G * Sigma, G, evaluate=False), 3, 0),
        ("power", sp.Eq(G * Sigma**3, G, evaluate=False), 7, 0),
        ("inverse", sp.Eq(G * sp.Inverse(Sigma), G, evaluate=False), 2 * size + 1, 2 * size),
    ):
        once = check_identity(relation, sizes)
        twice = check_identity(relation, sizes, draws=2)
        yield Same(
            part="degree",
            measured=once.degree,
            predicted=degree,
            tolerance=exact,
            label=label,
        )
        yield Same(
            part="chance",
            measured=float(PRIME - Fraction(degree) / once.false_pass_bound),
            predicted=singular,
            tolerance=exact,
            scale=1.0,
            label=f"{label}, p less degree over chance",
        )
        yield Same(
            part="chance",
            measured=float(twice.false_pass_bound / once.false_pass_bound**2),
            predicted=1.0,
            tolerance=exact,
            label=f"{label}, two draws",
        )


def values(trial: Trial, sizes: dict[str, int]) -> Iterator[Comparison]:
    """Read expressions of random arrays in float64, beside numpy."""
    stream = trial.stream("values")
    size, rank = sizes["d"], sizes["k"]
    root, head, g = (
        standard_normal(*shape, generator=stream).cpu().numpy()
        for shape in ((size, size), (rank + 1, rank), (rank, size))
    )
    S = root @ root.T / size + np.eye(size)
    known: dict[str, Any] = {"Sigma": S, "F": head, "G": g, "eta": 0.3}
    tight = rounding(trial.dtype, dim=4 * size, condition=float(np.linalg.cond(S)))
    for label, expression, dense in (
        ("inverse", G * sp.Inverse(Sigma) * G.T, g @ np.linalg.inv(S) @ g.T),
        ("transpose", F.T * F, head.T @ head),
        ("trace", sp.Trace(Sigma * Sigma), np.trace(S @ S)),
        ("Kronecker product", KroneckerProduct(G, F), np.kron(g, head)),
        ("combination", G - eta * F.T * F * G * Sigma, g - 0.3 * head.T @ head @ g @ S),
    ):
        yield Same(
            part="float",
            measured=np.atleast_2d(evaluate_float(expression, known, sizes=sizes)),
            predicted=np.atleast_2d(dense),
            tolerance=tight,
            axes=2,
            label=label,
        )
