"""What changes with other models and other inputs."""
