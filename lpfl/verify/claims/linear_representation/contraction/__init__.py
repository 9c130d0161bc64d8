"""Checks of linear representation learning: what is left outside the true subspace."""
