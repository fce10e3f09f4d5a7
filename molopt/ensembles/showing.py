"""What a notebook shows of an ensemble."""

from typing import TYPE_CHECKING

from ase import Atoms

from molopt.drawing.viewing import Viewer, viewed
from molopt.ensembles.fields import NAMED
from molopt.notebook import beside, html_table
from molopt.report.figures.levels import ensemble_svg

if TYPE_CHECKING:
    from molopt.ensembles.ensemble import Ensemble

SHOWN = 10  # conformers
COLUMNS = tuple(NAMED[name].column for name in ("number", "relative_energy", "population", "stationary"))


def html_of(ensemble: "Ensemble") -> str:
    """A table of the first conformers, the formula, and energies against populations."""
    rows = [[column.cell(row).text for column in COLUMNS] for row in ensemble.rows()[:SHOWN]]
    more = f"; the first {SHOWN}" if len(ensemble) > SHOWN else ""
    table = html_table(repr(ensemble).strip("<>") + more, [column.titled for column in COLUMNS], rows)
    return beside(table, ensemble.molecule.to_svg() + (ensemble_svg(ensemble) if len(ensemble) else ""))


def view_of(ensemble: "Ensemble") -> Viewer:
    known = {
        "RMSD from the lowest / Å": ensemble.rmsd_from_lowest(),
        "above the lowest / (kcal/mol)": ensemble.relative,
        "population / %": 100 * ensemble.populations,
    }
    return viewed([Atoms(ensemble.molecule.numbers, there) for there in ensemble.positions], known)
