"""HTML of what molopt returns, as notebooks show it; nothing in its texts is markup."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

GAP = "1.5em"
DRAWING = 230  # pixels, the width of a drawing or a curve
TEXT = "20em"  # the width of a fact that is a sentence
LONGEST = 400  # characters of a fact, such as the SMILES of a protein
LEFT = "text-align:left"  # notebooks set cells flush right
WRAPPED = f"{LEFT};max-width:{TEXT};overflow-wrap:anywhere"


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line above it.

    >>> html_table("<b>", ["end"], [["minimum"]]).partition("caption style")[2]
    '="text-align:left">&lt;b&gt;</caption><tr><th>end</th></tr><tr><td>minimum</td></tr></table>'
    """
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table><caption style="{LEFT}">{escape(caption)}</caption><tr>{head}</tr>{body}</table>'


def html_facts(caption: str, facts: Mapping[str, str]) -> str:
    """A table of one thing, a line a fact; facts that are empty are left out.

    >>> html_facts("water", {"atoms": "3", "note": ""}).count("<tr>")
    1
    """
    cells = (
        f'<tr><th style="{LEFT}">{escape(name)}</th><td style="{WRAPPED}">{escape(shortened(fact))}</td></tr>'
        for name, fact in facts.items()
        if fact
    )
    return f'<table><caption style="{LEFT}">{escape(caption)}</caption>{"".join(cells)}</table>'


def shortened(fact: str) -> str:
    return fact if len(fact) <= LONGEST else f"{fact[: LONGEST - 1]}…"


def beside(table: str, *drawings: str) -> str:
    """A table with drawings (SVG, as it is) to its right, below it where there is no room; empty ones are left out."""
    parts = [f"<div>{table}</div>"]
    parts += [f'<div style="flex:0 1 {DRAWING}px">{drawing}</div>' for drawing in drawings if drawing]
    return f'<div style="display:flex;flex-wrap:wrap;gap:{GAP};align-items:center">{"".join(parts)}</div>'
