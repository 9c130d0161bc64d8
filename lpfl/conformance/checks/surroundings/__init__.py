"""Checks of what lies around a step: memory, threads, forms of parameters, errors, clipping."""
