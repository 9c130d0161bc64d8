"""One file per package or family; each names its ``PACKAGES``."""
