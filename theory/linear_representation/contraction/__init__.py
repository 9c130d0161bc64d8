"""Linear representation learning: what a step does to the part outside the true subspace."""
