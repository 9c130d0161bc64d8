"""heavyball: chained transformations, compiled unless it is told otherwise."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.factories import identity_compile
from lpfl.conformance.peers.package import Entry, Package


def without_compiling() -> None:
    """Import the package with its compilation switched off."""
    identity_compile()
    import heavyball

    heavyball.utils.compile_mode = None


def _sam(cls: Any) -> Callable[..., Any]:
    def build(params: Any, *, lr: float = 1e-2, ball: float = 0.1) -> Any:
        import heavyball

        params = list(params)
        return cls(params, wrapped_optimizer=heavyball.AdamW(params, lr=lr), ball=ball)

    return build


BASE = Entry(skip="base class")
FIRST_STEP = {"precondition_frequency": 1}
# Its period is counted by a schedule of its own.
EIGENBASIS = Entry(claims=set(), variants={"precondition_frequency=1": FIRST_STEP})

PACKAGES = (
    Package(
        distribution="heavyball",
        modules=("heavyball",),
        prepare=without_compiling,
        entries={
            # Its averages are debiased, unlike the paper's.
            "ADOPT": Entry(claims=set()),
            "RMSprop": Entry(
                expected={"def.trajectory": "its docstring: debiased, not torch.optim.RMSprop"}
            ),
            # It chooses the norm of each layer by itself.
            "Scion": Entry(claims=set()),
            "PSGDBase": BASE,
            "SOAPBase": BASE,
            "AdamC": Entry(
                expected={"api.groups": "its warning: max_lr is the constructor's rate"}
            ),
            "SAMWrapper": Entry(make=_sam, needs={"closure"}),
            "SOAP": EIGENBASIS,
            "SOLP": EIGENBASIS,
            "KLSOAP": EIGENBASIS,
            "SplitOpt": Entry(skip="joins other optimizers by parameter"),
        },
    ),
)
