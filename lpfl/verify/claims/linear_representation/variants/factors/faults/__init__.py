"""Planted faults, one file a topic: each is refuted by the check of its claim."""
