"""Planted faults of the variants: each is refuted by the check of its claim."""
