"""Checks of what shows only where parameters, options or drives come together."""
