"""Checks of single-index learning with the factors that practice uses."""
