"""The one table of notation: letter, code name, meaning, domain, unit.

Letters are used inside formulas, code names at their border (arguments, scenarios, results).
Nothing else in the project pairs the two.
"""

from dataclasses import dataclass

import sympy as sp

NATURAL = sp.Range(1, sp.oo)
REAL = sp.Reals
NONNEGATIVE = sp.Interval(0, sp.oo)
POSITIVE = sp.Interval.open(0, sp.oo)
UNIT = sp.Interval(0, 1)

MATRIX_STRUCTURES = (
    "general",
    "positive_definite",
    "orthonormal_rows",
    "complement_rows",
    "derived",
)


@dataclass(frozen=True)
class Notation:
    """One row of the table.

    symbol: the SymPy object. code_name: the word used in arguments and scenarios. domain: a SymPy
    set for a scalar, one of MATRIX_STRUCTURES for a matrix. unit: in terms of [x] and [y].
    """

    symbol: sp.Basic
    code_name: str
    meaning: str
    domain: sp.Set | str
    unit: str

    @property
    def letter(self) -> str:
        """The name of the SymPy symbol."""
        return str(self.symbol.name)


NOTATION: dict[str, Notation] = {}
_CODE_NAMES: set[str] = set()


def _enter(symbol: sp.Basic, code: str, meaning: str, domain: sp.Set | str, unit: str) -> None:
    if symbol.name in NOTATION or code in _CODE_NAMES:
        raise ValueError(f"notation {symbol.name!r} / {code!r} is entered twice")
    if isinstance(domain, str) and domain not in MATRIX_STRUCTURES:
        raise ValueError(f"structure={domain!r}, needs one of {MATRIX_STRUCTURES}")
    NOTATION[symbol.name] = Notation(symbol, code, meaning, domain, unit)
    _CODE_NAMES.add(code)


def _size(letter: str, code: str, meaning: str) -> sp.Symbol:
    symbol = sp.Symbol(letter, integer=True, positive=True)
    _enter(symbol, code, meaning, NATURAL, "1")
    return symbol


def _scalar(
    letter: str, code: str, meaning: str, domain: sp.Set = REAL, unit: str = "1"
) -> sp.Symbol:
    symbol = sp.Symbol(letter, real=True)
    _enter(symbol, code, meaning, domain, unit)
    return symbol


def _matrix(
    letter: str,
    code: str,
    meaning: str,
    shape: tuple[sp.Expr, sp.Expr],
    structure: str = "general",
    unit: str = "1",
) -> sp.MatrixSymbol:
    symbol = sp.MatrixSymbol(letter, *shape)
    _enter(symbol, code, meaning, structure, unit)
    return symbol


# Sizes
d = _size("d", "input_dim", "dimension of the input x")
m = _size("m", "output_dim", "dimension of the output y")
k = _size("k", "rank", "dimension of the representation")
n = _size("n", "batch_size", "rows in a batch")

# Scalars of both settings
eta = _scalar("eta", "step_size", "step size (learning rate)", NONNEGATIVE)
lam = _scalar("lambda", "damping", "damping added to the input covariance", NONNEGATIVE, "[x]^2")
sigma = _scalar("sigma", "noise_std", "standard deviation of the label noise", NONNEGATIVE, "[y]")
kappa = _scalar("kappa", "condition_number", "condition number of Sigma", sp.Interval(1, sp.oo))
delta = _scalar("delta", "failure_probability", "probability that a bound may fail", UNIT)

