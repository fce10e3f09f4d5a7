"""What is said of a conformer in files and tables, each said once: name, meaning, unit and format."""

from typing import NamedTuple

from ase import units

from molopt.columns import Field, known
from molopt.ensembles.conformer import SOURCES, Conformer
from molopt.stationary.verdict import ENDED, MOLECULE, STATIONARY, meanings

DEBYE = units.Debye  # e A


class Row(NamedTuple):
    """A conformer and how it stands among the others of its ensemble."""

    number: int  # from 1, in the order of the ensemble
    conformer: Conformer
    relative: float  # kcal/mol
    population: float
    radius_of_gyration: float  # A
    relative_free: float | None = None  # kcal/mol


FIELDS: tuple[Field[Row], ...] = (
    Field("number", "in the order of the file, from 1", lambda row: row.number),
    Field("energy", "of the potential that ranks", lambda row: known(row.conformer.energy), "eV", 6),
    Field("relative_energy", "above the lowest", lambda row: known(row.relative), "kcal/mol", 2),
    Field("population", "the share of molecules, at the temperature of the ensemble", lambda row: row.population,
          digits=2, shown="%"),
    Field("degeneracy", "how many it stands for: equal atoms exchanged, mirror images",
          lambda row: row.conformer.degeneracy),
    Field("free_energy", "electronic energy, rigid rotor and quasi-harmonic vibrations",
          lambda row: known(row.conformer.free_energy), "eV", 6),
    Field("relative_free_energy", "above the lowest free energy", lambda row: known(row.relative_free), "kcal/mol", 2),
    Field("ended", meanings(ENDED), lambda row: row.conformer.verdict.ended, numeric=False),
    Field("stationary", meanings(STATIONARY), lambda row: row.conformer.verdict.stationary, numeric=False,
          heading="end"),
    Field("identity", meanings(MOLECULE), lambda row: row.conformer.verdict.molecule, numeric=False,
          heading="molecule"),
    Field("why", "the evidence for the verdict", lambda row: row.conformer.verdict.why or None, numeric=False),
    Field("fmax", "the longest force on an atom", lambda row: known(row.conformer.fmax), "eV/A", 4),
    Field("energy_left", "above the floor of its basin, as estimated",
          lambda row: known(row.conformer.energy_left, 1e-3), "meV", 2),
    Field("dipole", "the length of the dipole moment", lambda row: known(row.conformer.dipole, DEBYE), "D", 2),
    Field("radius_of_gyration", "of all atoms, by their masses", lambda row: row.radius_of_gyration, "A", 2,
          heading="gyration radius"),
    Field("source", "; ".join(f"{name}: {meaning}" for name, meaning in SOURCES.items()),
          lambda row: row.conformer.source, numeric=False),
    Field("seed", "of the embedding or of the move", lambda row: row.conformer.seed),
    Field("calls", "force calls of the potential that ranks, spent on it", lambda row: row.conformer.calls),
)  # fmt: skip
NAMED = {field.name: field for field in FIELDS}
