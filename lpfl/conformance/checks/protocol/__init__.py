"""Checks of what torch lets its users do around a step: hooks, names, graphs, several passes."""
