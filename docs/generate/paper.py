"""The paper beside the statements: what was read of it, what is only attributed to it."""

import json

from generate.statements import replace
from theory import CLAIMS
from theory.core.claim import resting_on
from theory.core.source import Basis

HEAD = """\
# From the paper to the statements

The statements were written from what could be read of the paper: its abstract, equation (5), and
what public summaries and reviews quote. The text of its theorems was not at hand: no constant, no
step-size condition, no assumption on the start and no definition of the distance. So every
statement says what it rests on. One that we only believe to be in the paper is *attributed*; where
the paper says something else, it is not contradicted.

"""
MEANS = {
    Basis.SEEN: "Read in the paper",
    Basis.ATTRIBUTED: "Attributed to the paper; the text was not at hand",
    Basis.OTHER_WORK: "Other work",
}


def write(folder, *, baseline):
    """Write ``paper.md`` below ``folder``."""
    verdicts = json.loads(baseline.read_text())["claims"]
    text = HEAD
    for basis, title in MEANS.items():
        text += f"## {title}\n\n| what | statement | verdict of the committed run |\n"
        text += "|---|---|---|\n"
        for place, claim in resting_on(CLAIMS.values(), basis):
            verdict = verdicts.get(claim.id, {}).get("verdict", "not in it")
            link = f"[{claim.id}](claims/{claim.id}.md) {claim.title}"
            text += f"| {place} | {link} | {verdict} |\n"
        text += "\n"
    derived = [claim for claim in CLAIMS.values() if claim.source.basis is Basis.DERIVED]
    links = ", ".join(f"[{claim.id}](claims/{claim.id}.md)" for claim in derived)
    text += f"## Derived by this project\n\n{len(derived)} statements: {links}.\n"
    replace(folder / "paper.md", text)
