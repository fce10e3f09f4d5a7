"""The conformer search beside other generators, under MMFF94s, at equal CPU time; and beside thousands of embeddings.

    python docs/benchmarks/conformers_force_field.py race [--molecules NAME,...] [--rows FILE]
    python docs/benchmarks/conformers_force_field.py everything [--molecules NAME,...] [--embeddings 5000]

`race`: 300 embeddings by ETKDGv3, relaxed by RDKit's minimiser, take some CPU time on one core. CONFORGE's conformers,
relaxed by the same, and `molopt.conformers` get as much. All ends are then relaxed once more by RDKit to 1e-5,
uncounted, and told apart by one rule.
`everything`: of all minima within 3 kcal/mol that 5,000 embeddings find, which does the search at its defaults find?
"""

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import rows as table
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

import molopt
from molopt.ensembles.conforge import conforge_seeds
from molopt.ensembles.distinct import Distinct
from molopt.ensembles.effort import KCAL
from molopt.ensembles.shapes import Shapes
from molopt.molecules import Molecule
from molopt.molecules.identity import configuration

EMBEDDINGS = 300
RACE = {
    "atorvastatin_tail": "CC(C)C(=O)NCCC(O)CC(O)CC(=O)OC",
    "bisoprolol": "CC(C)NCC(O)COc1ccc(COCCOC(C)C)cc1",
    "captopril_ester": "CCOC(=O)[C@@H]1CCCN1C(=O)[C@H](C)CS",
    "carnosine": "NCCC(=O)N[C@@H](Cc1c[nH]cn1)C(=O)O",
    "citrulline_amide": "NC(=O)NCCC[C@H](N)C(=O)NC",
    "diltiazem": "COc1ccc(cc1)[C@@H]1Sc2ccccc2N(CCN(C)C)C(=O)[C@@H]1OC(C)=O",
    "dodecanol": "CCCCCCCCCCCCO",
    "enalapril": "CCOC(=O)[C@H](CCc1ccccc1)N[C@@H](C)C(=O)N1CCC[C@H]1C(=O)O",
    "glycerol_tributyrate": "CCCC(=O)OCC(COC(=O)CCC)OC(=O)CCC",
    "hexaglyme": "COCCOCCOCCOCCOC",
    "leu_enkephalin_tail": "CC(C)C[C@@H](C(=O)NC)NC(=O)[C@H](Cc1ccccc1)NC(C)=O",
    "methotrexate_tail": "CN(C)c1ccc(cc1)C(=O)N[C@@H](CCC(=O)O)C(=O)O",
    "muscone": "C[C@@H]1CCCCCCCCCCCCC(=O)C1",
    "ramipril_core": "CCOC(=O)[C@H](CCc1ccccc1)N[C@@H](C)C(=O)NC1CCCC1",
    "ritonavir_end": "CC(C)c1nc(CN(C)C(=O)N[C@@H](C(C)C)C(=O)NC)cs1",
    "salmeterol_end": "OCc1cc(ccc1O)C(O)CNCCCCCCOCC",
    "tetragastrin_part": "CSCC[C@H](NC(C)=O)C(=O)N[C@@H](CC(=O)O)C(=O)N",
    "threitol_ether": "COC[C@@H](OC)[C@H](OC)COC",
    "valsartan_acid": "CCCCC(=O)N(Cc1ccccc1)[C@@H](C(C)C)C(=O)O",
    "zanamivir_side": "CC(=O)N[C@@H]1[C@@H](O)C=C(O[C@H]1[C@H](O)[C@H](O)CO)C(=O)O",
}
EVERYTHING = {
    "valine_dipeptide": "CC(=O)N[C@@H](C(C)C)C(=O)NC",
    "nonane": "CCCCCCCCC",
    "naproxen": "COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O",
}


def clock() -> float:
    return time.process_time()


def minimised(molecule: Molecule, many: Iterable[np.ndarray], tolerance: float | None = None) -> np.ndarray:
    """(S, N, 3) the geometries after RDKit's minimiser, to its own end or to a tolerance."""
    mol = molecule.to_rdkit()
    mol.RemoveAllConformers()
    for positions in many:
        conformer = Chem.Conformer(len(molecule))
        conformer.SetPositions(np.ascontiguousarray(positions, dtype=float))
        mol.AddConformer(conformer, assignId=True)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol, mmffVariant="MMFF94s")
    for conformer in mol.GetConformers():
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conformer.GetId())
        field.Initialize()
        if tolerance is None:
            field.Minimize(maxIts=5000)
        else:
            field.Minimize(maxIts=20000, forceTol=tolerance, energyTol=1e-8)
    return np.array([conformer.GetPositions() for conformer in mol.GetConformers()]).reshape(-1, len(molecule), 3)


def embedded(molecule: Molecule, count: int, seed: int) -> np.ndarray:
    mol = molecule.to_rdkit()
    settings = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    rdDistGeom.EmbedMultipleConfs(mol, count, settings)
    return np.array([conformer.GetPositions() for conformer in mol.GetConformers()])


def told_apart(molecule: Molecule, many: np.ndarray) -> Distinct:
    """Distinct minima with energies, after RDKit's minimiser to 1e-5; those of another configuration are left out."""
    calculator = molopt.potential("mmff94s", molecule)
    atoms = molecule.atoms()
    atoms.calc = calculator
    found = Distinct(Shapes(molecule), threshold=0.15)
    wanted = configuration(molecule)
    for positions in minimised(molecule, many, 1e-5):
        if configuration(molecule.with_positions(positions)) == wanted:
            atoms.positions = positions
            found.add(positions, atoms.get_potential_energy())
    return found


