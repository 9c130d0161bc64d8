"""Checks of the torch interface, which every optimizer is held to."""
