"""The potentials that have names, as a table: what they are, which atoms they know, what a force call costs here."""

import time
from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from rich.table import Table

from molopt.errors import MissingExtra
from molopt.molecules import Molecule
from molopt.potentials import potential, potential_names

CALLS = 5  # of which the median counts
PROBE = "aladip"  # 22 atoms, which all of them know
KNOWN = {
    "mmff94": ("Merck's force field, of RDKit", "H C N O F Si P S Cl Br I where it has a type for them; common ions"),
    "mmff94s": ("the same with flatter nitrogens", "as mmff94"),
    "uff": ("the universal force field, of RDKit", "all to Lr"),
    "gfn2-xtb": ("tight binding, of tblite", "all to Rn"),
    "gfn1-xtb": ("its forerunner, of tblite", "all to Rn"),
}


class Row(NamedTuple):
    """One potential; `milliseconds` of a force call are None where an extra is missing, which `needs` then names."""

    name: str
    what: str
    atoms: str
    milliseconds: float | None
    needs: str


def potential_rows() -> Iterator[Row]:
    """All that have names, each asked for the forces of a molecule of 22 atoms."""
    molecule = Molecule.named(PROBE)
    for name in potential_names():
        try:
            yield Row(name, *KNOWN[name], cost(name, molecule), "")
        except MissingExtra as missing:
            yield Row(name, *KNOWN[name], None, str(missing))


def cost(name: str, molecule: Molecule) -> float:
    """Milliseconds of a force call at a new geometry."""
    atoms = molecule.atoms()
    atoms.calc = potential(name, molecule)
    taken = []
    for seed in range(CALLS + 1):  # the first sets up
        atoms.rattle(0.01, seed=seed)
        begun = time.perf_counter()
        atoms.get_forces()
        taken.append(time.perf_counter() - begun)
    return 1000 * median(taken[1:])


def potential_table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("name", "what", "atoms"):
        table.add_column(heading, overflow="fold")
    table.add_column("ms a call", justify="right")
    for row in rows:
        table.add_row(
            row.name, row.what, row.atoms, row.needs if row.milliseconds is None else f"{row.milliseconds:.2f}"
        )
    return table
