"""Inorganic molecules whose Hessians teach the springs of kinds that no organic molecule has.

    python docs/benchmarks/inorganic/training.py build # training.xyz: their minima under GFN2-xTB
    python docs/benchmarks/inorganic/training.py fit   # molopt/coordinates/inorganic_stiffness.json from their Hessians

None is among the thirty of ideal.py. Those that lose a bond on the way to their minimum are left out. Classes of
organic molecules keep the constants of learned_stiffness.json.
"""

import argparse
import json
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ideal import (
    OCTAHEDRON,
    SEESAW,
    SQUARE,
    SQUARE_PYRAMID,
    TETRAHEDRON,
    TRIGONAL_BIPYRAMID,
    Directions,
    Part,
    around,
    bridged,
    cone,
    joined,
    ring,
    unit,
    with_hydrogens,
)

import molopt
from molopt.coordinates.topology import covalent_bonds
from molopt.fitting import as_json
from molopt.fitting.hessians import sample
from molopt.fitting.regression import fitted_beyond

MINIMA = Path(__file__).with_name("training.xyz")
TABLES = Path(molopt.__file__).parent / "coordinates"

LINE = OCTAHEDRON[:2]
TRIANGLE = TRIGONAL_BIPYRAMID[2:]
PYRAMID = TETRAHEDRON[:3]
POLYHEDRA: list[tuple[Directions, str]] = [  # centre, ligands and charge
    (LINE, "BeCl2:0 MgCl2:0 ZnBr2:0 HgCl2:0 CdI2:0 XeF2:0 KrF2:0 AuCl2:-1 CuCl2:-1 Ag(NH3)2:1 Hg(CH3)2:0 Zn(CH3)2:0"),
    (TRIANGLE, "AlCl3:0 GaBr3:0 InCl3:0 BeF3:-1 ZnCl3:-1 Al(CH3)3:0 Ni(CO)3:0 Pt(CO)3:0 YCl3:0 LaF3:0"),
    (PYRAMID, "AsF3:0 SbCl3:0 SnCl3:-1 GeF3:-1 TeCl3:1 BiCl3:0 XeO3:0 IO3:-1 As(CH3)3:0"),
    (TRIGONAL_BIPYRAMID[:3], "ClF3:0 BrF3:0 ICl3:0"),
    (
        TETRAHEDRON,
        "ZrCl4:0 HfF4:0 TiF4:0 TiBr4:0 SnCl4:0 GeF4:0 PbCl4:0 ZnCl4:-2 CdBr4:-2 AlCl4:-1 GaCl4:-1 BeF4:-2 OsO4:0 "
        "MnO4:-1 MoO4:-2 ReO4:-1 XeO4:0 Co(CO)4:-1 Cu(CO)4:1 Pd(CO)4:0 Zn(NH3)4:2 Be(OH2)4:2 Sn(CH3)4:0 GeH4:0 "
        "SnH4:0 AlH4:-1",
    ),
    (SQUARE, "PdCl4:-2 PtBr4:-2 AuCl4:-1 NiF4:-2 Pt(NH3)4:2 ICl4:-1 IF4:-1 Rh(CO)4:1"),
    (SEESAW, "SeF4:0 TeCl4:0 PF4:-1 SbF4:-1 AsF4:-1"),
    (TRIGONAL_BIPYRAMID, "AsF5:0 PCl5:0 SbCl5:0 NbCl5:0 TaF5:0 VF5:0 SiF5:-1 SnCl5:-1 Ru(CO)5:0 Os(CO)5:0 Mn(CO)5:-1"),
    (SQUARE_PYRAMID, "BrF5:0 ClF5:0 TeF5:-1 SbCl5:-2 XeF5:1"),
    (
        OCTAHEDRON,
        "MoF6:0 WF6:0 WCl6:0 SeF6:0 TeF6:0 PF6:-1 AsF6:-1 SbF6:-1 SiF6:-2 SnCl6:-2 PtCl6:-2 ZrF6:-2 AlF6:-3 ClF6:1 "
        "Mo(CO)6:0 W(CO)6:0 V(CO)6:-1 Mn(CO)6:1 Mg(OH2)6:2 Al(OH2)6:3 Rh(NH3)6:3 Ru(NH3)6:2",
    ),
]
MIXED = [  # centre, directions, ligands, charge
    ("V", TETRAHEDRON, "=O F F F", 0),
    ("Mo", TETRAHEDRON, "=O =O Cl Cl", 0),
    ("Cr", TETRAHEDRON, "=O =O F F", 0),
    ("Re", TETRAHEDRON, "=O =O =O Cl", 0),
    ("Sn", TETRAHEDRON, "CH3 CH3 Cl Cl", 0),
    ("Pd", SQUARE, "NH3 Cl NH3 Cl", 0),
    ("Pt", SQUARE, "CO Cl CO Cl", 0),
    ("Ir", SQUARE, "CO CO Cl Cl", -1),
    ("Re", OCTAHEDRON, "Br CO CO CO CO CO", 0),
    ("Mn", OCTAHEDRON, "H CO CO CO CO CO", 0),
    ("Cr", OCTAHEDRON, "NH3 CO CO CO CO CO", 0),
    ("Co", TRIGONAL_BIPYRAMID, "H CO CO CO CO", 0),
    ("Xe", SQUARE_PYRAMID, "=O F F F F", 0),
    ("W", SQUARE_PYRAMID, "=O Cl Cl Cl Cl", 0),
    ("Te", OCTAHEDRON, "OH2 F F F F F", 1),
]


