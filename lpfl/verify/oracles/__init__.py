"""Independent definitions of the optimizers in float64: printed relations, states kept by hand."""
