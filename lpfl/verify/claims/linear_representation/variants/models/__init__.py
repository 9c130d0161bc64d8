"""Checks of what changes with other models and other inputs."""
