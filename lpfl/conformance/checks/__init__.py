"""The checks, one topic per file; every module here is found by the registry."""
