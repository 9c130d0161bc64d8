"""What is worth saying, and how far a search for samples goes."""

WORTH = 0.02
"""A difference of squared cosines that is worth a word."""
LITTLE = 0.2
"""A squared cosine below which little is learned."""
MOST_SAMPLES = 1e4
"""The most samples looked at, in units of the dimension."""
