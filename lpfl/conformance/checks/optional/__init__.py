"""Checks in which options that are off by default are switched on."""
