"""The judge of anybody's torch optimizer: drives it, measures it, grades what it finds.

Public names: ``lpfl.check_optimizer``, ``lpfl.OptimizerSpec``,
``lpfl.parametrize_optimizer_checks``. Importing this package imports no torch.
"""
