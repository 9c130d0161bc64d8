"""Checks of changes of coordinates that training may not feel."""
