"""The order in which groups hold parameters: a checkpoint knows them by it."""

import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.parameter-order"
SHAPES = ((3, 2), (5,))
COUNT = 24
"""So many that an order by chance is not the one handed over."""
SHOWN = 6
Places = list[list[int | None]]
"""Per group, the place of each parameter among those handed over; None: it is none of them."""


@check(ID, tags=("api",), cost=0.02, needs=("params",))
def parameter_order(subject: Subject) -> CheckResult:
    """The order of parameters in a group does not depend on where they lie in memory.

    The same alike parameters are handed over forwards and backwards: an order by their kind is the
    same both times, counted by the place at which they came, and one by address is not.
    """
    shape = subject.shapes(*SHAPES)[0]
    value = subject.fitted(subject.draw([shape], 0, ID)[0][0])
    params = [torch.nn.Parameter(value.clone()) for _ in range(COUNT)]
    forwards, backwards = _places(subject, params), _places(subject, params[::-1])
    if forwards == backwards:
        message = f"The order in which groups hold {COUNT} parameters is that of their coming."
        if forwards != [list(range(COUNT))]:
            message = f"The order in which groups hold {COUNT} parameters is the same each time."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)
    body = f"""
values = [torch.nn.Parameter(start[0].clone()) for _ in range({COUNT})]


def places(params):
    at = {{id(p): i for i, p in enumerate(params)}}
    given = {_given_text(subject)}
    return [[at.get(id(p)) for p in group["params"]] for group in make(given).param_groups]


print(places(values), places(values[::-1]))
print('the same order both times:', places(values) == places(values[::-1]))
"""
    held = ", ".join(str(place) for place in forwards[0][:SHOWN])
    proof = "the same order both times: False"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"The first of {COUNT} parameters in a group are those handed over at the places "
        f"{held}, ..., and others if they are handed over backwards: their order goes by where "
        "they lie in memory, and a checkpoint gives the state of one to another.",
        scenario={"parameters": COUNT, "shape": shape},
        **evidence(subject, body, proof, shapes=[shape], steps=0, stream=(ID,)),
    )


def _places(subject: Subject, params: list[torch.nn.Parameter]) -> Places:
    at = {id(p): i for i, p in enumerate(params)}
    named = [(f"layer{i}.weight", p) for i, p in enumerate(params)]
    optimizer = subject.build(named if "named" in subject.needs else params)
    return [[at.get(id(p)) for p in group["params"]] for group in optimizer.param_groups]


def _given_text(subject: Subject) -> str:
    """Return program text of what the optimizer is given."""
    if "named" in subject.needs:
        return "[(f'layer{i}.weight', p) for i, p in enumerate(params)]"
    return "params"
