"""Checks of single-index learning, one topic per file."""
