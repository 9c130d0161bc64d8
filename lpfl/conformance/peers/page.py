"""The survey's page: one HTML file, offline, readable without its script, of bounded size."""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.peers.page_view import CODES, Change, View, view
from lpfl.conformance.peers.records import Survey
from lpfl.report.html import render

LARGEST = 1_500_000
"""Bytes a page of the whole catalogue may have; programs are packed to stay below."""
GROUPS = {
    "theory": "Feature learning",
    "def": "Definition",
    "inv": "Invariance",
    "layer": "Layers",
    "api": "Interface",
}
LEGEND = {
    Outcome.CONFORMS: "as it should be",
    Outcome.CONVENTION: "the same method, with a convention that is named and measured",
    Outcome.VARIANT: "differs as its documentation says",
    Outcome.NUMERICS: "right in double precision, wrong in a low one or outside a stated domain",
    Outcome.LIMIT: "raises or does nothing, and says so nowhere",
    Outcome.DEVIATES: "does something else than the method it is named after, or than it says",
    Outcome.INCONCLUSIVE: "could not be decided",
    Outcome.UNDRIVABLE: "this check cannot drive this optimizer",
    Outcome.NOT_CLAIMED: "nothing claimed, nothing judged (an empty cell)",
    Outcome.UNKNOWN: "a claim that no reference is known for",
}


def build_page(
    survey: Survey,
    against: Survey | None = None,
    *,
    elsewhere: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page of a survey, with what changed since an earlier one.

    elsewhere: (title, address) of other pages.

    Everything in the survey's file is text: it is escaped. The programs that show a finding are
    packed into the page, since they repeat each other; its script unpacks the one that is opened.
    """
    shown = view(survey, against)
    header = survey.header
    return render(
        "optimizers.html.jinja",
        more_style="optimizers.css",
        script="optimizers.js",
        elsewhere=elsewhere,
        rows=shown.rows,
        asides=shown.asides,
        changes=_together(shown.changes),
        headline=_headline(shown),
        tiles=_tiles(shown),
        groups=_groups(header["checks"]),
        legend=[(o.value, *CODES[o], words) for o, words in LEGEND.items()],
        findings=[o.value for o in (Outcome.DEVIATES, Outcome.LIMIT, Outcome.NUMERICS)],
        codes={o.value: CODES[o][0] for o in Outcome},
        problems=survey.problems,
        header=header,
        packages=sorted((n, v) for n, v in header["packages"].items() if v),
        against=against.header if against is not None else None,
        programs=_packed(shown.programs),
    )


def _together(changes: Sequence[Change]) -> list[tuple[Change, list[str]]]:
    """Return each kind of change once, with the names that share it; the rarest first."""
    kinds: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        kinds.setdefault((change.check, change.before, change.after), []).append(change)
    found = sorted(kinds.values(), key=len)
    return [(same[0], [change.name for change in same]) for same in found]


def _packed(programs: Mapping[str, int]) -> str:
    """Return the programs, in order, as base64 of a deflated JSON list."""
    text = json.dumps(sorted(programs, key=lambda program: programs[program]))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _groups(checks: Mapping[str, str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for check, says in checks.items():
        groups.setdefault(check.partition(".")[0], []).append((check, says))
    return [(key, GROUPS.get(key, key), members) for key, members in groups.items()]


def _tiles(shown: View) -> list[tuple[str, str, int]]:
    count = Counter(row.worst for row in shown.rows)
    order = (Outcome.DEVIATES, Outcome.LIMIT, Outcome.NUMERICS, Outcome.CONFORMS)
    words = {Outcome.CONFORMS: "nothing found"}
    return [(words.get(o, o.value), CODES[o][0], count[o]) for o in order]


def _headline(shown: View) -> str:
    packages = {row.package for row in shown.rows}
    count = Counter(row.worst for row in shown.rows)
    return (
        f"{len(shown.rows)} optimizers of {len(packages)} packages: "
        f"{count[Outcome.DEVIATES]} deviate somewhere, {count[Outcome.LIMIT]} meet a limit"
    )
