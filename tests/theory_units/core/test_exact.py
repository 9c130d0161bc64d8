"""Three readings of one expression, and what a false identity has to pass."""

import random
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp

from theory.core.exact.check import PRIME, check_identity, check_identity_rational, evaluate_float
from theory.core.exact.degree import Degree, degree_of, singular_degree
from theory.core.exact.draws import draw_values
from theory.core.exact.fields import FloatField, PrimeField, RationalField
from theory.core.exact.reading import Reader
from theory.linear_representation.contraction.kfac import LR_03
from theory.linear_representation.notation import (
    D_G,
    B,
    F,
    G,
    G_next,
    G_o,
    G_star,
    Q,
    R_gauge,
    Sigma,
    T,
    W,
    X,
    d,
    eta,
    k,
    lam,
)

SIZES = {"d": 4, "k": 2, "m": 3, "n": 5}


def fractions(matrix: Any) -> list[list[Fraction]]:
    return [
        [Fraction(int(matrix[i, j].p), int(matrix[i, j].q)) for j in range(matrix.ncols())]
        for i in range(matrix.nrows())
    ]


def test_the_three_readings_agree() -> None:
    definitions = dict(LR_03.definitions)
    expression = definitions.pop(G_next)
    rational, prime = RationalField(), PrimeField(PRIME)
    values = draw_values([expression, *definitions.values()], SIZES, rational, random.Random(3))
    exact = fractions(Reader(rational, values, dict(definitions), SIZES).read(expression))

    modular: dict[str, Any] = {}
    floating: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, flint.fmpq):
            modular[name] = prime.scalar(int(value.p), int(value.q))
            floating[name] = int(value.p) / int(value.q)
            continue
        rows = fractions(value)
        flat = [prime.scalar(x.numerator, x.denominator) for row in rows for x in row]
        modular[name] = prime.matrix(len(rows), len(rows[0]), flat)
        floating[name] = np.array(rows, dtype=np.float64)

    residues = Reader(prime, modular, dict(definitions), SIZES).read(expression)
    for i, row in enumerate(exact):
        for j, x in enumerate(row):
            assert int(residues[i, j]) == x.numerator * pow(x.denominator, -1, PRIME) % PRIME

    numbers = evaluate_float(expression, floating, sizes=SIZES, definitions=definitions)
    gram = floating["F"].T @ floating["F"]
    conditioning = np.linalg.cond(gram) * np.linalg.cond(floating["Sigmahat"])
    scale = max(abs(float(x)) for row in exact for x in row)
    tolerance = 100 * np.finfo(float).eps * conditioning * scale
    assert tolerance < 1e-6 * scale
    np.testing.assert_allclose(numbers, np.array(exact, dtype=float), rtol=0, atol=tolerance)


