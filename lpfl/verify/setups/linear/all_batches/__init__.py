"""Means over all Gaussian batches, exactly, and what runs on them."""