# Linear representation learning: scalars
theta = _scalar("theta", "angle", "largest principal angle", sp.Interval(0, sp.pi / 2), "rad")
theta_next = _scalar(
    "theta_+", "angle_next", "largest principal angle after the step", NONNEGATIVE, "rad"
)
phi = _scalar("phi", "cone_angle", "largest angle between u and Sigma u", NONNEGATIVE, "rad")
b_cone = _scalar("b", "cone_defect", "loss of the cone bound against 1 - eta", NONNEGATIVE)
eta_F = _scalar("eta_F", "head_step_size", "step size of the head", NONNEGATIVE)
kappa_H = _scalar(
    "kappa_H", "head_condition_number", "condition number of F*'F*", sp.Interval(1, sp.oo)
)
lam_max = _scalar("lambda_max", "head_max", "largest eigenvalue of F*'F*", POSITIVE, "[y]^2")
lam_i = _scalar("lambda_i", "head_eigenvalue", "an eigenvalue of F*'F*", POSITIVE, "[y]^2")
mu_j = _scalar("mu_j", "schur_eigenvalue", "an eigenvalue of Sigma_s", POSITIVE, "[x]^2")
h = _scalar("h", "scaled_step", "eta times an eigenvalue of F*'F*", NONNEGATIVE)
s_angle = _scalar("s", "sine", "sine of a principal angle", UNIT)
c_angle = _scalar("c", "cosine", "cosine of a principal angle", UNIT)
s_next = _scalar("s_+", "sine_next", "sine of the angle after the step", UNIT)
dist = _scalar("Delta_0", "distance", "subspace distance at the start", UNIT)
dist_t = _scalar("Delta_t", "distance_after", "subspace distance after t steps", UNIT)
t_steps = _scalar("t", "num_steps", "number of steps", sp.Range(0, sp.oo))
multiplier = _scalar("q", "multiplier", "local contraction per step of the tangent matrix")

# Linear representation learning: matrices
F = _matrix("F", "head", "head, full column rank", (m, k), unit="[y]")
G = _matrix("G", "representation", "representation", (k, d), unit="1/[x]")
F_star = _matrix("F^*", "head_star", "true head, full column rank", (m, k), unit="[y]")
G_star = _matrix(
    "G^*", "representation_star", "true representation", (k, d), "orthonormal_rows", "1/[x]"
)
B = _matrix(
    "B", "complement", "orthonormal rows spanning the complement of G*", (d - k, d),
    "complement_rows",
)  # fmt: skip
Sigma = _matrix("Sigma", "cov_x", "covariance of the input", (d, d), "positive_definite", "[x]^2")
Sigma_hat = _matrix(
    "Sigmahat", "cov_x_batch", "sample covariance X'X/n", (d, d), "positive_definite", "[x]^2"
)
X = _matrix("X", "inputs", "input rows", (n, d), unit="[x]")
E = _matrix("E", "noise", "noise rows", (n, m), unit="[y]")
N = _matrix("N", "noise_cross", "noise cross-moment E'X/n", (m, d), unit="[x][y]")
D_G = _matrix("D_G", "direction_representation", "a direction in G", (k, d))
D_F = _matrix("D_F", "direction_head", "a direction in F", (m, k))
T = _matrix("T", "tangent", "tangent matrix: singular values tan of the angles", (k, d - k))
G_next = _matrix("G_+", "representation_next", "representation after the step", (k, d), "derived")
F_next = _matrix("F_+", "head_next", "head after the step", (m, k), "derived")
T_next = _matrix("T_+", "tangent_next", "tangent matrix after the step", (k, d - k), "derived")
F_ls = _matrix("F_ls", "head_least_squares", "least-squares head for G", (m, k), "derived")
grad_G = _matrix("nabla_G", "grad_representation", "gradient in G", (k, d), "derived")
grad_F = _matrix("nabla_F", "grad_head", "gradient in F", (m, k), "derived")
P_perp = _matrix("P_perp", "projector", "I - G*'G*", (d, d), "derived")
H = _matrix("H", "head_gram", "F*'F*", (k, k), "derived", "[y]^2")
W = _matrix("W", "cone_map", "Sigma-weighted pull-back of the complement", (d - k, k), "derived")
Sigma_s = _matrix(
    "Sigma_s", "schur_complement", "Schur complement of Sigma on the complement", (d - k, d - k),
    "derived", "[x]^2",
)  # fmt: skip
C_h = _matrix("C_h", "column_covariance", "column covariance of the noise term", (d, d), "derived")
R_h = _matrix("R_h", "row_covariance", "row covariance of the noise term", (k, k), "derived")
Z = _matrix("Z", "noise_term", "noise part of the step on the complement", (k, d), "derived")

# Single-index learning
