"""The models: what is learned, how batches are drawn, closed-form gradients."""
