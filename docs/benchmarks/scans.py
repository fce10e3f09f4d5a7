"""Force calls a point of relaxed scans: molopt, geomeTRIC, and a loop over ASE's BFGS with FixInternals.

    python docs/benchmarks/scans.py > scans.md

The loop is what one writes by hand: at each value the last geometry has the atoms on one side of the coordinate moved
rigidly to the next value, FixInternals holds it there, BFGS relaxes. geomeTRIC gets the same starts for its constrained
optimizer in its own coordinates. All end at the first force call at which the coordinate has its value (within 0.1
degrees or 0.001 A) and no force that it leaves is longer than --fmax, the forces projected as ASE's FixInternals does;
geomeTRIC also where its own default criteria are met, as its projection is another and can end above that. The loops go
once from the first value to the last, and "there and back" once in each direction, the lower end of a point kept.
`molopt.scan` goes outwards from the start ("one way"), and then starts each point from its other neighbours too, where
these are of another conformation ("both ways"). "default" is that with the default criteria, fmax 0.05 and 1 meV left.
"""

import argparse
import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from ase.units import Bohr, Hartree
from rdkit import Chem

import molopt
from molopt.constraining.coordinate import Coordinate, holding
from molopt.potentials import Counted
from molopt.rules.partition import Array


class Case(NamedTuple):
    """A molecule, the atoms of a coordinate and its values."""

    smiles: str
    atoms: tuple[int, ...]
    values: Array


TURN = np.arange(0.0, 360.0, 30.0)
CASES = {
    "butane, C-C-C-C": Case("CCCC", (0, 1, 2, 3), TURN),
    "N-methylacetamide, C-C-N-C": Case("CC(=O)NC", (0, 1, 3, 4), TURN),
    "alanine dipeptide, phi": Case("CC(=O)N[C@@H](C)C(=O)NC", (1, 3, 4, 6), TURN),
    "ethanol, C-C-O": Case("CCO", (0, 1, 2), np.arange(95.0, 126.0, 5.0)),
    "ethane, C-C": Case("CC", (0, 1), np.arange(1.35, 1.86, 0.1)),
}
CLOSE = {"bond": 1e-3, "angle": 0.1, "dihedral": 0.1}  # A and degrees from the value at which a point is done
MOST = 500  # force calls of a point
TIGHT = {"fmax": 1e-3, "energy_left": 1e-5}


class Way(NamedTuple):
    """What one way of scanning gave: force calls and energies (eV) of each point."""

    calls: list[int]
    energies: list[float]


class Done(Exception):
    """Thrown through geomeTRIC from the force call at which a point is done."""


def moved(molecule: molopt.Molecule, atoms: Atoms, coordinate: Coordinate, value: float) -> None:
    """Move the side of the last atom rigidly, so that the coordinate has the value."""
    side = beyond(molecule, coordinate)
    how = {"bond": atoms.set_distance, "angle": atoms.set_angle, "dihedral": atoms.set_dihedral}[coordinate.kind]
    fixed = {"fix": 0} if coordinate.kind == "bond" else {}
    how(*coordinate.atoms, value, indices=side, **fixed)


def beyond(molecule: molopt.Molecule, coordinate: Coordinate) -> list[int]:
    """The atoms on the side of the last one, where the bond before it (of a dihedral, its middle) is cut."""
    cut = coordinate.atoms[1:3] if coordinate.kind == "dihedral" else coordinate.atoms[-2:]
    mol = Chem.RWMol(molecule.to_rdkit())
    mol.RemoveBond(*cut)
    return next(list(part) for part in Chem.GetMolFrags(mol) if coordinate.atoms[-1] in part)


class Loop:
    """A loop over the values by hand, with a way to relax one point."""

    def __init__(self, molecule: molopt.Molecule, case: Case, potential: str, fmax: float) -> None:
        self.molecule, self.coordinate, self.values, self.fmax = molecule, Coordinate(case.atoms), case.values, fmax
        self.counted = Counted(molopt.potential(potential, molecule))

    def go(self, relax: Callable[["Loop", Atoms, float], Atoms], step: int = 1) -> Way:
        """Over all values in their order; with step -1 the other way round."""
        atoms, calls, energies = self.molecule.atoms(), [], []
        for value in self.values[::step]:
            before = self.counted.force_calls
            atoms.set_constraint()
            moved(self.molecule, atoms, self.coordinate, value)
            atoms = relax(self, atoms, value)
            calls.append(self.counted.force_calls - before)
            energies.append(self.counted.trace[-1].energy)
        return Way(calls[::step], energies[::step])

    def done(self, atoms: Atoms, value: float) -> bool:
        """Whether a point is done at a geometry whose forces are known."""
        there = self.coordinate
        probe = atoms.copy()
        probe.calc = self.counted
        probe.set_constraint(holding({there: there.at(atoms.positions)}))
        near = abs(there.gap(there.at(atoms.positions), value)) < CLOSE[there.kind]
        return near and float(np.linalg.norm(probe.get_forces(), axis=1).max()) < self.fmax


