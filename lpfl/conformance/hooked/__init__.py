"""Optimizers that hook the layers of a model, on models that such hooks often forget."""