def by_embedding(molecule: Molecule) -> tuple[np.ndarray, float]:
    begun = clock()
    many = minimised(molecule, embedded(molecule, EMBEDDINGS, 11))
    return many, clock() - begun


def by_conforge(molecule: Molecule, seconds: float) -> tuple[np.ndarray, float]:
    """As many conformers as the time allows; each try begins anew, and the last within the time counts."""
    count, best, spent = 50, np.empty((0, len(molecule), 3)), 0.0
    while True:
        begun = clock()
        made = [each.positions for each in conforge_seeds(molecule, count) if each.positions is not None]
        many = minimised(molecule, made)
        took = clock() - begun
        if took > seconds and len(best):
            return best, spent
        best, spent = many, took
        if took > seconds / 2 or len(made) < count or count > 5000:
            return best, spent
        count = int(count * min(4.0, 0.9 * seconds / took))


def by_search(molecule: Molecule, seconds: float, seed: int) -> tuple[np.ndarray, float, str]:
    """The search with as many starts as the time allows, foretold from a short one."""

    def run(count: int) -> tuple[molopt.Ensemble, float]:
        begun = clock()
        found = molopt.conformers(molecule, "mmff94s", count=count, until_no_new=10**6, seed=seed, given=False)
        return found, clock() - begun

    run(8)
    ensemble, took = run(300)
    count = 300
    for _ in range(3):
        wanted = int(count * seconds / took * 0.95)
        if 0.8 * seconds < took <= seconds:
            break
        count = max(60, min(wanted, 4 * count))
        ensemble, took = run(count)
    return np.array([one.positions for one in ensemble]), took, f"{count} starts"


def race(names: list[str], file: Path | None) -> None:
    rows, ends_of = [], []
    for name in names:
        molecule = Molecule.from_smiles(RACE[name], name=name) if name in RACE else Molecule.named(name)
        many, seconds = by_embedding(molecule)
        ends = {"etkdg": told_apart(molecule, many)}
        times = {"etkdg": seconds}
        many, times["conforge"] = by_conforge(molecule, seconds)
        ends["conforge"] = told_apart(molecule, many)
        many, times["molopt"], said = by_search(molecule, seconds, seed=1)
        ends["molopt"] = told_apart(molecule, many)
        floor = min(each.energies.min(initial=np.inf) for each in ends.values())
        line = {"molecule": name, "atoms": len(molecule), "starts": said}
        for who, found in ends.items():
            above = (found.energies - floor) / KCAL
            line[who] = cells = [
                round(float(above.min(initial=np.inf)), 3),
                int((above < 3).sum()),
                int((above < 6).sum()),
                round(times[who], 1),
            ]
            known = {"molecule": name, "atoms": len(molecule), "who": who}
            ends_of.append(known | dict(zip(("gap", "within_3", "within_6", "seconds"), cells, strict=True)))
        rows.append(line)
        print(json.dumps(line), flush=True)
        table.write(file, ends_of)
    for who in ("etkdg", "conforge", "molopt"):
        gaps = np.array([row[who][0] for row in rows])
        gaps = gaps[np.isfinite(gaps)]
        print(
            f"{who}: lowest (within 0.01 kcal/mol) on {(gaps < 0.01).sum()} of {len(rows)}, "
            f"mean gap {gaps.mean():.3f}, largest {gaps.max():.3f} kcal/mol; minima within 3 and 6 kcal/mol, in all: "
            f"{sum(row[who][1] for row in rows)}, {sum(row[who][2] for row in rows)}"
        )


def everything(names: list[str], embeddings: int) -> None:
    for name in names:
        molecule = Molecule.from_smiles(EVERYTHING[name], name=name)
        begun = clock()
        reference = told_apart(molecule, embedded(molecule, embeddings, 5))
        theirs = clock() - begun
        begun = clock()
        ensemble = molopt.conformers(molecule, "mmff94s", window=3.5, given=False)
        took = clock() - begun
        ours = told_apart(molecule, np.array([one.positions for one in ensemble]))
        floor = min(reference.energies.min(), ours.energies.min())
        low = np.flatnonzero(reference.energies < floor + 3 * KCAL)
        lacking = [k for k in low if ours.find(reference.positions[k], reference.energies[k]) is None]
        more = [
            k
            for k in np.flatnonzero(ours.energies < floor + 3 * KCAL)
            if reference.find(ours.positions[k], ours.energies[k]) is None
        ]
        print(
            f"{name}: {len(low)} minima within 3 kcal/mol from {embeddings} embeddings ({theirs:.0f} s), of which the "
            f"search lacks {len(lacking)}; it has {len(more)} more ({took:.0f} s; {ensemble.stopped}); "
            f"gap {(ours.energies.min() - floor) / KCAL:.3f}; "
            f"lacking at {[round(float((reference.energies[k] - floor) / KCAL), 2) for k in lacking]}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("race", "everything"))
    parser.add_argument("--molecules", help="Names, separated by commas.")
    parser.add_argument("--embeddings", type=int, default=5000)
    parser.add_argument("--rows", type=Path, help="a CSV file for the rows of a race")
    arguments = parser.parse_args()
    names = arguments.molecules.split(",") if arguments.molecules else None
    if arguments.task == "race":
        race(names or list(RACE), arguments.rows)
    else:
        everything(names or list(EVERYTHING), arguments.embeddings)


if __name__ == "__main__":
    main()
