"""Faults of released optimizers that were reproduced by hand: each must be found again.

One line per fault: the subject, the check that must speak, and what it may say. A version that
mends a fault makes its line fail, and the line goes.
"""

from dataclasses import dataclass

import pytest

from lpfl.conformance.peers.catalogue import catalogue
from lpfl.conformance.peers.survey import judge_all, plan
from lpfl.conformance.peers.worker import Settings

pytestmark = pytest.mark.peers

DEVIATES = frozenset({"deviates"})
LIMIT = frozenset({"limit"})
EITHER = DEVIATES | LIMIT
NUMERICS = frozenset({"numerics", "deviates", "limit"})


@dataclass(frozen=True)
class Fault:
    """check speaks on each of the subjects of a distribution, with one of the outcomes."""

    distribution: str
    subjects: tuple[str, ...]
    check: str
    outcomes: frozenset[str]


PO, TO, HB = "pytorch-optimizer", "torch-optimizer", "heavyball"

FAULTS = {
    "goes uphill for five steps": Fault(PO, ("Ranger",), "def.descent", DEVIATES),
    "bias correction outside the trust ratio": Fault(
        TO, ("Lamb[debias=True]",), "def.trajectory", DEVIATES
    ),
    "decay subtracts a constant": Fault(TO, ("SGDW",), "api.decay", DEVIATES),
    "wrong exponent, hidden at step one": Fault(TO, ("Shampoo",), "def.trajectory", DEVIATES),
    "stands still until its period is over": Fault(
        PO, ("Shampoo[preconditioning_compute_steps=4]",), "def.first-move", LIMIT
    ),
    "sign flipped after the difference": Fault(PO, ("Adan",), "api.maximize", DEVIATES),
    "maximize negates p.grad": Fault(PO, ("SGDW",), "api.maximize", EITHER),
    "p.grad divided in place": Fault(PO, ("NovoGrad",), "api.grads-kept", EITHER),
    "loaded strings break the step": Fault("kron-torch", ("Kron",), "api.resume", EITHER),
    "loading reads a missing entry": Fault("adv-optm", ("Lion_adv",), "api.resume", EITHER),
    "state forgotten on loading": Fault("grokadamw", ("GrokAdamW",), "api.resume", DEVIATES),
    "state narrowed on loading": Fault(HB, ("AdamW",), "api.resume", NUMERICS),
    "momentum product narrowed on loading": Fault("torch", ("NAdam",), "api.resume", NUMERICS),
    "wrapper without the base class": Fault(TO, ("Lookahead",), "api.resume", EITHER),
    "division by a zero learning rate": Fault("dadaptation", ("DAdaptSGD",), "api.warm-up", EITHER),
    "warm-up from zero breaks": Fault(PO, ("FTRL", "ASGD", "Gravity"), "api.warm-up", EITHER),
    "one counter for the group": Fault(PO, ("LaProp",), "api.late", EITHER),
    "a later group raises": Fault(PO, ("AdaBound",), "api.add-group", EITHER),
    "state filled in the constructor only": Fault(TO, ("MADGRAD",), "api.add-group", EITHER),
    "a missing gradient raises": Fault(
        "muon-optimizer", ("SingleDeviceMuon",), "api.missing", EITHER
    ),
    "closure without gradients": Fault("transformers", ("Adafactor",), "api.closure", EITHER),
    "convolutions raise": Fault(TO, ("Adafactor",), "api.shapes", EITHER),
    "columns never move": Fault(PO, ("Ranger",), "api.shapes", EITHER),
    "transposed parameters raise": Fault(TO, ("AdamP", "SGDP", "SWATS"), "api.strides", EITHER),
    "double precision raises": Fault(PO, ("FAdam",), "api.dtypes", EITHER),
    "double precision raises on CPU": Fault(HB, ("SOAP", "PSGDKron"), "api.dtypes", EITHER),
    "a copy cannot step": Fault("torch", ("LBFGS",), "api.copy", EITHER),
}
PACKAGES = {package.distribution: package for package in catalogue()}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name):
    fault = FAULTS[name]
    package = PACKAGES[fault.distribution]
    if package.version() is None:
        pytest.skip(f"{fault.distribution} is not installed")
    module = package.modules[0]
    tasks, _ = plan(
        (package,), ",".join(f"{module}.{s}".replace("[", "[[]") for s in fault.subjects)
    )
    lines = list(judge_all(tasks, settings=Settings(checks=(fault.check,))))
    wanted = {line["subject"]: line for line in lines}
    for subject in fault.subjects:
        results = wanted[f"{module}.{subject}"]["results"]
        found = {r["outcome"] for r in results if r["check"] == fault.check}
        assert found & fault.outcomes, (subject, results)
