"""One page per statement: what it says, typeset, on what it rests, and the committed verdict."""

import json
import os
from html import escape
from pathlib import Path

from lpfl.report.formulas import letter_mathml, pieces, to_mathml
from lpfl.report.prose import part_words, prose
from lpfl.report.source_links import checkout_root, source_href, source_path
from lpfl.verify.registry import CHECKS
from theory.claims import PACKS

HEAD = "# {id}: {title}\n\n"


def write(folder, *, baseline):
    """Write ``claims/`` below ``folder``: an index by pack, and a page for each statement."""
    pages = folder / "claims"
    pages.mkdir(parents=True, exist_ok=True)
    verdicts = json.loads(baseline.read_text())["claims"]
    built = folder.parent / "_build" / "html" / folder.name / pages.name
    for pack in PACKS.values():
        for claim in pack.claims.values():
            text = page(claim, verdicts.get(claim.id), built)
            replace(pages / f"{claim.id}.md", text)
    replace(pages / "index.md", index(verdicts))


def replace(path, text):
    """Write a page unless it already stands there: Sphinx then skips it."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def index(verdicts):
    """Return the list of all statements, pack by pack, with the verdict of the committed run."""
    lines = [
        "# The statements",
        "",
        "A plus sign marks what goes beyond the paper, or corrects its usual reading.",
        "The verdict is that of the committed run (`reports/baseline.json`).",
        "",
    ]
    for pack in PACKS.values():
        lines += [f"## {pack.prefix}: {pack.title}", "", "| statement | kind | verdict |"]
        lines += ["|---|---|---|"]
        for claim in pack.claims.values():
            sign = "+ " if claim.beyond_paper else ""
            verdict = verdicts.get(claim.id, {}).get("verdict", "not in the committed run")
            title = f"[{claim.id}]({claim.id}.md) {sign}{prose(claim.title)}"
            lines.append(f"| {title} | {claim.kind.value} | {verdict} |")
        names = "\n".join(pack.claims)
        lines += ["", f"```{{toctree}}\n:hidden:\n\n{names}\n```", ""]
    return "\n".join(lines)


def page(claim, verdict, built):
    """Return the page of one statement; built: the folder of the built page, for links to code."""
    kinds = {name: part.kind.value for name, part in claim.parts.items()}
    outcomes = {name: part["outcome"] for name, part in (verdict or {}).get("parts", {}).items()}
    text = HEAD.format(id=claim.id, title=prose(claim.title))
    text += f"{prose(claim.says)}\n\n## Parts\n\n<table class='docutils parts wide'>\n"
    text += "<tr><th>part</th><th>relation</th><th>kind</th><th>committed run</th></tr>\n"
    for name, part in claim.parts.items():
        relation = "<wbr>".join(pieces(part.relation))
        outcome = escape(outcomes.get(name, "not in it"))
        text += f"<tr><td>{escape(part.title or part_words(name))}</td><td>{relation}</td>"
        text += f"<td>{kinds[name]}</td><td>{outcome}</td></tr>\n"
    text += "</table>\n\n"
    if claim.definitions:
        text += "## Where\n\n<table class='docutils wide'>\n"
        for symbol, meaning in claim.definitions.items():
            text += f"<tr><td>{to_mathml(symbol)}</td><td>= {to_mathml(meaning)}</td></tr>\n"
        text += "</table>\n\n"
    text += "## Letters\n\n<table class='docutils'>\n"
    for entry in claim.letters():
        text += f"<tr><td>{letter_mathml(entry.symbol.name)}</td>"
        text += f"<td><code>{entry.code_name}</code></td><td>{prose(entry.meaning)}</td></tr>\n"
    text += "</table>\n\n"
    if claim.assumptions:
        text += "## Assumptions\n\n"
        text += "".join(f"- {prose(assumption.text)}\n" for assumption in claim.assumptions) + "\n"
    text += f"## Source\n\n{prose(str(claim.source))}\n\n## Code\n\n"
    text += f"- formula: {place(claim.defined_at, built)}\n"
    text += f"- check: {place(CHECKS[claim.id].defined_at, built)}\n"
    if verdict:
        text += f"- {committed_page(claim.id, built)}\n"
    text += f"\n```\nlpfl verify --claims {claim.id}\n```\n"
    return text


def committed_page(claim_id, built):
    """Return a link to the pictures and measured numbers of a statement in the committed run."""
    root = checkout_root()
    if root is None:
        return "pictures and measured numbers: `reports/reference/index.html`"
    page = os.path.relpath(root / "reports" / "reference" / "index.html", built)
    return f'<a href="{Path(page).as_posix()}#{claim_id}">pictures and measured numbers</a>'


def place(defined_at, built):
    """Return file and line, as a link where the file is known."""
    text, href = source_path(*defined_at), source_href(*defined_at, built)
    return f'<a href="{escape(href)}"><code>{text}</code></a>' if href else f"`{text}`"
