"""Gaussian expectations: Hermite coefficients, links, quadrature, interval arithmetic."""
