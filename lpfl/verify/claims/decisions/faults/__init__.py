"""Faults that the checks beside must refute."""
