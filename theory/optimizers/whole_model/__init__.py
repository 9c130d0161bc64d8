"""Statements on optimizers that move the whole model, and on what holds for every optimizer."""
