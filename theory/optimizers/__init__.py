"""The reference optimizers are what their names say, and so is the room they are measured in."""

from theory.core.pack import Pack

PACK = Pack.of_package(
    __name__,
    prefix="OP",
    title="The reference optimizers are what their names say",
    checks="lpfl.verify.claims.optimizers",
)
