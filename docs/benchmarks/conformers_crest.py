"""The conformer search beside CREST, under GFN2-xTB.

    python docs/benchmarks/conformers_crest.py reference DATA --out OUT            # CREST's conformers, relaxed with the same calculator
    python docs/benchmarks/conformers_crest.py search DATA --out OUT GFA01 --seed 1 --cpu 300
    python docs/benchmarks/conformers_crest.py report DATA --out OUT

DATA is a folder with `molecules.csv` (id, smiles) and `ID.xyz.gz`, as CREST writes `crest_conformers.xyz`: MPCONF196GEN (Rowan Scientific, 2026,
github.com/rowansci/MPCONF196GEN-benchmark, CC BY 4.0; molecules after J. Rezac et al., J. Chem. Theory Comput. 14, 1254 (2018)).
"""

import argparse
import csv
import gzip
import json
import time
from pathlib import Path

import numpy as np
from ase.io import read
from ase.units import Hartree, kcal, mol
from rdkit import Chem
from rdkit.Chem import rdDetermineBonds  # noqa: F401

import molopt
from molopt.ensembles.finding import conformers
from molopt.ensembles.shapes import Shapes
from molopt.molecules.identity import identity_of

KCAL = kcal / mol
TOLD: dict = {}
LOG: list = []
import molopt.ensembles.refinement as _r
_old = _r.Refinement.__init__
def _new(self, *a):
    _old(self, *a); TOLD.update(self.beliefs); globals()["REF"]=self
_lrn = _r.Refinement.learn
def _learn(self, candidate, answer, top):
    LOG.append((candidate, answer, top, len(self.minima)))
    _lrn(self, candidate, answer, top)
    LOG[-1] += (len(self.minima),)
_r.Refinement.learn = _learn
_r.Refinement.__init__ = _new
FAR = 4.5  # kcal/mol; of CREST's conformers so far above its lowest those that may end within 3
SAME = 0.25  # A


def listed(data: Path) -> dict[str, str]:
    with open(data / "molecules.csv", newline="") as file:
        return {row["id"]: row["smiles"] for row in csv.DictReader(file)}