def sandwich(metal: str, rings: tuple[int, int], height: float) -> Part:
    return joined(Part([metal], np.zeros((1, 3))), ring(rings[0], height), ring(rings[1], -height, turn=0.2))


def half(metal: str, size: int, height: float, directions: Directions, ligands: str) -> Part:
    return joined(around(metal, directions, ligands.split()), ring(size, height))


def below(count: int) -> Directions:
    return cone(np.zeros(3), (0, 0, -1), count, 1.0, 55)


def olefin(metal: str, directions: Directions, ligands: str) -> Part:
    """A complex with ethylene along x."""
    carbon = [(2.1, 0, s * 0.70) for s in (1, -1)]
    hydrogen = [(2.3, t * 0.92, s * 1.25) for s in (1, -1) for t in (1, -1)]
    ethylene = Part(["C"] * 2 + ["H"] * 4, np.array(carbon + hydrogen))
    return joined(around(metal, directions, ligands.split()), ethylene)


def cage(symbols: str, radius: float, directions: Directions) -> Part:
    return Part([*symbols], radius * np.array([unit(d) for d in directions]))


CORNERS = 1.05 * np.array([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (1, -1)], dtype=float)
BY_HAND = [
    (sandwich("Ru", (5, 5), 1.8), 0),
    (sandwich("Mg", (5, 5), 2.0), 0),
    (sandwich("Mo", (6, 6), 1.8), 0),
    (half("Cr", 6, 1.7, below(3), "CO CO CO"), 0),
    (half("Re", 5, 1.9, below(3), "CO CO CO"), 0),
    (half("V", 5, 1.9, below(4), "CO CO CO CO"), 0),
    (half("Co", 5, 1.7, below(2), "CO CO"), 0),
    (half("Ti", 5, 2.0, below(3), "Cl Cl Cl"), 0),
    (half("Fe", 4, 1.75, below(3), "CO CO CO"), 0),
    (joined(Part(["Li"], np.zeros((1, 3))), ring(5, 1.8)), 0),
    (joined(Part(["Tl"], np.zeros((1, 3))), ring(5, 2.4)), 0),
    (olefin("Pd", SQUARE[1:], "Cl Cl Cl"), -1),
    (olefin("Ni", [(-1, 1, 0), (-1, -1, 0)], "CO CO"), 0),
    (olefin("Fe", [(-1, 1, 0), (-1, -1, 0), (0, 0, 1), (0, 0, -1)], "CO CO CO CO"), 0),
    (bridged("Ga", "Cl", "Cl"), 0),
    (bridged("Al", "Br", "Br"), 0),
    (bridged("B", "H", "H"), 0),
    (bridged("Al", "H", "H"), 0),
    (bridged("In", "Cl", "Cl"), 0),
    (with_hydrogens("BBBBBB", 1.22 * np.array(OCTAHEDRON, dtype=float)), -2),
    (with_hydrogens("CBBBBC", 1.22 * np.array([OCTAHEDRON[n] for n in (0, 2, 3, 4, 5, 1)], dtype=float)), 0),
    (with_hydrogens("CCBBB", np.array([(0, 0, 1.15), (0, 0, -1.15), *1.05 * np.array(TRIANGLE)])), 0),
    (cage("P" * 4, 1.35, TETRAHEDRON), 0),
    (Part(["Li", "F"] * 4, CORNERS[[0, 1, 3, 2, 5, 4, 6, 7]]), 0),
]


