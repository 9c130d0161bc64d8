"""Checks of the decision rules: their answers beside numbers reached another way."""
