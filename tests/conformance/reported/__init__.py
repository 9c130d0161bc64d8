"""Publicly reported defects of optimizers, each re-created small: a wrong and a right twin.

Each module has ``wrong`` and ``right`` (factories), ``CLAIMS``, and ``CAUGHT_BY``: the checks that
must find something in the wrong twin, with the outcome each must have.
"""
