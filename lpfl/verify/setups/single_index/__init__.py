"""Setups of single-index learning."""
