"""Executable theory of layer-wise preconditioning: what is predicted."""
