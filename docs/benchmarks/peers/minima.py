"""Whether two runs of a molecule ended in the same minimum."""

from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolAlign
from rdkit.Geometry import Point3D

ENERGY = 0.001  # eV
RMSD = 0.1  # A, over heavy atoms and polar hydrogens
MATCHES = 10_000  # symmetric numberings that are tried; more of them only make "another minimum" likelier


def same_minimum(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Both runs reached fmax 0.001 eV/A, at equal energies and equal geometries, symmetry considered."""
    if one["ended"] != "converged" or other["ended"] != "converged":
        return False
    if abs(one["energies"][-1] - other["energies"][-1]) > ENERGY:
        return False
    here, there = skeleton(one), skeleton(other)
    if rdMolAlign.AlignMol(here, there, atomMap=[(atom, atom) for atom in range(here.GetNumAtoms())]) <= RMSD:
        return True
    return rdMolAlign.GetBestRMS(here, there, maxMatches=MATCHES, symmetrizeConjugatedTerminalGroups=False) <= RMSD


def skeleton(record: dict[str, Any]) -> Chem.Mol:
    """The last geometry without the hydrogens on carbon; all bonds single, so that resonance is no difference."""
    numbers, bonds = np.array(record["numbers"]), record["bonds"]
    on_carbon = {h for pair in bonds for h, c in (pair, reversed(pair)) if numbers[h] == 1 and numbers[c] == 6}
    kept = [atom for atom in range(len(numbers)) if atom not in on_carbon]
    mol = Chem.RWMol()
    index = {}
    for atom in kept:
        index[atom] = mol.AddAtom(Chem.Atom(int(numbers[atom])))
        mol.GetAtomWithIdx(index[atom]).SetNoImplicit(True)
    for one, other in bonds:
        if one in index and other in index:
            mol.AddBond(index[one], index[other], Chem.BondType.SINGLE)
    conformer = Chem.Conformer(len(kept))
    for atom in kept:
        conformer.SetAtomPosition(index[atom], Point3D(*record["geometries"]["end"][atom]))
    mol.AddConformer(conformer)
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    return mol.GetMol()
