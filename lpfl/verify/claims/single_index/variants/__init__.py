"""Checks of the statements about factors and data as practice has them."""
