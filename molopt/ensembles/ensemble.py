"""The conformers of a molecule, certified and ranked."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self, SupportsIndex, overload

import numpy as np
from ase import Atoms
from rdkit import Chem

from molopt.ensembles import writing
from molopt.ensembles.comparing import apart_from, between, degrees, soft_torsions
from molopt.ensembles.conformer import Conformer, Round, SetAside
from molopt.ensembles.fields import NAMED, Row
from molopt.ensembles.plain_data import from_plain, to_plain
from molopt.ensembles.ranking import in_order, mean, standing
from molopt.ensembles.shapes import Shapes
from molopt.errors import InputError, MissingExtra
from molopt.molecules import Molecule
from molopt.molecules.writing import write
from molopt.rules.partition import Array
from molopt.spelling import amount
from molopt.stationary.verdict import Verdict

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from molopt.drawing.viewing import Viewer

__all__ = ["Averages", "Conformer", "Ensemble", "Round", "SetAside"]

ROOM = 298.15  # K


class Averages(NamedTuple):
    """Of an ensemble, over its populations; None where a value that counts is not known."""

    energy: float | None  # eV
    dipole: float | None  # e A
    radius_of_gyration: float | None  # A


class Ensemble(Sequence[Conformer]):
    """The conformers of a molecule in the order of their energies, or of what `sorted_by` was told.

    A slice is an ensemble, too: its relative energies, populations and averages are those of its own conformers.

    Parameters
    ----------
    molecule : Molecule
        At any geometry.
    conformers : iterable of Conformer
    potential : str
        That ranks.
    temperature : float
        K, of populations and averages.
    window : float, optional
        kcal/mol above the lowest, within which conformers were kept; None where all were.
    set_aside : sequence of SetAside
        What was relaxed and not kept, and why.
    rounds : sequence of Round
        How the search went.
    generated : dict of str to int
        How many starts each source gave.
    force_calls : dict of str to int
        By potential, all of them together.
    stopped : str
        Why the search ended.
    unseen : (float, float), optional
        The share of the ensemble that is still unseen by Good and Turing's estimate, and its error.
    notes : sequence of str
        What a reader must know besides.
    order : str
        By which it is sorted: the name of a number in `molopt.ensembles.fields`.

    Examples
    --------
    >>> butane = Molecule.from_smiles("CCCC")
    >>> found = [Conformer(butane.positions, energy, degeneracy=g) for energy, g in ((0.039, 2), (0.0, 1))]
    >>> ensemble = Ensemble(butane, found, "mmff94s")
    >>> ensemble.relative.round(2), ensemble.populations.round(2)
    (array([0. , 0.9]), array([0.7, 0.3]))
    >>> ensemble
    <Ensemble C4H10: 2 conformers (0 minima) within 0.9 kcal/mol, mmff94s, lowest 0.000000 eV>
    >>> len(ensemble[:1]), ensemble[0].energy
    (1, 0.0)
    """

    def __init__(
        self,
        molecule: Molecule,
        conformers: Iterable[Conformer],
        potential: str,
        temperature: float = ROOM,
        window: float | None = None,
        set_aside: Sequence[SetAside] = (),
        rounds: Sequence[Round] = (),
        generated: Mapping[str, int] | None = None,
        force_calls: Mapping[str, int] | None = None,
        stopped: str = "",
        unseen: tuple[float, float] | None = None,
        notes: Sequence[str] = (),
        order: str = "energy",
    ) -> None:
        self.molecule = molecule
        self.potential = potential
        self.temperature: float = float(temperature)
        self.window = window
        self.set_aside: list[SetAside] = list(set_aside)
        self.rounds: list[Round] = list(rounds)
        self.generated: dict[str, int] = dict(generated or {})
        self.force_calls: dict[str, int] = dict(force_calls or {})
        self.stopped = stopped
        self.unseen = unseen
        self.notes: list[str] = list(notes)
        self.order = order
        conformers = tuple(conformers)
        for conformer in conformers:
            if conformer.positions.shape != (len(molecule), 3):
                said = f"({len(molecule)}, 3), got {conformer.positions.shape}"
                raise InputError(f"a conformer of {molecule.name} needs positions of shape {said}")
        if order not in NAMED or not NAMED[order].numeric:
            numbers = ", ".join(name for name, field in NAMED.items() if field.numeric and name != "number")
            raise InputError(f"conformers are sorted by a number, got {order!r}: give one of {numbers}")
        masses = Atoms(molecule.numbers).get_masses()
        self._rows = in_order(standing(conformers, masses, self.temperature), NAMED[order])

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: SupportsIndex) -> Conformer: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Conformer | Self:
        if isinstance(place, slice):
            return self.with_conformers(row.conformer for row in self._rows[place])
        return self._rows[place].conformer

    def with_conformers(
        self, conformers: Iterable[Conformer], order: str | None = None, temperature: float | None = None
    ) -> Self:
        """Another ensemble of the same search with these conformers; order and temperature may be others."""
        kelvin = self.temperature if temperature is None else temperature
        search = (self.window, self.set_aside, self.rounds, self.generated, self.force_calls, self.stopped, self.unseen)
        order = self.order if order is None else order
        return type(self)(self.molecule, conformers, self.potential, kelvin, *search, self.notes, order)

    def sorted_by(self, name: str) -> Self:
        """The same in the order of a field: energy, free_energy, population, calls, ...; unknown values last."""
        return self.with_conformers(self, order=name)

    @cached_property
    def energies(self) -> Array:
        """(S,) eV."""
        return np.array([conformer.energy for conformer in self], dtype=float)

    @cached_property
    def relative(self) -> Array:
        """(S,) kcal/mol above the lowest energy."""
        return np.array([row.relative for row in self._rows], dtype=float)

    @cached_property
    def populations(self) -> Array:
        """(S,) which add up to 1, at the temperature of the ensemble: see `molopt.ensembles.ranking.standing`."""
        return np.array([row.population for row in self._rows], dtype=float)

    @property
    def has_free_energies(self) -> bool:
        """Whether populations are those of free energies."""
        return any(conformer.free_energy is not None for conformer in self)

    @property
    def verdicts(self) -> list[Verdict]:
        """Of each conformer."""
        return [conformer.verdict for conformer in self]

    @cached_property
    def positions(self) -> Array:
        """(S, N, 3) Angstrom."""
        return np.array([conformer.positions for conformer in self]).reshape(len(self), len(self.molecule), 3)

    @cached_property
    def radii_of_gyration(self) -> Array:
        """(S,) Angstrom."""
        return np.array([row.radius_of_gyration for row in self._rows], dtype=float)

    def averages(self) -> Averages:
        """Energy (eV), dipole (e A) and radius of gyration (A) over the populations."""
        dipoles = np.array([np.nan if c.dipole is None else c.dipole for c in self], dtype=float)
        values = (self.energies, dipoles, self.radii_of_gyration)
        return Averages(*(mean(column, self.populations) for column in values))

    def rmsd(self, mirror: str = "merge") -> Array:
        """(S, S) Angstrom, of heavy atoms and polar hydrogens, best over rotations and exchanges of equal atoms.

        Mirror images of an achiral molecule are one, unless `mirror` is "keep".
        """
        return between(Shapes(self.molecule, mirror), self.positions)

    def rmsd_from_lowest(self) -> Array:
        """(S,) Angstrom, of each conformer from the one of lowest energy, as `rmsd` has it."""
        if not len(self):
            return np.zeros(0)
        return apart_from(Shapes(self.molecule), self.positions, int(self.energies.argmin()))

    def torsions(self) -> tuple[list[str], Array]:
        """Names of the soft torsions, atoms counted from 0, and their values (S, t) in degrees, -180 to 180."""
        names, found = soft_torsions(self.molecule)
        return names, degrees(self.positions, found)

    def rows(self) -> tuple[Row, ...]:
        """Each conformer and how it stands among the others."""
        return self._rows

    def to_rdkit(self) -> Chem.Mol:
        """One RDKit molecule with all conformers, each with the fields of its row as properties."""
        return writing.rdkit_mol(self)

    def to_ase(self) -> list[Atoms]:
        """One Atoms a conformer, with its energy, and the fields of its row in `info`."""
        return writing.ase_atoms(self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write all conformers into one file as its ending says: .sdf, .xyz, .extxyz, .pdb or .traj, with their fields.

        `to_xyz` writes XYZ as CREST does.
        """
        write(path, writing.structures(self))

    def to_sdf(self, path: str | os.PathLike[str]) -> None:
        """Write one record a conformer, with its fields; see `molopt.ensembles.fields`."""
        writing.write_sdf(self, path)

    def to_xyz(self, path: str | os.PathLike[str]) -> None:
        """Write one frame a conformer as CREST does: the energy in hartree is the comment."""
        writing.write_xyz(self, path)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one line a conformer: its fields, and the soft torsions in degrees."""
        writing.write_csv(self, path)

    def to_frame(self) -> "pandas.DataFrame":
        """The table of `to_csv` for pandas, which must be installed."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("frame", "a table for pandas") from None
        return pandas.DataFrame(writing.columns(self))

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """Relative energies against populations, and against the RMSD from the lowest conformer.

        With a path, the figure is written there, too: .png, .svg or .pdf.
        """
        from molopt.drawing.saving import saved
        from molopt.report.figures.levels import ensemble_figure

        return saved(ensemble_figure(self), path)

    def view(self) -> "Viewer":
        """The conformers in 3D beside a map of their energies, in a notebook; chemiscope must be installed."""
        from molopt.ensembles.showing import view_of

        return view_of(self)

    def as_data(self) -> dict[str, object]:
        """All of it as plain values, fit for JSON, and arrays, which are under "arrays"."""
        return to_plain(self)

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Self:
        """What `as_data` gave, back; InputError where it is not that."""
        return cls(**from_plain(data))

    def _repr_html_(self) -> str:
        from molopt.ensembles.showing import html_of

        return html_of(self)

    def __repr__(self) -> str:
        if not len(self):
            return f"<Ensemble {self.molecule.name}: {self.counts}, {self.potential}>"
        lowest = f"{self.potential}, lowest {self.energies.min():.6f} eV"
        return f"<Ensemble {self.molecule.name}: {self.counts}, {lowest}>"

    @property
    def counts(self) -> str:
        """How many conformers there are, how many of them are minima, and how high they go."""
        if not len(self):
            return "no conformers"
        minima = sum(verdict.stationary == "minimum" for verdict in self.verdicts)
        return f"{amount(len(self), 'conformer')} ({minima} minima) within {self.relative.max():.1f} kcal/mol"
