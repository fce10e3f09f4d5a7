"""What is said of a field wherever it is shown (meaning, unit, heading, format), and the columns of tables."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import (
    Annotated,
    Generic,
    NamedTuple,
    Protocol,
    SupportsFloat,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np
from ase import Atoms

from molopt.potentials.counting import ForceCall
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import Verdict, Word, meanings

UNKNOWN = "-"
LARGE = 1e6  # from which a number is shown with an exponent
SCALES = {"meV": 1e-3, "ms": 1e-3, "%": 1e-2}  # of units that tables show, in those that are stored: eV, s, shares
TYPESET = {"A": "Å", "eV/A": "eV/Å", "eV/A^2": "eV/Å²"}  # where a page is not limited to ASCII

Value: TypeAlias = str | int | float | None  # of a field
Row = TypeVar("Row")
Schema = TypeVar("Schema")


class Finished(Protocol):
    """What an entry is read from: a finished run, as `molopt.Result`."""

    @property
    def atoms(self) -> Atoms: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def curvature(self) -> Curvature | None: ...
    @property
    def energy_left(self) -> SupportsFloat | None: ...
    @property
    def trace(self) -> Sequence[ForceCall]: ...


class Cell(NamedTuple):
    """An entry of a table: its text, and what it is sorted by if that is not the text.

    A column all of whose values are numbers is set flush right; cells without a number stay last in either order.
    """

    text: str
    value: float | str | None = None


@dataclass(frozen=True)
class Entry:
    """What the schema says of a field beside its name, type and default, which its dataclass has.

    Attributes
    ----------
    meaning : str
        In one line.
    unit : str
        Of the value as it is stored and exported.
    heading : str
        Above a column; by default the name of the field.
    narrow : str
        The heading where a table has one line of it; by default the same.
    shown : str, optional
        The unit in tables, where it is another (a key of `SCALES`) or none, as the heading says it.
    digits : int
        After the point, in tables.
    words : mapping, optional
        The words that it may be, with their meanings.
    good : str
        The word that is good news.
    least : int
        The smallest whole number that it may be.
    read : callable, optional
        Its value, given a finished run; none where the run does not know it.
    """

    meaning: str
    unit: str = ""
    heading: str = ""
    narrow: str = ""
    shown: str | None = None
    digits: int = 0
    words: Mapping[str, Word] | None = None
    good: str = ""
    least: int = 0
    read: Callable[[Finished], object] | None = None

    def cell(self, value: object) -> Cell:
        """A value as tables show it."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            scaled = value / SCALES[self.shown] if self.shown in SCALES else value
            return Cell(number(scaled, self.digits), scaled if math.isfinite(scaled) else None)
        return Cell(UNKNOWN if value is None or value == "" else str(value))


@cache
def entries(schema: type) -> dict[str, Entry]:
    """The entry of each field of a dataclass whose fields are `Annotated` with one."""
    hints = get_type_hints(schema, include_extras=True)
    return {name: get_args(hint)[1] for name, hint in hints.items() if get_origin(hint) is Annotated}


@cache
def kinds(schema: type) -> dict[str, object]:
    """The plain type of each of these fields."""
    hints = get_type_hints(schema)
    return {name: hints[name] for name in entries(schema)}


