"""Sphinx: the pages of docs/, with one page per statement and optimizer made from the code."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generate import checks, docstrings, optimizers, paper, statements  # noqa: E402

import lpfl  # noqa: E402

project = "lpfl"
author = "The lpfl authors"
copyright = "The lpfl authors, MIT licence"
release = version = lpfl.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "examples"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
html_theme = "furo"
html_title = "lpfl"
html_static_path = ["style"]
html_css_files = ["lpfl.css"]
html_show_sphinx = False


def setup(app):
    """Write the generated pages before Sphinx looks for its sources."""
    statements.write(HERE / "generated", baseline=HERE.parent / "reports" / "baseline.json")
    paper.write(HERE / "generated", baseline=HERE.parent / "reports" / "baseline.json")
    optimizers.write(HERE / "generated")
    checks.write(HERE / "generated")
    app.connect("autodoc-process-docstring", docstrings.as_written)
