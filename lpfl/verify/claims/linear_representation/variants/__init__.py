"""Checks of linear representation learning: what practical variants change."""
