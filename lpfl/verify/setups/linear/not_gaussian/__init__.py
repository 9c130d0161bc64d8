"""Inputs that are not Gaussian: batches, responses, floors (LR-42)."""
