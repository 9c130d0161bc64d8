"""Checks of optimizers: measuring room."""
