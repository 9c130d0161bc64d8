"""Setups of linear representation learning."""
