"""Faults that the checks beside this folder must refute."""
