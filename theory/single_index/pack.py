"""All statements of this package."""

from theory.core.pack import Pack

PACK = Pack.of_package(
    __package__,
    prefix="SI",
    title="Single-index learning",
    checks="lpfl.verify.claims.single_index",
)
