"""One step of each method as a SymPy expression of its inputs."""

import sympy as sp

from theory.linear_representation.notation import (
    B,
    E,
    F,
    F_star,
    G,
    G_star,
    N,
    Sigma_hat,
    X,
    eta,
    n,
)

NOISELESS = sp.ZeroMatrix(N.rows, N.cols)


def pseudo_inverse(head: sp.MatrixExpr) -> sp.MatrixExpr:
    """F^+ = (F'F)^{-1} F' of a head of full column rank."""
    return (head.T * head).inv() * head.T


def error_cross(
    head: sp.MatrixExpr = F,
    representation: sp.MatrixExpr = G,
    cov: sp.MatrixExpr = Sigma_hat,
    noise: sp.MatrixExpr = N,
    truth: sp.MatrixExpr = G_star,
) -> sp.MatrixExpr:
    """(F G - F*G*) Sigmahat - N: minus the cross-moment of the residual with the input."""
    return (head * representation - F_star * truth) * cov - noise


def least_squares_head(
    representation: sp.MatrixExpr = G,
    cov: sp.MatrixExpr = Sigma_hat,
    noise: sp.MatrixExpr = N,
    truth: sp.MatrixExpr = G_star,
) -> sp.MatrixExpr:
    """The head that minimises the loss for a fixed representation."""
    cross = F_star * truth * cov + noise
    return cross * representation.T * (representation * cov * representation.T).inv()


def kfac_step(
    head: sp.MatrixExpr = F,
    representation: sp.MatrixExpr = G,
    cov: sp.MatrixExpr = Sigma_hat,
    noise: sp.MatrixExpr = N,
    truth: sp.MatrixExpr = G_star,
    step_size: sp.Expr = eta,
    whitener: sp.MatrixExpr | None = None,
) -> sp.MatrixExpr:
    """G - eta (F'F)^{-1} grad_G Q^{-1}, with Q = ``whitener`` (the input covariance if None)."""
    gradient = head.T * error_cross(head, representation, cov, noise, truth)
    factor = cov if whitener is None else whitener
    return representation - step_size * (head.T * head).inv() * gradient * factor.inv()


def gradient_step(
    head: sp.MatrixExpr = F,
    representation: sp.MatrixExpr = G,
    cov: sp.MatrixExpr = Sigma_hat,
    noise: sp.MatrixExpr = N,
    truth: sp.MatrixExpr = G_star,
    step_size: sp.Expr = eta,
) -> sp.MatrixExpr:
    """G - eta grad_G: the representation step of SGD and, with a least-squares head, of AMGD."""
    gradient = head.T * error_cross(head, representation, cov, noise, truth)
    return representation - step_size * gradient


def tangent(representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """(G G*')^{-1} G B': its singular values are the tangents of the principal angles."""
    return (representation * G_star.T).inv() * (representation * B.T)


def residual_rows(head: sp.MatrixExpr, representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """Y - X (F G)' with Y = X (F*G*)' + E."""
    return E + X * (F_star * G_star - head * representation).T


def batch_loss(residual: sp.MatrixExpr) -> sp.Expr:
    """1/(2n) |residual|_F^2."""
    return sp.Trace(residual.T * residual) / (2 * n)
