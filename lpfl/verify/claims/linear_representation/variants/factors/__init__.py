"""Checks of what practical variants change in KFAC's factors."""