TRUE = {
    "cayley": sp.Eq(G_star * G_star.T, sp.Identity(k), evaluate=False),
    "complement": sp.Eq(G_star * B.T, sp.ZeroMatrix(k, d - k), evaluate=False),
    "resolution": sp.Eq(G_star.T * G_star + B.T * B, sp.Identity(d), evaluate=False),
    "second_frame": sp.Eq(G_o * G_o.T, sp.Identity(k), evaluate=False),
    "square_frame": sp.Eq(Q.T * Q, sp.Identity(d), evaluate=False),
    "woodbury": sp.Eq(
        (sp.Identity(k) + T * T.T).inv() * T, T * (sp.Identity(d - k) + T.T * T).inv()
    ),
    "trace": sp.Eq(sp.Trace(G * Sigma * G.T), sp.Trace(Sigma * G.T * G), evaluate=False),
}
FALSE = {
    "frames_differ": sp.Eq(G_o * B.T, sp.ZeroMatrix(k, d - k), evaluate=False),
    "half_resolution": sp.Eq(G_star.T * G_star, sp.Identity(d), evaluate=False),
    "symmetry": sp.Eq(R_gauge, R_gauge.T, evaluate=False),
    "commuting": sp.Eq(R_gauge * (G * G.T), (G * G.T) * R_gauge, evaluate=False),
    "inverse_of_sum": sp.Eq(
        (Sigma + lam * sp.Identity(d)).inv(),
        Sigma.inv() + sp.Identity(d) / lam,
        evaluate=False,
    ),
    "trace": sp.Eq(sp.Trace(G * Sigma * G.T), sp.Trace(Sigma), evaluate=False),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_identities_hold(name: str) -> None:
    result = check_identity(TRUE[name], SIZES, draws=2)
    assert result.holds
    assert check_identity_rational(TRUE[name], SIZES)


@pytest.mark.parametrize("name", FALSE)
def test_false_identities_are_refuted(name: str) -> None:
    assert not check_identity(FALSE[name], SIZES).holds
    assert not check_identity_rational(FALSE[name], SIZES)


class LineStream(random.Random):
    """Every draw is a point on one line: the i-th draw is a_i + t b_i modulo the prime."""

    def __init__(self, seed: int, t: int) -> None:
        super().__init__(seed)
        self._t = t

    def randrange(self, *_: Any, **__: Any) -> int:
        a, b = super().getrandbits(60), super().getrandbits(60)
        return (a + self._t * b) % PRIME


def along_line(expression: sp.Basic, points: int) -> list[int]:
    """The first entry of ``expression`` at t = 1, 2, ... on one random line of free entries."""
    field = PrimeField(PRIME)
    entries = []
    for t in range(1, points + 1):
        values = draw_values([expression], SIZES, field, LineStream(5, t))
        entries.append(int(Reader(field, values, {}, SIZES).read(expression)[0, 0]))
    return entries


def is_fraction_of_degree(entries: list[int], numerator: int, denominator: int) -> bool:
    """Whether some nonzero N, D of these degrees have N(t) = f(t) D(t) at every point."""
    columns = numerator + denominator + 2
    assert len(entries) > columns
    rows = []
    for t, value in enumerate(entries, start=1):
        rows += [pow(t, j, PRIME) for j in range(numerator + 1)]
        rows += [-value * pow(t, j, PRIME) % PRIME for j in range(denominator + 1)]
    return int(flint.nmod_mat(len(entries), columns, rows, PRIME).rank()) < columns


EXACT_DEGREES = {
    "product": (X * G.T * R_gauge, Degree(3, 0)),
    "positive_definite": (Sigma * Sigma, Degree(4, 0)),
    "scaled_sum": (eta**2 * G + eta * D_G, Degree(3, 0)),
    "inverse": (R_gauge.inv(), Degree(1, 2)),
    "projection": (F * (F.T * F).inv() * F.T, Degree(4, 4)),
}


@pytest.mark.parametrize("name", EXACT_DEGREES)
def test_the_degree_bound_is_attained(name: str) -> None:
    expression, degree = EXACT_DEGREES[name]
    assert degree_of(expression, SIZES, {}) == degree
    entries = along_line(expression, 20)
    assert is_fraction_of_degree(entries, degree.numerator, degree.denominator)
    if degree.denominator:
        assert not is_fraction_of_degree(entries, degree.numerator, degree.denominator - 1)
    else:
        assert not is_fraction_of_degree(entries, degree.numerator - 1, 0)


@pytest.mark.parametrize(
    "expression",
    [
        G_star * G.T,
        (sp.Identity(k) + eta * T * T.T).inv() * T,
        (G * Sigma * G.T).inv() * G + R_gauge.inv() * D_G,
        Sigma.inv() * Sigma.inv(),
    ],
)
def test_the_degree_bound_is_never_too_small(expression: sp.Basic) -> None:
    degree = degree_of(expression, SIZES, {})
    entries = along_line(expression, degree.numerator + degree.denominator + 6)
    assert is_fraction_of_degree(entries, degree.numerator, degree.denominator)


def test_the_false_pass_bound_counts_degree_and_redraws() -> None:
    relation = sp.Eq(R_gauge.inv(), R_gauge.T, evaluate=False)
    # R^-1 = adj / det: degrees (1, 2); against R': max(1 + 0, 1 + 2) = 3; det has degree 2.
    result = check_identity(relation, SIZES, draws=3)
    assert (result.degree, result.draws) == (3, 3)
    assert singular_degree((relation.lhs, relation.rhs), SIZES, {}) == 2
    assert result.false_pass_bound == Fraction(3, PRIME - 2) ** 3


def test_a_false_identity_passes_as_often_as_schwartz_zippel_allows() -> None:
    """Over the field of 7 elements: x^2 = 1 passes at 2 of 7 points, the bound for degree 2."""
    field = PrimeField(7)
    passed = 0
    for x in range(7):
        reader = Reader(field, {"eta": flint.nmod(x, 7)}, {}, {})
        passed += reader.read(eta**2) == reader.read(sp.Integer(1))
    assert passed == degree_of(eta**2, {}, {}).numerator == 2


class SingularFirst(random.Random):
    """Zeros for the first matrix, then ordinary numbers."""

    def __init__(self, zeros: int) -> None:
        super().__init__(0)
        self.zeros = zeros

    def randrange(self, *args: Any, **kwargs: Any) -> int:
        self.zeros -= 1
        return 0 if self.zeros >= 0 else super().randrange(*args, **kwargs)


def test_a_singular_point_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SingularFirst(6)  # the 3 x 2 head is zero at first
    monkeypatch.setattr("theory.core.exact.check.random.Random", lambda seed: stream)
    relation = sp.Eq(sp.Trace(F * (F.T * F).inv() * F.T), k, evaluate=False)
    assert check_identity(relation, SIZES).holds
    assert stream.zeros == -6  # a second head was drawn


def test_a_relation_singular_everywhere_is_an_error() -> None:
    always = sp.Eq((F * F.T).inv(), F * F.T, evaluate=False)  # rank 2 of 3
    with pytest.raises(ValueError, match="singular at each of 20"):
        check_identity(always, SIZES)


def test_bad_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="draws=0"):
        check_identity(TRUE["cayley"], SIZES, draws=0)
    with pytest.raises(ValueError, match="needs Eq"):
        check_identity(sp.Le(eta, 1), SIZES)
    with pytest.raises(ValueError, match="size k"):
        check_identity(TRUE["cayley"], {"d": 4})
    with pytest.raises(ValueError, match="needs >= 1"):
        check_identity(TRUE["complement"], {"d": 2, "k": 2})
    with pytest.raises(ValueError, match="cannot read a sin"):
        evaluate_float(sp.sin(eta), {"eta": 1.0}, sizes={})
    with pytest.raises(ValueError, match="derived symbol W has no definition"):
        check_identity(sp.Eq(T * W, T * W, evaluate=False), SIZES)


