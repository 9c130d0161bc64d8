"""What a run must find again: the order of its parameters, the defaults of its class."""
