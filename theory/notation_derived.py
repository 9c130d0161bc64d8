"""Derived matrices of linear representation learning: each abbreviates a part of a statement."""

import sympy as sp

from theory.notation_table import d, k, m, matrix, n


def _derived(
    letter: str, code: str, meaning: str, shape: tuple[sp.Expr, sp.Expr], unit: str = "1"
) -> sp.MatrixSymbol:
    return matrix(letter, code, meaning, shape, "derived", unit)


M = _derived("M", "residual_cross", "minus the residual's cross-moment with x", (m, d), "[x][y]")
F_plus = _derived("F^+", "head_pseudo_inverse", "pseudo-inverse of the head", (k, m), "1/[y]")

# LR-01 and LR-02: finite changes and first-order changes
E_G_plus = _derived("E_G_+", "residual_plus_g", "residual rows at G + D_G", (n, m), "[y]")
E_G_minus = _derived("E_G_-", "residual_minus_g", "residual rows at G − D_G", (n, m), "[y]")
E_F_plus = _derived("E_F_+", "residual_plus_f", "residual rows at F + D_F", (n, m), "[y]")
E_F_minus = _derived("E_F_-", "residual_minus_f", "residual rows at F − D_F", (n, m), "[y]")
D_FG = _derived("D_FG", "direction_product", "first-order change of the product F G", (m, d))
D_G_gauge = _derived("D_G^0", "gauge_representation", "gauge direction in G", (k, d))
D_F_gauge = _derived("D_F^0", "gauge_head", "gauge direction in F", (m, k))

# LR-04, LR-07, LR-13, LR-28: steps from another start or with another head
F_bad = _derived("F_b", "head_bad", "a head for which one step ends at distance 1", (m, k), "[y]")
G_bad = _derived("G_b", "representation_bad", "representation after a step with that head", (k, d))
F_iso = _derived("F_iso", "head_isotropic", "least-squares head for Σ = I", (m, k), "[y]")
G_iso = _derived("G_iso", "representation_isotropic", "next representation for Σ = I", (k, d))
T_iso = _derived("T_iso", "tangent_isotropic", "next tangent matrix for Σ = I", (k, d - k))
F_R = _derived("F_R", "head_gauged", "head that belongs to the basis R G", (m, k), "[y]")
G_R = _derived("G_R", "representation_gauged", "next representation from R G", (k, d))
S_next = _derived("S_+", "complement_part_next", "S_c after the step", (k, d))

# LR-11, LR-17: the parts of the noise
K_h = _derived("K_h", "noise_map", "what the noise rows are multiplied with", (n, d), "1/[x]")
S_ls = _derived("S_ls", "head_share", "regression of G⋆x on Gx: F_ls = F⋆ S_ls + N_in", (k, k))
N_in = _derived("N_in", "noise_in_head", "noise that enters the head", (m, k), "[y]")
N_out = _derived("N_out", "noise_outside_head", "noise that the head leaves over", (m, d), "[x][y]")

# LR-25: one row of the representation
g_row = _derived("g", "representation_row", "one row of the representation", (1, d), "1/[x]")
grad_row = _derived("nabla_g", "grad_row", "gradient in the row g", (1, d))
grad_row_ls = _derived(
    "nabla_ls", "grad_row_least_squares", "gradient in the row g at the least-squares head", (1, d)
)

# LR-26: a new head
F_best = _derived("F_best", "head_best", "the best new head on G", (m, k), "[y]")
M_t = _derived("M_t", "transfer_misfit", "what the best new head misses", (m, d))

# LR-27: the same in other coordinates of the input
G_A = _derived("G_A", "representation_mapped", "next representation in the input A x", (k, d))
D_A = _derived("D_A", "direction_product_mapped", "D_FG in the input A x", (m, d))
G_sgd = _derived("G_SGD", "representation_sgd", "representation after an SGD step", (k, d))
G_Q = _derived("G_Q", "representation_rotated", "the same in the input Q x", (k, d))
