"""Checks of linear representation learning: what label noise leaves, and methods ruled by it."""
