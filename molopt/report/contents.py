"""What a page says of a study as a whole: its molecules, its runs in one line each, and what determined them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from molopt.columns import UNKNOWN, Cell
from molopt.comparison.basins import Basin
from molopt.drawing.colours import css
from molopt.errors import InputError
from molopt.record import NOT_RUN, Plan, Record
from molopt.report.escaping import shown
from molopt.report.frames import BYTES_PER_ATOM
from molopt.report.labels import label, looks
from molopt.schema import PAGE, Outcome, Standing


class Line(NamedTuple):
    """A run as the page's script has it, which takes the names of these from here.

    Attributes
    ----------
    block : int
        Of the run's geometries in the page.
    optimizer, potential : int
        Their places in the page's lists.
    seed : int
    lowest : float or None
        Energy (eV) that heights are above.
    cells : list
        Of the columns `PAGE` of the schema: text, or text and number.
    """

    block: int
    optimizer: int
    potential: int
    seed: int
    lowest: float | None
    cells: Sequence[str | tuple[str, float | str]]


class End(NamedTuple):
    """What other runs of its problem say of the end of a run.

    Attributes
    ----------
    basin : Basin or None
        That it came to rest in; None where that is not known.
    lowest : float
        The lowest energy of the problem, eV, as the figures have it; NaN where there is none.
    """

    basin: Basin | None = None
    lowest: float = math.nan


class Drawn(NamedTuple):
    """An optimizer in a legend."""

    name: str
    colour: str
    dashes: Sequence[float]


@dataclass
class Entry:
    """A molecule: how it is called, and its runs, each as the page's script wants it."""

    number: int
    name: str
    source: str
    atoms: int
    charge: int
    runs: list[Line] = field(default_factory=list)
    converged: int = 0  # of these runs
    fewest: int | None = None  # force calls of the quickest of those

    def add(self, line: Line, outcome: Outcome) -> None:
        self.runs.append(line)
        if outcome.converged:
            self.converged += 1
            self.fewest = outcome.force_calls if self.fewest is None else min(self.fewest, outcome.force_calls)


@dataclass
class Contents:
    """Of a study, in the order in which its runs came."""

    molecules: dict[tuple[int, str], Entry] = field(default_factory=dict)
    optimizers: dict[str, int] = field(default_factory=dict)
    potentials: dict[str, int] = field(default_factory=dict)
    seeds: set[int] = field(default_factory=set)
    criteria: set[str] = field(default_factory=set)
    caps: set[int] = field(default_factory=set)
    versions: dict[str, set[str]] = field(default_factory=dict)
    runs: int = 0
    not_run: int = 0  # of these, because the potential does not cover the molecule
    atoms: int = 0  # in all runs together

    def add(self, record: Record, end: End) -> None:
        plan, outcome = record.plan, record.outcome
        entry = self.entry(plan)
        optimizer = self.optimizers.setdefault(plan.optimizer, len(self.optimizers))
        potential = self.potentials.setdefault(plan.potential, len(self.potentials))
        standing = Standing(outcome, end.lowest, letters(end.basin))
        cells = [shortest(column.cell(standing)) for column in PAGE]
        entry.add(Line(self.runs, optimizer, potential, plan.seed, known(end.lowest), cells), outcome)
        self.runs += 1
        self.not_run += (outcome.error or "").startswith(NOT_RUN)
        self.atoms += len(plan.numbers)
        self.seeds.add(plan.seed)
        self.criteria.add(criterion(plan))
        self.caps.add(plan.step_limit)
        for package, version in plan.versions.items():
            self.versions.setdefault(package, set()).add(version)

    def entry(self, plan: Plan) -> Entry:
        key = (plan.place, plan.molecule)
        if key not in self.molecules:
            self.molecules[key] = Entry(
                len(self.molecules),
                shown(plan.molecule),
                shown(plan.source),
                len(plan.numbers),
                plan.charge,
            )
        return self.molecules[key]

    def frames(self, budget: float, most: int) -> int:
        """How many frames of each run fit into so many bytes of page; at least its first and its last."""
        return max(2, min(most, int(budget / (BYTES_PER_ATOM * max(1, self.atoms)))))

    def fitting(self, budget: float, frames: int) -> list[Entry]:
        """The first molecules, as many as fit: all of them but in the largest studies."""
        found: list[Entry] = []
        used = 0.0
        for entry in self.molecules.values():
            used += BYTES_PER_ATOM * frames * entry.atoms * len(entry.runs)
            if used > budget and found:
                break
            found.append(entry)
        return found

    def legend(self) -> list[Drawn]:
        """Each optimizer's name and look, the same in the figures."""
        return [Drawn(named(name), css(look.colour), look.dashes) for name, look in looks(self.optimizers).items()]


def contents(records: Iterable[Record], ends: Mapping[str, End]) -> Contents:
    """What the page says of these records; `ends` by the key of a run."""
    found = Contents()
    for record in records:
        found.add(record, ends.get(record.key, End()) if ends else End())
    return found


def letters(basin: Basin | None) -> str:
    """A basin as readers call it: a letter for its level, and a number for a further form of the same energy.

    >>> letters(Basin(0, 0)), letters(Basin(0, 1)), letters(Basin(27, 0)), letters(None)
    ('A', 'A-2', 'BB', '-')
    """
    if basin is None:
        return UNKNOWN
    turn, letter = divmod(basin.level, 26)
    return chr(ord("A") + letter) * (turn + 1) + (f"-{basin.form + 1}" if basin.form else "")


def named(optimizer: str) -> str:
    try:
        return shown(label(optimizer))
    except InputError:
        return shown(optimizer)


def criterion(plan: Plan) -> str:
    left = plan.energy_left_limit
    besides = "" if left is None else f", energy left {left if isinstance(left, str) else f'{left:g} eV'}"
    return f"fmax {plan.fmax_limit:g} eV/Å{besides}"


def shortest(cell: Cell) -> str | tuple[str, float | str]:
    return cell.text if cell.value is None else (cell.text, cell.value)


def known(value: float) -> float | None:
    return value if math.isfinite(value) else None
