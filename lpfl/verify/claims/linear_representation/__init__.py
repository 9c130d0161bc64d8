"""Checks of linear representation learning, one topic per file."""
