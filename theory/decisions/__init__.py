"""The decision rules decide as they say: what each looks at, where it turns, how often it errs."""

from theory.core.pack import Pack

PACK = Pack.of_package(
    __name__,
    prefix="DR",
    title="The decision rules decide as they say",
    checks="lpfl.verify.claims.decisions",
)
