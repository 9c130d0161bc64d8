"""Statements on optimizers that move one matrix at a time."""
