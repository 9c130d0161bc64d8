"""Sizes, memory that grows, and what changes in the middle of a run."""
