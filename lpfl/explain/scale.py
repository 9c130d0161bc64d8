"""What is worth saying, and how far a search for samples goes."""

WORTH = 0.02
"""A difference of squared cosines that is worth a word."""
MOST_SAMPLES = 1e4
"""The most samples looked at, in units of the dimension."""
