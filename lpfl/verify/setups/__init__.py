"""Scenarios, draws and runs that several checks share."""
