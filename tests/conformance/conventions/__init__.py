"""Right optimizers in unusual but legitimate conventions, as people write them.

Each module has ``RIGHT``: (class, claim, check ids at stake). Nobody here may be accused.
"""
