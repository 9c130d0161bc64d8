"""Old factors: averages that are renewed now and then, factors that make T grow (LR-31)."""
