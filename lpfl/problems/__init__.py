"""Reference problems: what is sampled, the loss, its closed-form gradients."""
