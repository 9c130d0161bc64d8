"""What is measured on models and optimizers; nothing here knows a prediction."""
