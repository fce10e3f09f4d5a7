"""Runs from starts that are far from where their constraints hold.

    python docs/benchmarks/constraint_starts.py

Each starts at the molecule's own geometry (`molopt.Molecule.from_smiles`, not relaxed), to fmax 0.01 eV/A. "bonds kept"
says whether it is still the same molecule at the end.
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixInternals

import molopt

PEPTIDE = "CC(=O)N[C@@H](C)C(=O)NC"


def turned(by: float, *row: int) -> Callable[[Atoms], FixInternals]:
    """A dihedral so many degrees from where it is."""
    return lambda atoms: FixInternals(dihedrals_deg=[[(atoms.get_dihedral(*row) + by) % 360, list(row)]])


def at(degrees: float, *row: int) -> Callable[[Atoms], FixInternals]:
    """A dihedral at so many degrees."""
    return lambda atoms: FixInternals(dihedrals_deg=[[degrees, list(row)]])


STARTS: dict[str, tuple[str, Callable[[Atoms], object]]] = {
    "2-methylbiphenyl, biaryl dihedral + 120": ("Cc1ccccc1-c1ccccc1", turned(120, 1, 6, 7, 8)),
    "pentane, C-C-C-C + 120": ("CCCCC", turned(120, 0, 1, 2, 3)),
    "butane, + 120": ("CCCC", turned(120, 0, 1, 2, 3)),
    "butane, eclipsed": ("CCCC", at(0, 0, 1, 2, 3)),
    "ethylbenzene, + 90": ("CCc1ccccc1", turned(90, 0, 1, 2, 3)),
    "alanine dipeptide, phi + 120": (PEPTIDE, turned(120, 1, 3, 4, 6)),
    "alanine dipeptide, phi and psi at 60": (
        PEPTIDE,
        lambda atoms: FixInternals(dihedrals_deg=[[60, [1, 3, 4, 6]], [60, [3, 4, 6, 8]]]),
    ),
    "alanine dipeptide, peptide bond at 0": (PEPTIDE, at(0, 0, 1, 3, 4)),
    "butane, central bond + 0.5 A": (
        "CCCC",
        lambda atoms: FixInternals(bonds=[[atoms.get_distance(1, 2) + 0.5, [1, 2]]]),
    ),
    "propane, C-C-C + 40": ("CCC", lambda atoms: FixInternals(angles_deg=[[atoms.get_angle(0, 1, 2) + 40, [0, 1, 2]]])),
    "propane, C-C-C at 174": ("CCC", lambda atoms: FixInternals(angles_deg=[[174, [0, 1, 2]]])),
    "2-butyne, C-C-C at 140": ("CC#CC", lambda atoms: FixInternals(angles_deg=[[140, [0, 1, 2]]])),
    "(Z)-malonaldehyde, O-H less H...O at 0": (
        "O=C/C=C\\O",
        lambda atoms: FixInternals(bondcombos=[[0.0, [[4, 8, 1.0], [0, 8, -1.0]]]]),
    ),
    "decane, end to end at 4 A": ("CCCCCCCCCC", lambda atoms: FixInternals(bonds=[[4.0, [0, 9]]])),
    "cyclohexane, C-C-C-C at 0": ("C1CCCCC1", at(0, 0, 1, 2, 3)),
    "cyclobutane, C-C-C-C at 120": ("C1CCC1", at(120, 0, 1, 2, 3)),
    "butan-1-ol, 3 atoms fixed, C-C-C-C at 100": (
        "CCCCO",
        lambda atoms: [FixAtoms([0, 1, 2]), FixInternals(dihedrals_deg=[[100, [0, 1, 2, 3]]])],
    ),
    "butane, two values of one dihedral": (
        "CCCC",
        lambda atoms: FixInternals(dihedrals_deg=[[0, [0, 1, 2, 3]], [90, [0, 1, 2, 3]]]),
    ),
}


def row(name: str, potential: str, optimizer: str) -> str:
    smiles, constraint = STARTS[name]
    molecule = molopt.Molecule.from_smiles(smiles)
    atoms = molecule.atoms()
    atoms.set_constraint(constraint(atoms))
    try:
        method = molopt.potential(potential, molecule)
        result = molopt.relax(atoms, optimizer, method, fmax=0.01, steps=300, check=None)
    except Exception as error:  # whatever it is, the table goes on
        return f"| {name} | {potential} | - | - | - | {type(error).__name__}: {str(error).split(';')[0]} |"
    how = result.error or ""
    return f"| {name} | {potential} | {result.converged} | {result.bonds_kept} | {result.force_calls} | {how} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potentials", default="mmff94,gfn2-xtb")
    parser.add_argument("--optimizer", default="default")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    print("| start | potential | converged | bonds kept | force calls, unchecked | error |")
    print("|---" * 6 + "|")
    for potential in arguments.potentials.split(","):
        for name in STARTS:
            print(row(name, potential, arguments.optimizer), flush=True)


if __name__ == "__main__":
    main()
