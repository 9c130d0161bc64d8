"""Running checks: plans, workers, resuming, second looks, and claims as tests."""