def crest(data: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers, positions (S, N, 3) and energies (S,) in kcal/mol as CREST wrote them."""
    with gzip.open(data / f"{name}.xyz.gz", "rt") as file:
        lines = file.read().split("\n")
    natoms = int(lines[0])
    energies = [float(lines[k + 1].split()[0]) for k in range(0, len(lines) - natoms - 1, natoms + 2)]
    with gzip.open(data / f"{name}.xyz.gz", "rt") as file:
        frames = read(file, ":", format="xyz")
    return frames[0].numbers, np.array([each.positions for each in frames]), np.array(energies) * Hartree / KCAL


def ordered_as(data: Path, name: str, smiles: str) -> molopt.Molecule:
    """The molecule with its atoms in the order of CREST's file."""
    numbers, positions, _ = crest(data, name)
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    symbols = [Chem.GetPeriodicTable().GetElementSymbol(int(number)) for number in numbers]
    found = molopt.Molecule.from_atoms(__import__("ase").Atoms(symbols, positions[0]))
    match = found.to_rdkit().GetSubstructMatch(mol, useChirality=False)
    assert len(match) == len(numbers), name
    return found


def reference(data: Path, out: Path, name: str, smiles: str) -> None:
    path = out / f"{name}.crest.npz"
    if path.exists():
        return
    _, positions, energies = crest(data, name)
    molecule = ordered_as(data, name, smiles)
    chosen = np.flatnonzero(energies <= energies.min() + FAR)
    batch = molopt.relax_batch(
        molecule, "default", "gfn2-xtb", 0.01, None, positions=positions[chosen], surrogate=None, check=None
    ).collect()
    kept = [identity_of(molecule, each).word == "kept" for each in batch.positions]
    np.savez(path, positions=batch.positions[kept], energies=batch.energies[kept], calls=batch.force_calls)
    print(
        f"{name}: {len(chosen)} of {len(energies)} relaxed, {sum(kept)} still the molecule, "
        f"{batch.force_calls.sum()} calls, lowest {batch.energies[kept].min():.6f} eV",
        flush=True,
    )


def search(data: Path, out: Path, name: str, smiles: str, arguments: argparse.Namespace) -> None:
    """One search; the trace holds CPU seconds, force calls, lowest energy and minima after each round."""
    trace: list[list[float]] = []
    begun = time.process_time()

    class Enough(Exception):
        pass

    def told(round_: object) -> None:
        trace.append([time.process_time() - begun, round_.calls, round_.lowest, round_.minima])

    ensemble = conformers(
        molopt.Molecule.from_smiles(smiles, seed=arguments.seed),
        "mmff94s",
        "gfn2-xtb",
        window=arguments.window,
        seed=arguments.seed,
        max_calls=arguments.max_calls,
        until_no_new=arguments.until_no_new,
        on_round=told,
        early_stops=not arguments.lose_nothing,
    )
    seconds = time.process_time() - begun
    stem = f"{name}.{arguments.seed}{arguments.tag}"
    np.savez(
        out / f"{stem}.npz", positions=[each.positions for each in ensemble], energies=ensemble.energies, trace=trace
    )
    said = {
        "seconds": seconds,
        "calls": ensemble.force_calls,
        "stopped": ensemble.stopped,
        "generated": ensemble.generated,
        "aside": len(ensemble.set_aside),
        "by_source": ensemble.rounds[-1].by_source,
        "verdicts": {
            word: sum(each.verdict.stationary == word for each in ensemble)
            for word in ("minimum", "flat", "unchecked", "saddle")
        },
        "routes": {route: (found.calls, found.new, sum(found.fresh.ended), *(round(float(x) / KCAL, 2) for x in (found.missed.mean, found.missed.variance**0.5*KCAL**0, found.gained.mean, found.gained.variance**0.5))) for route, found in TOLD.items()},
        "smiles": ensemble.molecule.smiles,
    }
    import pickle
    pickle.dump(LOG, open(out / f"{stem}.pkl", "wb"))
    (out / f"{stem}.json").write_text(json.dumps(said, indent=1))
    print(name, json.dumps(said), flush=True)
    ours(data, out, name, smiles, stem)


def ours(data: Path, out: Path, name: str, smiles: str, stem: str) -> None:
    """Gap to CREST's lowest, and how many of CREST's are found."""
    theirs, found = np.load(out / f"{name}.crest.npz"), np.load(out / f"{stem}.npz")
    own = molopt.Molecule.from_smiles(smiles, seed=1)
    there = ordered_as(data, name, smiles)
    match = there.to_rdkit().GetSubstructMatch(own.to_rdkit())  # atoms of CREST's file in the order of ours
    shapes = Shapes(own, "merge")
    floor = min(theirs["energies"].min(), found["energies"].min())
    gap = (found["energies"].min() - theirs["energies"].min()) / KCAL
    mine = shapes.outline(found["positions"])
    line = [f"{stem}: gap {gap:+.3f} kcal/mol"]
    for window in (1.5, 3.0):
        wanted = theirs["positions"][theirs["energies"] <= floor + window * KCAL][:, list(match)]
        distinct: list[np.ndarray] = []
        for outline in map(shapes.outline, wanted):
            if not distinct or shapes.rmsd(outline, np.array(distinct)).min() > 0.125:
                distinct.append(outline)
        hit = sum(shapes.rmsd(each, mine).min() < SAME for each in distinct)
        within = int((found["energies"] <= floor + window * KCAL).sum())
        line.append(f"{window}: {hit}/{len(distinct)} of CREST's, ours {within}")
    trace = found["trace"]
    reached = np.flatnonzero(trace[:, 2] <= theirs["energies"].min() + 0.05 * KCAL)
    line.append(
        f"reached + 0.05 after {trace[reached[0], 0]:.0f} s, {trace[reached[0], 1]:.0f} calls"
        if len(reached)
        else "not reached"
    )
    print("; ".join(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("reference", "search", "report"))
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--window", type=float, default=3.0)
    parser.add_argument("--max-calls", type=int)
    parser.add_argument("--until-no-new", type=int, default=10**6)
    parser.add_argument("--tag", default="")
    parser.add_argument("--lose-nothing", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = listed(arguments.data)
    for name in arguments.names or known:
        if arguments.task == "reference":
            reference(arguments.data, arguments.out, name, known[name])
        elif arguments.task == "search":
            search(arguments.data, arguments.out, name, known[name], arguments)


if __name__ == "__main__":
    main()
