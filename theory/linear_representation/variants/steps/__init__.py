"""What practical variants change around a step, and what an accuracy costs."""
