"""Which runs of a molecule ended in the same basin."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molopt.comparison.problems import went_through
from molopt.record import Record

ENERGY = 0.001  # eV between two floors of one basin
RMSD = 0.1  # A, over heavy atoms and polar hydrogens
MATCHES = 10_000  # symmetric numberings that are tried; where there are more, two basins may be one


class Basin(NamedTuple):
    """Where a run came to rest, among the runs of its molecule in its potential.

    Attributes
    ----------
    level : int
        Of its energy, counted from 0, the lowest; floors within 1 meV of the lowest of a level are of that level.
    form : int
        Of its geometry among those of its level, counted from 0: mirror images are two forms.
    """

    level: int
    form: int

    @property
    def lowest(self) -> bool:
        return self.level == 0


def basins(records: Sequence[Record]) -> list[Basin | None]:
    """The basin that each run ended in.

    Two runs share a basin if their floors (`Outcome.floor`: their ends, relaxed on with care) agree within 1 meV and,
    over heavy atoms and hydrogens that are not on carbon, within an RMSD of 0.1 A for the best numbering that symmetry
    allows. Mirror images are different basins of one level.

    Parameters
    ----------
    records : sequence of Record
        Of one molecule in one potential: all its runs, or those of one seed.

    Returns
    -------
    list of Basin or None
        In the order of the records; None where it is not known: the run has no floor, did not go through, or broke
        bonds, so that its floor is that of another molecule.

    Raises
    ------
    ValueError
        The records are of several molecules or potentials.
    """
    if len({(record.plan.place, record.plan.potential) for record in records}) > 1:
        raise ValueError("basins are those of one molecule in one potential, got records of several")
    known = [run for run, record in enumerate(records) if went_through(record) and has_floor(record)]
    found: list[Basin | None] = [None] * len(records)
    bottoms: list[tuple[float, Chem.Mol, Basin]] = []  # of the first, thus lowest, run of each basin
    ground = -math.inf  # of the level
    for run in sorted(known, key=lambda run: records[run].outcome.floor_energy):
        energy, shape = records[run].outcome.floor_energy, skeleton(records[run])
        same = (basin for bottom, other, basin in bottoms if energy - bottom <= ENERGY and same_shape(shape, other))
        basin = next(same, None)
        if basin is None:
            level, form = bottoms[-1][2] if bottoms else Basin(-1, 0)
            if energy - ground <= ENERGY:
                basin = Basin(level, form + 1)
            else:
                basin, ground = Basin(level + 1, 0), energy
            bottoms.append((energy, shape, basin))
        found[run] = basin
    return found


def has_floor(record: Record) -> bool:
    return math.isfinite(record.outcome.floor_energy) and len(record.outcome.floor) == len(record.plan.numbers)


def same_shape(one: Chem.Mol, other: Chem.Mol) -> bool:
    """Whether two skeletons match, as they are numbered or as symmetry lets them be; `one` is moved onto the other."""
    if one.GetNumAtoms() < 2:
        return True
    as_numbered = [(atom, atom) for atom in range(one.GetNumAtoms())]
    if rdMolAlign.AlignMol(one, other, atomMap=as_numbered) <= RMSD:
        return True
    return rdMolAlign.GetBestRMS(one, other, maxMatches=MATCHES, symmetrizeConjugatedTerminalGroups=False) <= RMSD


def skeleton(record: Record) -> Chem.Mol:
    """The floor without the hydrogens on carbon; all bonds are single, so that resonance makes no difference."""
    numbers, bonds = record.plan.numbers, record.plan.bonds
    carbons = {h for pair in bonds for h, c in (pair, pair[::-1]) if numbers[h] == 1 and numbers[c] == 6}
    kept = [atom for atom in range(len(numbers)) if atom not in carbons]
    index = {atom: place for place, atom in enumerate(kept)}
    mol = Chem.RWMol()
    for atom in kept:
        mol.AddAtom(Chem.Atom(numbers[atom]))
        mol.GetAtomWithIdx(index[atom]).SetNoImplicit(True)
    for one, other in bonds:
        if one in index and other in index:
            mol.AddBond(index[one], index[other], Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(kept))
    conformer.SetPositions(record.outcome.floor[kept])
    mol.AddConformer(conformer)
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    return mol.GetMol()
