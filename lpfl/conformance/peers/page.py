"""The survey's page: one HTML file, offline, readable without its script, of bounded size."""

from collections import Counter
from collections.abc import Mapping

from lpfl.conformance.outcomes import FINDINGS, Outcome
from lpfl.conformance.peers.page_view import CODES, View, view
from lpfl.conformance.peers.records import Survey
from lpfl.report.html import render

LARGEST = 1_450_000
"""Bytes; snippets of lesser findings are left out, and said to be, beyond it."""
GROUPS = {
    "theory": "Feature learning",
    "def": "Definition",
    "inv": "Invariance",
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


def build_page(survey: Survey, against: Survey | None = None) -> str:
    """Return the page of a survey, with what changed since an earlier one.

    Everything in the survey's file is text: it is escaped. Beyond ``LARGEST`` bytes the longest
    texts give way: first snippets, from the mildest outcome up.
    """
    shown = view(survey, against)
    for dropped in ((), ("numerics",), ("numerics", "limit"), ("numerics", "limit", "deviates")):
        for row in shown.rows:
            for answer in row.answers:
                if answer.outcome in dropped:
                    answer.snippet = ""
        page = _rendered(survey, against, shown, dropped)
        if len(page.encode()) <= LARGEST:
            break
    return page


def _rendered(survey: Survey, against: Survey | None, shown: View, dropped: tuple[str, ...]) -> str:
    header = survey.header
    return render(
        "optimizers.html.jinja",
        more_style="optimizers.css",
        script="optimizers.js",
        rows=shown.rows,
        asides=shown.asides,
        changes=shown.changes,
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
        dropped=dropped,
        shared=_shared(shown),
    )


def _shared(shown: View) -> dict[str, str]:
    """Return snippets used more than once -> an anchor; the page prints each once."""
    count = Counter(a.snippet for row in shown.rows for a in row.answers if a.snippet)
    repeated = [snippet for snippet, times in count.items() if times > 1]
    return {snippet: f"p{number}" for number, snippet in enumerate(repeated)}


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
    found = sum(row.worst in FINDINGS for row in shown.rows)
    return (
        f"{len(shown.rows)} optimizers of {len(packages)} packages, "
        f"{found} with something to report"
    )
