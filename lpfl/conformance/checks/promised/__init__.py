"""Checks of what the name or the documentation of an option promises."""
