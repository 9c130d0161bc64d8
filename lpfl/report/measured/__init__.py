"""Measured beside predicted: the chart of a part, its error band, and what it is about."""
