"""What the page of a study is put together from."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self, TypeVar

from molopt.columns import Cell, Column

Row = TypeVar("Row")


class Figure(NamedTuple):
    """A drawing.

    Attributes
    ----------
    title, caption : str
        Text: it is escaped.
    svg : str
        An `<svg>` element, put into the page as it is: whoever draws it escapes the names in it. It has no scripts; its
        text is `currentColor`, its colours are right on light and dark pages by CSS's `light-dark`.
    """

    title: str
    caption: str
    svg: str


class Heading(NamedTuple):
    """Of a column, and what it means: a hint where the pointer rests."""

    text: str
    meaning: str = ""


class Table(NamedTuple):
    """Rows under headings, each row as long as the headings; all of it text, which is escaped."""

    title: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    @classmethod
    def of(cls, title: str, columns: Sequence[Column[Row]], rows: Iterable[Row], caption: str = "") -> Self:
        """The table with these columns."""
        headings = [Heading(column.titled, column.meaning) for column in columns]
        return cls(title, headings, [[column.cell(row) for column in columns] for row in rows], caption)

    def markdown(self) -> str:
        """The table as Markdown, under its title and caption.

        >>> print(Table("Sums", [Heading("name"), Heading("sum")], [[Cell("a|b"), Cell("3", 3)]]).markdown())
        ## Sums
        <BLANKLINE>
        | name | sum |
        | --- | ---: |
        | a\\|b | 3 |
        """
        titles = [heading.text for heading in self.headings]
        rules = ["---:" if numeric else "---" for numeric in self.numeric()]
        rows = [titles, rules, *([cell.text for cell in row] for row in self.rows)]
        lines = [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in rows]
        return "\n".join([f"## {self.title}", "", *([self.caption, ""] if self.caption else []), *lines])

    def numeric(self) -> list[bool]:
        """Whether each column is one of numbers.

        >>> rows = [[Cell("bfgs"), Cell("12", 12)], [Cell("fire"), Cell("-")]]
        >>> Table("", [Heading("name"), Heading("calls")], rows).numeric()
        [False, True]
        """
        return [numbers(row[column] for row in self.rows) for column in range(len(self.headings))]


def numbers(cells: Iterable[Cell]) -> bool:
    """Whether these are numbers, and some of them known: a cell without a value is a dash or a remark."""
    values = [cell.value for cell in cells]
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)
