"""3D coordinates from bonds alone."""

from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from molopt.errors import InputError
from molopt.signs import stage

MOST_ATOMS = 1000  # the time grows with their cube; a protein of 648 takes 40 s, 1,000 some minutes
TRIES = 20  # of an embedding; RDKit's own ten for each atom take minutes where atoms are crowded, and fail as well
GAP = 3.0  # A between fragments: near enough to attract, too far to clash


def embedded(mol: Chem.Mol, seed: int, name: str) -> Chem.Mol:
    """The molecule, changed in place, with one conformer by ETKDGv3; fragments stand side by side.

    RDKit starts from a distance matrix, and from random coordinates where that fails `TRIES` times.

    Raises
    ------
    InputError
        Neither gives coordinates; RDKit refuses a valence; the seed is not in [0, 2^31), where RDKit would draw one of
        its own.
    """
    if not 0 <= seed < 2**31:
        raise InputError(f"seed must be at least 0 and less than 2^31, got {seed}")
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.maxIterations = TRIES
    with rdBase.BlockLogs(), stage("embedding", name, mol.GetNumAtoms()):
        try:
            if rdDistGeom.EmbedMolecule(mol, parameters) < 0:
                parameters.useRandomCoords = True
                if rdDistGeom.EmbedMolecule(mol, parameters) < 0:
                    raise InputError(
                        f"RDKit cannot embed {name} with seed {seed}: try another seed, or give a geometry"
                    )
        except Chem.MolSanitizeException as error:  # as of an aluminium atom with five bonds
            raise InputError(f"RDKit cannot embed {name}: {error}; give a geometry") from None
    set_apart(mol)
    return mol


def embedded_first(mol: Chem.Mol, seed: int, name: str) -> Chem.Mol:
    """As `embedded`, for a molecule that has no geometry yet; InputError at once where it is too large for one."""
    if mol.GetNumAtoms() > MOST_ATOMS:
        raise InputError(
            f"{name} has {mol.GetNumAtoms()} atoms, and a geometry is made for at most {MOST_ATOMS}: give an SDF "
            "with a 3D geometry"
        )
    return embedded(mol, seed, name)


def set_apart(mol: Chem.Mol) -> None:
    """Shift fragments along x, in place: RDKit embeds each of them around the origin."""
    conformer = mol.GetConformer()
    positions = conformer.GetPositions()
    edge = None
    for indices in Chem.GetMolFrags(mol):
        fragment = positions[list(indices)]
        if edge is not None:
            fragment[:, 0] += edge + GAP - fragment[:, 0].min()
        edge = fragment[:, 0].max()
        positions[list(indices)] = fragment
    conformer.SetPositions(np.ascontiguousarray(positions))
