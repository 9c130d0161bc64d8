"""What options that wrap a method in another do: the run with one on beside the run with it off."""
