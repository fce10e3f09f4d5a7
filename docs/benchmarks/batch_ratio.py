"""Conformers a second of `molopt.relax_batch` over those of RDKit's `MMFFOptimizeMoleculeConfs`, on MMFF94.

    python docs/benchmarks/batch_ratio.py                       # conformers of single molecules
    python docs/benchmarks/batch_ratio.py --workers 2           # on a machine with nothing else to do
    python docs/benchmarks/batch_ratio.py --different 500       # different molecules, set-up included
    python docs/benchmarks/batch_ratio.py --defaults            # with energy left, and a check of each end
    python docs/benchmarks/batch_ratio.py --single --count 32   # one `molopt.relax` after another

Starts are those of ETKDGv3. RDKit runs to its own end (maxIters=20000), molopt to fmax 0.002 eV/A alone, without a
check (but for `--defaults`). They take turns, 128 conformers or 50 molecules at a time; times are CPU times of one
process, and of `--workers 2` wall times. Ends are in the same basin where their geometries agree to 0.1 A, equal atoms
exchanged; "lower" and "higher" are shares of the ends of molopt in another basin. `drugs.smi` holds 413 drugs without
their stereo, and 156 amides of acids and amines that are drugs or parts of them, of 20 to 77 atoms.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rows as table
from rdkit import Chem, RDLogger
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

import molopt

KCAL = 0.0433641153  # eV
SAME = 0.1  # Angstrom
CLOSE = 0.01  # kcal/mol
SETTINGS: dict[str, Any] = {"potential": "mmff94", "fmax": 0.002, "energy_left": None, "check": None}
MOLECULES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "dopamine": "NCCc1ccc(O)c(O)c1",
    "phenylalanine": "NC(Cc1ccccc1)C(=O)O",
    "valproic_acid": "CCCC(CCC)C(=O)O",
    "gabapentin": "NCC1(CC(=O)O)CCCCC1",
    "oseltamivir": "CCOC(=O)C1=C[C@@H](OC(CC)CC)[C@H](NC(C)=O)[C@@H](N)C1",
    "losartan": "CCCCc1nc(Cl)c(CO)n1Cc1ccc(cc1)-c1ccccc1-c1nnn[nH]1",
    "tamoxifen": "CC/C(=C(\\c1ccccc1)c1ccc(OCCN(C)C)cc1)c1ccccc1",
    "sildenafil": "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1",
    "imatinib": "CN1CCN(Cc2ccc(cc2)C(=O)Nc2ccc(C)c(Nc3nccc(n3)-c3cccnc3)c2)CC1",
    "fexofenadine": "CC(C)(C(=O)O)c1ccc(cc1)C(O)CCCN1CCC(CC1)C(O)(c1ccccc1)c1ccccc1",
}
DRUGS = Path(__file__).with_name("drugs.smi")


@dataclass
class Tally:
    """What some chunks took, and where they ended."""

    rdkit: float = 0.0  # s
    ours: float = 0.0  # s
    calls: list[int] = field(default_factory=list)
    unconverged: list[str] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)  # kcal/mol, molopt's end less RDKit's
    same: list[bool] = field(default_factory=list)

    def __str__(self) -> str:
        count, delta, same = len(self.calls), np.array(self.differences), np.array(self.same)
        away = np.abs(delta[same])
        lower, higher = ~same & (delta < -CLOSE), ~same & (delta > CLOSE)
        parts = [
            f"RDKit {count / self.rdkit:.1f}/s, molopt {count / self.ours:.1f}/s, ratio {self.rdkit / self.ours:.2f}",
            f"calls {np.mean(self.calls):.1f}, at most {max(self.calls)}",
            f"converged {count - len(self.unconverged)} of {count}",
            *self.unconverged,
            f"same basin {same.mean():.3f}",
            f"of these within {CLOSE} kcal/mol {(away < CLOSE).mean():.3f}, at most {max(away, default=0.0):.4f}",
            f"lower {lower.mean():.3f}, higher {higher.mean():.3f}, mean {delta.mean():+.3f} kcal/mol",
        ]
        return "; ".join(parts)

    def as_row(self) -> dict[str, object]:
        delta, same = np.array(self.differences), np.array(self.same)
        return {
            "runs": len(self.calls),
            "converged": len(self.calls) - len(self.unconverged),
            "seconds": self.ours,
            "rdkit_seconds": self.rdkit,
            "force_calls": float(np.mean(self.calls)),
            "same_basin": float(same.mean()),
            "lower": float((~same & (delta < -CLOSE)).mean()),
            "higher": float((~same & (delta > CLOSE)).mean()),
        }

    def add(self, end: "End", energy: float, positions: np.ndarray) -> None:
        """An end of molopt beside RDKit's: energy in kcal/mol, positions in Angstrom."""
        self.calls.append(end.calls)
        if not end.converged:
            self.unconverged.append(end.verdict)
        self.differences.append(end.energy / KCAL - energy)
        self.same.append(apart(end.numbers, end.positions, positions) < SAME)


class End(NamedTuple):
    """The end of a run of molopt."""

    numbers: np.ndarray
    positions: np.ndarray  # Angstrom
    energy: float  # eV
    calls: int
    converged: bool
    verdict: str


