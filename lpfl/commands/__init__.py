"""The command line, one command per file; heavy imports happen when a command runs."""
