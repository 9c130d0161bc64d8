"""Checks of the optimizers, and of the room they are measured in."""
