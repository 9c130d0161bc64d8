"""Checks of what a method's definition says."""
