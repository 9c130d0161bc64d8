"""What practical variants change in KFAC's factors: their source, age and damping."""
