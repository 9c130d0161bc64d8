"""Checks of formats of few bits over many steps."""
