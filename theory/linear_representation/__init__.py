"""Linear representation learning: what the theory predicts, statement by statement."""

import lazy_loader

# The names are those of __init__.pyi; each is imported where it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