def documented(schema: type[Schema]) -> type[Schema]:
    """List the entries of a dataclass at the end of its docstring, which says what else there is to say."""
    known: type = schema
    found = ["", "    Fields", "    ------"]
    for name, entry in entries(known).items():
        kind = kinds(known)[name]
        unit = f" ({entry.unit})" if entry.unit else ""
        found += [f"    {name} : {kind.__name__ if isinstance(kind, type) else kind}{unit}", f"        {entry.meaning}"]
    schema.__doc__ = f"{(schema.__doc__ or '').rstrip()}\n" + "\n".join([*found, "    "])
    return schema


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column of a table: what stands above it, and its cell for each row.

    Attributes
    ----------
    name : str
        Of the field, or of what is derived from several.
    heading, narrow, unit, meaning, good : str
        As of an `Entry`, the unit that of tables.
    cell : callable
        The cell of a row.
    numeric : bool
        Whether cells are numbers.
    """

    name: str
    heading: str
    cell: Callable[[Row], Cell]
    unit: str = ""
    meaning: str = ""
    narrow: str = ""
    good: str = ""
    numeric: bool = True

    @property
    def titled(self) -> str:
        """The heading of a page's table, with its unit in brackets."""
        return f"{self.heading} ({typeset(self.unit)})" if self.unit else self.heading

    @property
    def stacked(self) -> str:
        """The heading of a narrow column: one word a line, the unit below."""
        return "\n".join(filter(None, (*self.heading.split(" "), self.unit)))

    @property
    def stacked_on_page(self) -> str:
        return "\n".join(filter(None, (*self.heading.split(" "), typeset(self.unit))))

    @property
    def lined(self) -> str:
        """The heading where there is one line of it, with the unit behind it."""
        return " ".join(filter(None, (self.narrow or self.heading, self.unit)))

    @property
    def tagged(self) -> str:
        """The name of a data field, with its unit."""
        unit = self.unit.replace("/", "_per_").replace("^", "")
        return f"{self.name}_{unit}" if unit else self.name


@dataclass(frozen=True)
class Field(Generic[Row]):
    """What is said of a thing in files and tables: its name, its meaning, its value, and how that is shown.

    Attributes
    ----------
    name, meaning, unit
        As of an `Entry`.
    value : callable
        Of a row; None where it is not known.
    digits : int
        After the point, in tables.
    numeric : bool
    heading : str
        In tables; by default the name.
    shown : str, optional
        The unit in tables, where it is another.
    """

    name: str
    meaning: str
    value: Callable[[Row], Value]
    unit: str = ""
    digits: int = 0
    numeric: bool = True
    heading: str = ""
    shown: str | None = None

    @property
    def tagged(self) -> str:
        """The name of a data field, with its unit."""
        return replace(self, shown=None).column.tagged

    @property
    def column(self) -> Column[Row]:
        """Of a table."""
        unit = self.unit if self.shown is None else self.shown
        entry = Entry(self.meaning, self.unit, shown=self.shown, digits=self.digits)
        return Column(
            self.name,
            self.heading or self.name.replace("_", " "),
            lambda row: entry.cell(self.value(row)),
            unit,
            self.meaning,
            numeric=self.numeric,
        )


def column(schema: type, name: str, value: Callable[[Row], object]) -> Column[Row]:
    """The column of a field, given where a row has it."""
    entry, kind = entries(schema)[name], kinds(schema)[name]
    return Column(
        name=name,
        heading=entry.heading or name.replace("_", " "),
        cell=lambda row: entry.cell(value(row)),
        unit=entry.unit if entry.shown is None else entry.shown,
        meaning=entry.meaning if entry.words is None else meanings(entry.words),
        narrow=entry.narrow,
        good=entry.good,
        numeric=kind in (int, float),
    )


def chosen(columns: Iterable[Column[Row]], *names: str) -> tuple[Column[Row], ...]:
    """The columns of these names, in their order; KeyError for a name that none has."""
    known = {column.name: column for column in columns}
    return tuple(known[name] for name in names)


def known(value: float | None, scale: float = 1.0) -> float | None:
    """A number in another unit; None where it is not known."""
    return None if value is None or not math.isfinite(value) else float(value) / scale


def number(value: float, digits: int) -> str:
    """Fixed digits; scientific where that would be long; a dash where it is not known.

    >>> number(12, 0), number(0.12345, 2), number(2e7, 2), number(math.nan, 2)
    ('12', '0.12', '2.0e+07', '-')
    """
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}" if abs(value) < LARGE or isinstance(value, int) else f"{value:.1e}"


def typeset(unit: str) -> str:
    """A unit as a page writes it.

    >>> typeset("eV/A"), typeset("meV")
    ('eV/Å', 'meV')
    """
    return TYPESET.get(unit, unit)


def plain(value: object) -> object:
    """A value fit for JSON: arrays are lists, and what is not finite is None."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
