"""Starts that were tried, known by their torsions: one more like them would end where they ended."""

import numpy as np
from rdkit import Chem

from molopt.coordinates.formulas import torsion_value
from molopt.ensembles.moves import Moves
from molopt.ensembles.rows import Rows
from molopt.ensembles.shapes import Shapes
from molopt.rules.partition import Array


class Tried:
    """Geometries of one molecule by their soft torsions and the sense of pyramidal nitrogens.

    Two are alike where no torsion differs by more than the tolerance, for one of the numberings that symmetry allows
    and, for an achiral molecule, in the mirror as well. Where fragments lie is not in the torsions: of a molecule of
    several, no geometry is like another.

    Parameters
    ----------
    moves : Moves
    shapes : Shapes
        Of the same molecule.
    tolerance : float
        Degrees. Basins of torsions are 60 wide and more on each side; half of that stays within one.
    most_numberings : int
        Of those that symmetry allows, so many are looked at: not to know one costs a relaxation, no more.

    Examples
    --------
    >>> from molopt.molecules.molecule import Molecule
    >>> butane = Molecule.from_smiles("CCCC")
    >>> moves = Moves(butane)
    >>> tried = Tried(moves, Shapes(butane))
    >>> tried.add(butane.positions)
    >>> turned = [moves.rotors[0].turned(butane.positions, angle) for angle in (0.3, 2.0)]
    >>> [positions in tried for positions in turned]
    [True, False]
    """

    def __init__(self, moves: Moves, shapes: Shapes, tolerance: float = 30.0, most_numberings: int = 64) -> None:
        self.tolerance = np.radians(tolerance)
        self.single = moves.poses.single
        pyramids = np.array([inversion.quad[[1, 0, 2, 3]] for inversion in moves.inversions], dtype=int)
        self.quads = np.concatenate([moves.torsions, pyramids.reshape(-1, 4)])  # (t, 4)
        self.reorderings = reorderings(moves.mol, shapes, most_numberings)  # (p, N)
        self.signs = (1.0, -1.0) if shapes.reflects else (1.0,)
        self.known = Rows((len(self.quads),))  # rad

    def add(self, positions: Array) -> None:
        """Remember positions (N, 3), A."""
        self.known.append(torsion_value(positions[self.quads]))

    def __len__(self) -> int:
        return len(self.known.view)

    def __contains__(self, positions: Array) -> bool:
        """Whether positions (N, 3), A, are like any that were added."""
        return self.apart(positions) <= self.tolerance

    def apart(self, positions: Array, since: int = 0) -> float:
        """The largest difference of a torsion (radians) from the one that is nearest by that; infinite without any.

        Parameters
        ----------
        positions : (N, 3) array
            Angstrom.
        since : int
            Of those that were added, the first that is compared with.
        """
        known = self.known.view[since:]
        if not self.single or not len(known):
            return np.inf
        if not len(self.quads):
            return 0.0
        nearest = np.inf
        for values in torsion_value(positions[self.reorderings][:, self.quads]):
            for sign in self.signs:
                gaps = np.abs(known - sign * values)
                nearest = min(nearest, float(np.minimum(gaps, 2 * np.pi - gaps).max(axis=1).min()))
        return nearest


def reorderings(mol: Chem.Mol, shapes: Shapes, most: int) -> Array:
    """(p, N) numberings of all atoms, the identity first: hydrogens on carbon go with their carbons."""
    hydrogens: dict[int, list[int]] = {}
    for atom in set(range(mol.GetNumAtoms())) - set(shapes.kept.tolist()):
        hydrogens.setdefault(mol.GetAtomWithIdx(atom).GetNeighbors()[0].GetIdx(), []).append(atom)
    found = []
    for numbering in shapes.numberings[:most]:
        order = np.arange(mol.GetNumAtoms())
        order[shapes.kept] = shapes.kept[numbering]
        for carbon, own in hydrogens.items():
            taken = hydrogens.get(int(order[carbon]), [])
            order[sorted(own)[: len(taken)]] = sorted(taken)[: len(own)]
        found.append(order)
    return np.array(found)
