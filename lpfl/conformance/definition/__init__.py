"""A subject beside the reference of the method it claims."""
