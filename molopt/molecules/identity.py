"""Whether a geometry is still that of the same molecule."""

import numpy as np
from ase.data import covalent_radii
from numpy.typing import ArrayLike
from rdkit import Chem

from molopt.coordinates.topology import covalent_bonds
from molopt.molecules.contacts import lengths
from molopt.molecules.molecule import Molecule

BROKEN = 1.4  # times the sum of covalent radii; thermally stretched bonds stay below 1.2
FORMED = 1.15  # times the sum of covalent radii; 1,3-neighbours in cages stay above 1.2
STRETCHED = 1.2  # a bond that is long from the start (to a metal) must also grow by this factor


def bonds_kept(start: Molecule, positions: ArrayLike) -> bool | None:
    """Whether every bond of `start` still is one at `positions` (natoms, 3) in Angstrom, and no other has formed.

    A bond is broken when it is longer than 1.4 times the sum of the covalent radii and has grown by a fifth; it
    has formed where two atoms that were not bonded come closer than 1.15 times that sum. A lone ion may come as close
    as it likes: its contacts are not bonds. None where bonds differ, and those of the start were in doubt.

    Examples
    --------
    >>> from molopt.molecules.molecule import Molecule
    >>> water = Molecule.from_smiles("O")
    >>> bonds_kept(water, water.positions * 1.1), bonds_kept(water, water.positions * 2)
    (True, False)
    """
    positions = np.asarray(positions, dtype=float)
    if not np.isfinite(positions).all():
        return False
    bonds = start.bonds
    radii = covalent_radii[start.numbers[bonds]].sum(axis=1)  # (nbonds,) A
    before = lengths(start.positions, bonds)
    after = lengths(positions, bonds)
    if np.any((after > BROKEN * radii) & (after > STRETCHED * before)):
        return lost(start)
    close_before, close_after = (
        pairs_of(covalent_bonds(start.numbers, at, FORMED)) for at in (start.positions, positions)
    )
    ions = lone_ions(start)
    formed = any(i not in ions and j not in ions for i, j in close_after - close_before - pairs_of(bonds))
    return lost(start) if formed else True


def stereo_kept(start: Molecule, positions: ArrayLike) -> bool | None:
    """Whether tetrahedral centres and double bonds at `positions` have the configuration they have in `start`.

    None where the molecule has neither, where its bond orders are not known, or where the configuration differs and the
    bonds of the start were in doubt.
    """
    if not start.orders_known:
        return None
    before = configuration(start)
    if not before:
        return None
    kept = np.isfinite(positions).all() and configuration(start.with_positions(positions)) == before
    return True if kept else lost(start)


def lost(start: Molecule) -> bool | None:
    """What a difference means: another molecule, or a start whose bonds were perceived wrongly."""
    return None if start.doubt else False


def lone_ions(molecule: Molecule) -> set[int]:
    """Atoms with a formal charge and no bonds."""
    return {a.GetIdx() for a in molecule.to_rdkit().GetAtoms() if a.GetFormalCharge() and not a.GetDegree()}


def pairs_of(bonds: np.ndarray) -> set[tuple[int, int]]:
    return {(min(i, j), max(i, j)) for i, j in bonds.tolist()}


def configuration(molecule: Molecule) -> dict[tuple[str, int], str]:
    """The chiral tag of each stereocentre and the cis or trans of each stereo double bond, by index."""
    mol = molecule.to_rdkit()
    centres = {
        ("atom", atom.GetIdx()): str(atom.GetChiralTag())
        for atom in mol.GetAtoms()
        if atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED
    }
    bonds = {
        ("bond", bond.GetIdx()): str(bond.GetStereo())
        for bond in mol.GetBonds()
        if bond.GetStereo() not in (Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY)
    }
    return centres | bonds
