"""Where the two witnesses meet: predictions of ``theory`` against runs of ``lpfl``."""
