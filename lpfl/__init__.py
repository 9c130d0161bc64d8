"""Reference models, optimizers and checks: what runs."""
