"""Tables of HTML, as notebooks show what molopt returns."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line above it; nothing in its texts is markup.

    >>> html_table("<b>", ["end"], [["minimum"]])
    '<table><caption>&lt;b&gt;</caption><tr><th>end</th></tr><tr><td>minimum</td></tr></table>'
    """
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"
