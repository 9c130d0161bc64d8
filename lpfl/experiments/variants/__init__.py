"""The variants that libraries run: rows, steps, answers to units, averages."""
