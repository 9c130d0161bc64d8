"""HTML without what a browser adds by itself: some end tags, some quotes, indentation."""

import re

_KEPT = re.compile(r"(<(style|script)\b[^>]*>.*?</\2>)", re.DOTALL)
_OPTIONAL_END = re.compile(r"</(?:td|th|tr|li|dt|dd|tbody|thead|option)>")
_BLOCKS = (
    "article|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|h[1-6]|header|label|legend|li|main|nav|"
    "p|section|summary|svg|table|tbody|td|th|thead|tr|ul|head|body|html|meta|title|style|script"
)
_BETWEEN = re.compile(rf"\s*\n\s*(?=</?(?:{_BLOCKS})\b)")
_AFTER = re.compile(rf"(</?(?:{_BLOCKS})\b[^>]*>)\s*\n\s*")
_QUOTED = re.compile(r'(?<=\s)([\w-]+)="([A-Za-z0-9_.#−-]+)"(?=[\s>])')
_PIECE = re.compile(r"<[^>]*>|[^<]+")


def compact(html: str) -> str:
    """Return the same page in fewer bytes; style and script stay as they are.

    Every text and every value of the page must be escaped: no "<" or ">" outside tags.
    """
    parts = _KEPT.split(html)
    return "".join(
        _smaller(part) if place % 3 == 0 else part
        for place, part in enumerate(parts)
        if place % 3 != 2
    )


def _smaller(html: str) -> str:
    html = _OPTIONAL_END.sub("", html)
    html = _BETWEEN.sub("", _AFTER.sub(r"\1", html))
    html = re.sub(r" *\n\s*", "\n", html)
    return _PIECE.sub(_shorter, html)


def _shorter(piece: re.Match[str]) -> str:
    """Return a tag without quotes that it can lack, or a text with its quotes as they are."""
    text = piece[0]
    if text.startswith("<"):
        return _QUOTED.sub(r"\1=\2", text)
    return text.replace("&#34;", '"').replace("&#39;", "'")
