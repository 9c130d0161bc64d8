"""A self-contained page from a results file."""

from lpfl.report.page import build_page, write_page

__all__ = ["build_page", "write_page"]
