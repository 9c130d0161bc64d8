"""References of methods that scale every entry of a gradient."""