def apart(numbers: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square distance of two (N, 3) geometries, turned so that heavy atoms agree, hydrogens exchanged."""
    heavy = numbers > 1
    a, b = a - a[heavy].mean(axis=0), b - b[heavy].mean(axis=0)
    a = Rotation.align_vectors(b[heavy], a[heavy])[0].apply(a)
    far = cdist(a, b) + 1e3 * (numbers[:, None] != numbers)
    rows, columns = linear_sum_assignment(far**2)
    return float(np.sqrt(np.mean(far[rows, columns] ** 2)))


def clock(workers: int) -> float:
    return time.process_time() if workers == 1 else time.perf_counter()


def relaxed(molecules: Sequence[molopt.Molecule], workers: int, single: bool) -> list[End]:
    """The ends of runs of different molecules, in their order."""
    if single:
        results = [molopt.relax(molecule, **SETTINGS) for molecule in molecules]
    else:
        results = list(molopt.relax_batch(molecules, workers=workers, ordered=True, **SETTINGS))
    return [
        End(molecule.numbers, result.atoms.positions if single else result.positions, result.energy,
            result.force_calls, result.converged, f"{molecule.name} {result.ended}")
        for molecule, result in zip(molecules, results, strict=True)
    ]  # fmt: skip


def conformers(molecule: molopt.Molecule, x: np.ndarray, workers: int, single: bool) -> list[End]:
    """The ends of runs of one molecule from x (S, N, 3)."""
    if single:
        return relaxed([molecule.moved(positions) for positions in x], workers, single)
    batch = molopt.relax_batch(molecule, positions=x, workers=workers, **SETTINGS).collect()
    columns = (batch.positions, batch.energies, batch.force_calls, batch.converged, map(str, batch.verdicts))
    numbers = molecule.numbers
    return [End(numbers, *row) for row in zip(*columns, strict=True)]


def embedded(smiles: str, count: int, seed: int) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    rdDistGeom.EmbedMultipleConfs(mol, count, parameters)
    return mol


def with_conformers(mol: Chem.Mol, which: Sequence[int]) -> Chem.Mol:
    part = Chem.Mol(mol)
    part.RemoveAllConformers()
    for index in which:
        part.AddConformer(mol.GetConformer(int(index)), assignId=True)
    return part


def minimized(part: Chem.Mol) -> list[float]:
    """RDKit's energies in kcal/mol; the conformers become its ends."""
    ends = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(part, numThreads=1, maxIters=20000)
    return [energy for _, energy in ends]


def one_molecule(name: str, smiles: str, count: int, seed: int, workers: int, single: bool) -> Tally:
    """Conformers of one molecule."""
    mol, tally = embedded(smiles, count, seed), Tally()
    molecule = molopt.Molecule.from_rdkit(with_conformers(mol, [0]), name=name)
    found, chunk = mol.GetNumConformers(), 128 * workers
    for first in range(0, found, chunk):
        part = with_conformers(mol, range(first, min(found, first + chunk)))
        x = np.array([conformer.GetPositions() for conformer in part.GetConformers()])
        start = clock(workers)
        ends = conformers(molecule, x, workers, single)
        tally.ours += clock(workers) - start
        start = time.process_time()
        energies = minimized(part)
        tally.rdkit += time.process_time() - start
        for end, energy, conformer in zip(ends, energies, part.GetConformers(), strict=True):
            tally.add(end, energy, conformer.GetPositions())
    return tally


def different_molecules(count: int, seed: int, workers: int, single: bool) -> Tally:
    """One conformer of each of many molecules, what is done once for each of them included in both times."""
    lines = [line.split() for line in DRUGS.read_text().splitlines()][:count]
    tally = Tally()
    for first in range(0, count, 50):
        mols = [embedded(smiles, 1, seed) for smiles, _ in lines[first : first + 50]]
        names = [name for _, name in lines[first : first + 50]]
        starts = [molopt.Molecule.from_rdkit(mol, name=name) for mol, name in zip(mols, names, strict=True)]
        start = clock(workers)
        ends = relaxed(starts, workers, single)
        tally.ours += clock(workers) - start
        start = time.process_time()
        energies = [minimized(mol)[0] for mol in mols]
        tally.rdkit += time.process_time() - start
        for end, energy, mol in zip(ends, energies, mols, strict=True):
            tally.add(end, energy, mol.GetConformer().GetPositions())
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=",".join(MOLECULES))
    parser.add_argument("--count", type=int, default=128, help="conformers of each")
    parser.add_argument("--different", type=int, default=0, help="so many different molecules instead")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--single", action="store_true", help="one relax after another, not in a batch")
    parser.add_argument("--defaults", action="store_true", help="energy left and check as they are by default")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--rows", type=Path, help="a CSV file for the rows")
    given = parser.parse_args()
    for name in ("energy_left", "check") if given.defaults else ():
        del SETTINGS[name]
    RDLogger.DisableLog("rdApp.*")
    rest = (given.workers, given.single)
    relaxed([molopt.Molecule.from_smiles(smiles) for smiles in ("CCO", "NCC(=O)O")], *rest)  # kernels compile at first
    if given.different:
        tally = different_molecules(given.different, given.seed, *rest)
        table.write(given.rows, [{"molecule": f"{given.different} different"} | tally.as_row()])
        print(f"{given.different} different molecules: {tally}")
        return
    found = []
    for name in given.molecules.split(","):
        smiles = MOLECULES[name]
        size = Chem.AddHs(Chem.MolFromSmiles(smiles)).GetNumAtoms()
        tally = one_molecule(name, smiles, given.count, given.seed, *rest)
        found.append({"molecule": name, "atoms": size} | tally.as_row())
        table.write(given.rows, found)
        print(f"{name}, {size} atoms: {tally}", flush=True)


if __name__ == "__main__":
    main()
