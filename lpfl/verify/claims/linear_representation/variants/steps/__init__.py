"""Checks of what practical variants change around a step, and of what an accuracy costs."""