def by_bfgs(loop: Loop, atoms: Atoms, value: float) -> Atoms:
    atoms.calc = loop.counted
    atoms.set_constraint(holding({loop.coordinate: value}))
    BFGS(atoms, logfile=None).run(fmax=loop.fmax, steps=MOST)
    return atoms


def by_geometric(loop: Loop, atoms: Atoms, value: float) -> Atoms:
    from geometric.engine import Engine
    from geometric.internal import DelocalizedInternalCoordinates
    from geometric.molecule import Molecule
    from geometric.optimize import Optimize
    from geometric.params import OptParams
    from geometric.prepare import parse_constraints

    now = atoms.copy()
    now.calc = loop.counted

    class Asking(Engine):
        def calc_new(self, coords: Array, dirname: str) -> dict[str, Any]:
            now.positions = coords.reshape(-1, 3) * Bohr
            energy, forces = now.get_potential_energy(), now.get_forces()
            if loop.done(now, value):
                raise Done
            return {"energy": energy / Hartree, "gradient": -forces.ravel() * (Bohr / Hartree)}

    molecule = Molecule()
    molecule.elem, molecule.xyzs = atoms.get_chemical_symbols(), [atoms.positions.copy()]
    kind = {"bond": "distance"}.get(loop.coordinate.kind, loop.coordinate.kind)
    numbers = " ".join(str(atom + 1) for atom in loop.coordinate.atoms)
    held, (values,) = parse_constraints(molecule, f"$set\n{kind} {numbers} {value}")
    tric = DelocalizedInternalCoordinates(
        molecule, build=True, connect=False, addcart=False, constraints=held, cvals=values
    )
    with tempfile.TemporaryDirectory() as folder, suppress(Done):
        Optimize(atoms.positions.ravel() / Bohr, molecule, tric, Asking(molecule), folder, OptParams(maxiter=MOST))
    return now


def by_molopt(molecule: molopt.Molecule, case: Case, potential: str, both: bool, **criteria: float | None) -> Way:
    found = molopt.scan(molecule, case.atoms, case.values, potential=potential, both_ways=both, **criteria)
    assert found.converged, [point.error for point in found]
    return Way([point.force_calls for point in found], found.energies.tolist())


def lower(one: Way, other: Way) -> Way:
    """Both ways: the force calls of both, and the lower energy of each point."""
    return Way(np.add(one.calls, other.calls).tolist(), np.minimum(one.energies, other.energies).tolist())


def reference(molecule: molopt.Molecule, case: Case, potential: str, ways: dict[str, Way]) -> Array:
    """The lowest energy that is known of each point, after a scan to tight criteria."""
    tight = by_molopt(molecule, case, potential, True, **TIGHT)
    return np.min([tight.energies, *(way.energies for way in ways.values())], axis=0)


def measured(name: str, potential: str, fmax: float) -> dict[str, tuple[float, int, float]]:
    """For each way force calls a point, those of the worst point, and meV above the reference at most."""
    case = CASES[name]
    start = molopt.relax(molopt.Molecule.from_smiles(case.smiles), potential=potential).molecule
    assert start is not None
    ways = {}
    for label, relax in (("BFGS", by_bfgs), ("geomeTRIC", by_geometric)):
        there = Loop(start, case, potential, fmax).go(relax)
        back = Loop(start, case, potential, fmax).go(relax, -1)
        ways[f"{label}, one loop"] = there
        ways[f"{label}, there and back"] = lower(there, back)
    ways["molopt one way"] = by_molopt(start, case, potential, False, fmax=fmax, energy_left=None)
    ways["molopt both ways"] = by_molopt(start, case, potential, True, fmax=fmax, energy_left=None)
    ways["molopt default"] = by_molopt(start, case, potential, True)
    lowest = reference(start, case, potential, ways)
    return {
        label: (float(np.mean(way.calls)), max(way.calls), float(1e3 * (way.energies - lowest).max()))
        for label, way in ways.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=";".join(CASES), help="of " + "; ".join(CASES) + "; with ; between")
    parser.add_argument("--potentials", default="mmff94,gfn2-xtb")
    parser.add_argument("--fmax", default="0.01", help="eV/A; several with commas")
    arguments = parser.parse_args()
    for logger in ("geometric", "NiftyLogger"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    for fmax in map(float, arguments.fmax.split(",")):
        totals: dict[str, list[float]] = {}
        print(f"\nfmax {fmax:g} eV/A; force calls a point (the most at one), and meV above the lowest known at most\n")
        for potential in arguments.potentials.split(","):
            for name in arguments.cases.split(";"):
                found = measured(name, potential, fmax)
                if not totals:
                    print("| scan | potential | " + " | ".join(found) + " |")
                    print("|---" * (2 + len(found)) + "|")
                cells = [f"{mean:.1f} ({most}), {off:.2f}" for mean, most, off in found.values()]
                print(f"| {name} | {potential} | {' | '.join(cells)} |", flush=True)
                for label, (mean, _, _) in found.items():
                    totals.setdefault(label, []).append(mean / found["BFGS, one loop"][0])
        means = [f"{np.exp(np.mean(np.log(ratios))):.3f}" for ratios in totals.values()]
        print(f"| part of the calls of one loop of BFGS, geometric mean | | {' | '.join(means)} |")


if __name__ == "__main__":
    main()
