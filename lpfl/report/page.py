"""The page of one run: one HTML file that refers to nothing outside.

It is read without a script; a small one adds search, sorting, filters and keys.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from lpfl.report.chart import Chart
from lpfl.report.compact import compact
from lpfl.report.formulas import letter_mathml
from lpfl.report.html import render
from lpfl.report.limits import axis_words as limit_words
from lpfl.report.measured.against import axis_words as against_words
from lpfl.report.numerals import short
from lpfl.report.region_map import empty_map
from lpfl.report.trend import Moment
from lpfl.report.view import NOT_RUN, ClaimView, Letter, Link, Statement, claim_view
from lpfl.results.store import Results, write_atomically

SETTINGS = {"LR": "Linear representation learning", "SI": "Single-index learning"}
SHARED_BY = 3  # claims: from here on a definition is said once, beside the letters
VERDICTS = ("confirmed", "refuted", "inconclusive", "error", NOT_RUN)


def build_page(
    results: Results,
    claims: Mapping[str, Statement],
    *,
    notation: Mapping[str, Letter] | None = None,
    links: Mapping[str, Sequence[Link]] | None = None,
    titles: Mapping[str, str] | None = None,
    strengths: Mapping[str, str] | None = None,
    trends: Mapping[str, Sequence[Moment]] | None = None,
    headline: Sequence[Chart] = (),
    trust: Sequence[tuple[str, str]] = (),
    elsewhere: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page of ``results`` as HTML.

    claims: the catalogue, id -> claim; a claim of it without evidence is shown as "not run".
    notation: the table of letters; with it each statement explains its own. links: id -> (what,
    path and line, address) of formula and check. titles: prefix of a pack -> its title.
    strengths: kind of a statement -> how firm a verdict on it is, in a word or two. trends: id ->
    how it fared in earlier runs. headline: the pictures of the first screen. trust: (what, number)
    of how the checks themselves were tested. elsewhere: (title, address) of other pages.

    Everything that comes from the results is text: it is escaped, and control characters and
    marks that turn the direction of writing are shown as a replacement character.
    """
    views = claim_views(
        results,
        claims,
        notation=notation or {},
        links=links or {},
        strengths=strengths or {},
        trends=trends or {},
    )
    views, shared = with_shared_definitions(views)
    settings = {**SETTINGS, **(titles or {})}
    counts = Counter(view.verdict for view in views)
    groups: dict[str, list[ClaimView]] = {}
    for view in views:
        prefix = view.id.partition("-")[0]
        groups.setdefault(settings.get(prefix, "Further claims"), []).append(view)
    page = render(
        "page.html.jinja",
        script="page.js",
        headline=headline,
        trust=trust,
        elsewhere=elsewhere,
        symbols=empty_map() + against_words() + limit_words(),
        kinds=sorted({view.kind for view in views if view.kind}),
        has_trends=any(len(view.trend) > 1 for view in views),
        counts=[(verdict, counts[verdict]) for verdict in VERDICTS if _shown(verdict, counts)],
        conclusion=_conclusion(counts),
        problems=results.problems,
        broken=sorted((results.header.get("broken_packs") or {}).items()),
        complete=results.complete,
        done=len(results.claims),
        selected=len(results.header["claims"]),
        facts=_facts(results.header),
        alpha_total=short(results.header["alpha_total"], 2),
        groups=groups,
        letters=_letters(views, notation or {}),
        shared=shared,
        relations=_relations(views),
        without_section=sum(not view.has_section for view in views),
        header=results.header,
    )
    return compact(page)


def write_page(path: str | PathLike[str], html: str) -> None:
    """Write the page so that a reader sees the old one or the whole new one.

    Raises ValueError if the folder cannot be written.
    """
    write_atomically(Path(path), html)


def claim_views(
    results: Results,
    claims: Mapping[str, Statement],
    *,
    notation: Mapping[str, Letter] = MappingProxyType({}),
    links: Mapping[str, Sequence[Link]] = MappingProxyType({}),
    strengths: Mapping[str, str] = MappingProxyType({}),
    trends: Mapping[str, Sequence[Moment]] = MappingProxyType({}),
) -> list[ClaimView]:
    """Return what is shown of every claim, those of the paper's own settings first."""
    observed: dict[str, list[Mapping[str, Any]]] = {}
    for record in results.observations:
        observed.setdefault(record["claim"], []).append(record)
    found = dict.fromkeys([*claims, *results.header["claims"]])
    names = sorted(found, key=lambda name: name.partition("-")[0] not in SETTINGS)
    return [
        claim_view(
            name,
            claims.get(name),
            results.claims.get(name),
            observed.get(name, []),
            results.header,
            notation,
            links.get(name, ()),
            strengths.get(_kind(name, claims, results), ""),
            trends.get(name, ()),
        )
        for name in names
    ]


def _kind(name: str, claims: Mapping[str, Statement], results: Results) -> str:
    record = results.claims.get(name)
    return str(record["kind"] if record else claims[name].kind if name in claims else "")


def _letters(
    views: Sequence[ClaimView], notation: Mapping[str, Letter]
) -> list[tuple[str, Markup, str, str]]:
    """Return (name, letter, meaning, unit) of every letter that a section uses, once."""
    used = {letter for view in views if view.has_section for letter in view.letters}
    return [
        (name, letter_mathml(name), row.meaning, row.unit)
        for name, row in notation.items()
        if name in used
    ]


def _relations(views: Sequence[ClaimView]) -> list[tuple[str, Markup]]:
    """Return (text, relation) of every assumption that has one, once."""
    found = {
        (text, relation): None
        for view in views
        if view.has_section
        for text, relation in view.assumptions
        if relation is not None
    }
    return sorted(found)


def with_shared_definitions(
    views: Sequence[ClaimView],
) -> tuple[list[ClaimView], list[list[Markup]]]:
    """Return the views without the definitions that at least three have, and those definitions."""
    counts = Counter("".join(d) for view in views if view.has_section for d in view.definitions)
    shared = {text for text, count in counts.items() if count >= SHARED_BY}
    found: dict[str, list[Markup]] = {}
    kept = []
    for view in views:
        common = [d for d in view.definitions if "".join(d) in shared]
        own = [d for d in view.definitions if "".join(d) not in shared]
        found |= {"".join(d): d for d in common}
        kept.append(replace(view, definitions=own, shared_definitions=[d[0] for d in common]))
    return kept, list(found.values())


def _shown(verdict: str, counts: Counter[str]) -> bool:
    return verdict != "error" or counts[verdict] > 0


def _conclusion(counts: Counter[str]) -> str:
    run = sum(counts.values()) - counts[NOT_RUN]
    if run == 0:
        return "No claim has been run."
    words = "claim that was run is" if run == 1 else "claims that were run are"
    if counts["confirmed"] == run:
        return f"{'The one' if run == 1 else f'All {run}'} {words} confirmed."
    rest = [f"{counts[v]} {v}" for v in ("refuted", "inconclusive") if counts[v]]
    rest += [f"{counts['error']} ended in an error"] if counts["error"] else []
    return f"{counts['confirmed']} of {run} claims confirmed; {', '.join(rest)}."


def _facts(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    device = header["device"]
    if header.get("device_name"):
        device += f" ({header['device_name']})"
    facts = [
        ("lpfl", header["lpfl_version"]),
        ("profile", header["profile"]),
        ("seed", str(header["seed"])),
        ("device", device),
        ("dtype", header["dtype"]),
        ("threads", str(header["threads"])),
    ]
    facts += [("started", header["started"])] if header.get("started") else []
    return facts + sorted((name, version) for name, version in header["versions"].items())
