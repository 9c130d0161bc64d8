"""Checks of linear representation learning: local spectra and rates near a solution."""
