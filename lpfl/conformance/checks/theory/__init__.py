"""Checks against the theory of feature learning: predictions and measurements meet here."""
