"""Linear representation learning: what practical variants change."""
