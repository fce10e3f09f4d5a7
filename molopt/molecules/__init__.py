"""Molecules: from SMILES, files, RDKit and ASE, with bonds, charge, multiplicity and stereo, and back."""

from molopt.molecules.molecule import Molecule
from molopt.molecules.reading import read
from molopt.molecules.shipped import shipped_names

__all__ = ["Molecule", "read", "shipped_names"]
