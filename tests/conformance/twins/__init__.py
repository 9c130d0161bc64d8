"""Invented twins: optimizers with one mistake that developers make, beside the same without it.

Each module has ``METHODS`` (name -> rule and options) and ``TWINS``, its table of mistakes.
"""
