"""Checks of optimizers: rules."""
