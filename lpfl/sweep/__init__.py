"""Sweeps: claims, optimizers and experiments over grids and random designs, on many machines."""