def named(entry: str) -> tuple[str, list[str], int]:
    """Centre, ligands and charge of an entry such as Co(CO)4:-1."""
    formula, charge = entry.split(":")
    if "(" in formula:
        centre, _, rest = formula.partition("(")
        group, _, count = rest.partition(")")
    else:
        centre = formula[:2] if formula[1].islower() else formula[:1]
        group, count = formula[len(centre) : -1], formula[-1]
    return centre, [group] * int(count), int(charge)


def molecules() -> list[Atoms]:
    """All of them, not relaxed."""
    found = []
    for directions, entries in POLYHEDRA:
        for entry in entries.split():
            centre, ligands, charge = named(entry)
            found.append((around(centre, directions, ligands), charge))
    found += [(around(centre, where, ligands.split()), charge) for centre, where, ligands, charge in MIXED]
    found += BY_HAND
    return [Atoms(*part, info={"charge": charge, "spin": 1}) for part, charge in found]


def relaxed(atoms: Atoms) -> bool:
    """Whether it comes to rest with the bonds it had."""
    atoms.info["name"] = f"{atoms.get_chemical_formula()}_{atoms.info['charge']}"
    before = covalent_bonds(atoms.numbers, atoms.positions)
    atoms.rattle(0.03, seed=5)
    atoms.calc = molopt.potential("gfn2-xtb", atoms)
    try:
        done = molopt.LBFGS(atoms, logfile=None).run(fmax=0.003, steps=150)
    except Exception as error:  # whatever the potential or the coordinates raise: it is left out
        print(f"{atoms.info['name']} left out: {error}")
        return False
    kept = set(map(tuple, before.tolist())) <= set(map(tuple, covalent_bonds(atoms.numbers, atoms.positions).tolist()))
    if not (done and kept):
        print(f"{atoms.info['name']} left out: {'bonds changed' if done else 'not converged'}", flush=True)
    return bool(done and kept)


def build() -> None:
    found = [atoms for atoms in molecules() if relaxed(atoms)]
    ase.io.write(MINIMA, found, format="extxyz", columns=["symbols", "positions"], write_results=False)
    print(f"{len(found)} molecules")


def fit() -> None:
    samples = []
    for atoms in ase.io.read(MINIMA, ":"):
        atoms.calc = molopt.potential("gfn2-xtb", atoms)
        samples.append(sample(atoms.info["name"], atoms, relaxed=True))
    given = json.loads((TABLES / "learned_stiffness.json").read_text())["constants"]
    about = {
        "potential": "gfn2-xtb",
        "molecules": len(samples),
        "molopt": molopt.__version__,
        "units": "eV/A^2 for lengths, eV/rad^2 for angles",
    }
    table = fitted_beyond(samples, given)
    (TABLES / "inorganic_stiffness.json").write_text(as_json(about | {"constants": table}), encoding="utf-8")
    print({kind: len(rows) for kind, rows in table.items()})


if __name__ == "__main__":
    commands = {"build": build, "fit": fit}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=commands)
    commands[parser.parse_args().command]()
