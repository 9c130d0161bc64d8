"""All statements of this package."""

from theory.core.pack import Pack

PACK = Pack.of_package(
    __package__,
    prefix="LR",
    title="Linear representation learning",
    checks="lpfl.verify.claims.linear_representation",
)
