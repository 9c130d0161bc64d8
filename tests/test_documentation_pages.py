"""The pages of the documentation that are made from the code."""

from pathlib import Path

from lpfl.optim import OPTIMIZERS
from theory import CLAIMS

ROOT = Path(__file__).resolve().parent.parent


def test_every_statement_and_optimizer_has_a_page(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from generate import optimizers, paper, statements

    baseline = ROOT / "reports" / "baseline.json"
    statements.write(tmp_path, baseline=baseline)
    paper.write(tmp_path, baseline=baseline)
    optimizers.write(tmp_path)
    pages = {page.stem for page in (tmp_path / "claims").glob("*.md")}
    assert set(CLAIMS) | {"index"} == pages
    listed = (tmp_path / "optimizers.md").read_text(encoding="utf-8")
    assert all(f"## {name}\n" in listed for name in OPTIMIZERS)
    assert "confirmed" in (tmp_path / "paper.md").read_text(encoding="utf-8")
