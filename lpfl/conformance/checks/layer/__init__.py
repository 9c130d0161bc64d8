"""Checks of optimizers that hook layers: what models may do with a layer."""