def test_float_reading_broadcasts_leading_axes() -> None:
    stack = np.random.default_rng(1).normal(size=(3, 2, 2))
    result = evaluate_float(
        eta * R_gauge.inv() * R_gauge.T, {"R": stack, "eta": np.array([1.0, 2.0, 3.0])}, sizes=SIZES
    )
    expected = [(i + 1) * np.linalg.inv(stack[i]) @ stack[i].T for i in range(3)]
    np.testing.assert_allclose(result, expected, rtol=1e-12 * np.linalg.cond(stack).max())


def test_a_definition_wins_over_a_draw() -> None:
    relation = sp.Eq(G * G.T, sp.Identity(k), evaluate=False)
    assert not check_identity(relation, SIZES).holds
    assert check_identity(relation, SIZES, definitions={G: G_star}).holds


def test_float_field_draws_what_the_exact_fields_draw() -> None:
    values = draw_values([Sigma, G_star, B], SIZES, FloatField(), random.Random(0))
    frame = np.vstack([values["G^*"], values["B"]])
    np.testing.assert_allclose(frame @ frame.T, np.eye(4), atol=1e-13)
    assert np.linalg.eigvalsh(values["Sigma"])[0] > 0


def test_every_draw_takes_a_point_of_its_own(monkeypatch):
    """The chance of several draws is the power of that of one only if the points differ."""
    from theory.core.exact import check

    seen, evaluate = [], check.evaluate_sides
    monkeypatch.setattr(
        check, "evaluate_sides", lambda *a, **k: seen.append(k["seed"]) or evaluate(*a, **k)
    )
    check.check_identity(sp.Eq(G, G, evaluate=False), {"k": 2, "d": 3}, seed=5, draws=4)
    check.check_identity(sp.Eq(G, G, evaluate=False), {"k": 2, "d": 3}, seed=6, draws=4)
    assert len(set(seen)) == 8
