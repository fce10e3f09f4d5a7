"""What a wrong surrogate costs: force calls of the default guided by deliberately bad force fields, beside none.

    python docs/benchmarks/wrong_surrogates.py [--largest 48] [--seeds 2] [--workers 2]

GFN2-xTB, the molecules of tuning_molecules.smi, all of which MMFF94s types, to fmax 0.01 eV/A. The surrogates:
MMFF94s with bond constants ten times too stiff; with torsion terms of the opposite sign; of another protomer (a proton
of the molecule sits on another atom with a lone pair); UFF with all forces turned round.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from rdkit import Chem

import molopt
from molopt.coordinates.formulas import torsion
from molopt.coordinates.selection import select_primitives
from molopt.coordinates.topology import Topology
from molopt.molecules.force_constants import MMFFConstants
from molopt.potentials import Counted

TUNING = Path(__file__).with_name("tuning_molecules.smi")
CAP = 500


class Spoiled(Calculator):
    """A calculator with something added: add(x) -> energy and gradient."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def __init__(self, calculator: Calculator | None, add) -> None:
        super().__init__()
        self.base, self.add = calculator, add

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        energy, forces = self.base.get_potential_energy(atoms), self.base.get_forces(atoms)
        more, gradient = self.add(atoms.positions, energy, forces)
        self.results = {"energy": energy + more, "forces": forces - gradient}


def stiff_bonds(molecule: molopt.Molecule) -> Calculator:
    table = primitives(molecule)
    i, j = table.stretches.T
    k = MMFFConstants(molecule.to_rdkit()).constants(table)[table.slices["stretch"]]
    rest = np.array([bond_length(molecule, pair) for pair in table.stretches.tolist()])

    def add(x, energy, forces):
        gap = x[i] - x[j]
        r = np.linalg.norm(gap, axis=1)
        pull = (9 * k * (r - rest) / r)[:, None] * gap
        gradient = np.zeros_like(x)
        np.add.at(gradient, i, pull)
        np.add.at(gradient, j, -pull)
        return float(4.5 * k @ (r - rest) ** 2), gradient

    return Spoiled(molopt.potential("mmff94s", molecule), add)


def bond_length(molecule: molopt.Molecule, pair: list[int]) -> float:
    constants = MMFFConstants(molecule.to_rdkit())
    return constants.properties.GetMMFFBondStretchParams(constants.molecule, *pair)[2]


def turned_torsions(molecule: molopt.Molecule) -> Calculator:
    table = primitives(molecule)
    v1, v2, v3 = np.nan_to_num(MMFFConstants(molecule.to_rdkit()).torsions(table)).T

    def add(x, energy, forces):
        phi, derivatives = torsion(x[table.torsions])
        value = v1 * (1 + np.cos(phi)) + v2 * (1 - np.cos(2 * phi)) + v3 * (1 + np.cos(3 * phi))
        slope = v1 * np.sin(phi) - 2 * v2 * np.sin(2 * phi) + 3 * v3 * np.sin(3 * phi)
        gradient = np.zeros_like(x)
        np.add.at(gradient, table.torsions, slope[:, None, None] * derivatives)
        return -float(value.sum()), gradient

    return Spoiled(molopt.potential("mmff94s", molecule), add)


def other_protomer(molecule: molopt.Molecule) -> Calculator | None:
    """MMFF94s of the molecule with one proton on another nitrogen or oxygen; None where there is no such pair."""
    mol = Chem.RWMol(molecule.to_rdkit())
    giving = [
        a for a in mol.GetAtoms() if a.GetSymbol() in "NO" and any(n.GetSymbol() == "H" for n in a.GetNeighbors())
    ]
    taking = [
        a for a in mol.GetAtoms() if a.GetSymbol() in "NO" and a.GetTotalDegree() < (4 if a.GetSymbol() == "N" else 3)
    ]
    for donor in giving:
        for acceptor in taking:
            if donor.GetIdx() != acceptor.GetIdx():
                changed = Chem.RWMol(mol)
                proton = next(n for n in donor.GetNeighbors() if n.GetSymbol() == "H").GetIdx()
                changed.RemoveBond(donor.GetIdx(), proton)
                changed.AddBond(acceptor.GetIdx(), proton, Chem.BondType.SINGLE)
                for atom, charge in ((donor, -1), (acceptor, 1)):
                    here = changed.GetAtomWithIdx(atom.GetIdx())
                    here.SetFormalCharge(here.GetFormalCharge() + charge)
                try:
                    Chem.SanitizeMol(changed)
                    return molopt.potential("mmff94s", molopt.Molecule.from_rdkit(changed.GetMol()))
                except Exception:  # this acceptor has no valence left: the next one
                    continue
    return None


def turned_forces(molecule: molopt.Molecule) -> Calculator:
    return Spoiled(molopt.potential("uff", molecule), lambda x, energy, forces: (-2 * energy, 2 * forces))


def primitives(molecule: molopt.Molecule):
    return select_primitives(Topology(molecule.numbers, molecule.bonds), molecule.positions.ravel())


WRONG = {
    "MMFF94s": lambda molecule: molopt.potential("mmff94s", molecule),
    "bonds x 10": stiff_bonds,
    "torsions turned": turned_torsions,
    "other protomer": other_protomer,
    "forces turned": turned_forces,
}


def calls(molecule: molopt.Molecule, wrong: str | None) -> tuple[int, float] | None:
    atoms: Atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential("gfn2-xtb", molecule))
    surrogate = WRONG[wrong](molecule) if wrong else None
    if wrong and surrogate is None:
        return None
    optimizer = molopt.LBFGS(atoms, logfile=None, coordinates="internal", surrogate=surrogate)
    for converged in optimizer.irun(fmax=0.001):
        if converged or atoms.calc.force_calls >= CAP:
            break
    fmax = [call.fmax for call in atoms.calc.trace]
    stop = next((n for n, value in enumerate(fmax) if value <= 0.01), CAP - 1)
    return stop + 1, atoms.calc.trace[min(stop, len(fmax) - 1)].energy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=48, help="atoms")
    parser.add_argument("--seeds", default="2")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    starts = [m for seed in given.seeds.split(",") for m in molopt.read(str(TUNING), seed=int(seed))]
    starts = [molecule for molecule in starts if len(molecule) <= given.largest]
    print(f"{len(starts)} starts; relative to no surrogate: geometric mean, worst, not converged, ends lower, higher")
    with ProcessPoolExecutor(given.workers) as pool:
        plain = list(pool.map(calls, starts, [None] * len(starts)))
        for name in WRONG:
            pairs = zip(pool.map(calls, starts, [name] * len(starts)), plain, starts, strict=True)
            known = [(run, base, start) for run, base, start in pairs if run is not None]
            ratios = np.array([run[0] / base[0] for run, base, _ in known])
            above = np.array([run[1] - base[1] for run, base, _ in known])
            missed = sum(run[0] >= CAP for run, _, _ in known)
            worst = known[int(ratios.argmax())]
            mean, lower, higher = np.exp(np.log(ratios).mean()), (above < -0.005).sum(), (above > 0.005).sum()
            where = f"{worst[2].name}: {worst[0][0]} for {worst[1][0]}"
            print(f"{name:16s} {len(known):3d}  {mean:.3f}  {ratios.max():.2f} ({where})  {missed}  {lower}  {higher}")


if __name__ == "__main__":
    main()
