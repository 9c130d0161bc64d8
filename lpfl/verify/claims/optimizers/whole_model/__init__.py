"""Checks of optimizers: whole model."""
