"""What rules and methods are made of: hyper-parameters, averages, statements of invariance."""
