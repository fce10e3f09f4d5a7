"""The conformer search beside CREST, under GFN2-xTB.

    python docs/benchmarks/conformers_crest.py reference DATA --out OUT
    python docs/benchmarks/conformers_crest.py search DATA GFA01 --out OUT --seed 1 --max-calls 9000
    python docs/benchmarks/conformers_crest.py report DATA --out OUT

`reference` relaxes CREST's conformers with the same calculator. DATA is a folder with `molecules.csv` (id, smiles) and
`ID.xyz.gz`, as CREST writes `crest_conformers.xyz`: MPCONF196GEN (Rowan Scientific, 2026,
github.com/rowansci/MPCONF196GEN-benchmark, CC BY 4.0; molecules after J. Rezac et al., J. Chem. Theory Comput. 14, 1254
(2018)). OUT gets a file for each search; `--tag` keeps searches of other settings apart. Seconds are CPU seconds of one
core.
"""

import argparse
import csv
import gzip
import json
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read
from ase.units import Hartree
from rdkit import Chem

import molopt
from molopt.ensembles.conformer import Round
from molopt.ensembles.distinct import Distinct
from molopt.ensembles.effort import KCAL
from molopt.ensembles.shapes import Shapes
from molopt.molecules.identity import identity_of

FAR = 4.5  # kcal/mol; of CREST's conformers so far above its lowest those that may end within 3
FOUND = 0.25  # A
WINDOWS = (1.5, 3.0)


def listed(data: Path) -> dict[str, dict[str, str]]:
    with open(data / "molecules.csv", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def crest(data: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers, positions (S, N, 3) and energies (S,) in eV as CREST wrote them."""
    with gzip.open(data / f"{name}.xyz.gz", "rt") as file:
        lines = file.read().split("\n")
    natoms = int(lines[0])
    energies = [float(lines[k + 1].split()[0]) for k in range(0, len(lines) - natoms - 1, natoms + 2)]
    with gzip.open(data / f"{name}.xyz.gz", "rt") as file:
        frames = read(file, ":", format="xyz")
    return frames[0].numbers, np.array([each.positions for each in frames]), np.array(energies) * Hartree


def in_their_order(data: Path, name: str) -> molopt.Molecule:
    """The molecule with its atoms in the order of CREST's file."""
    numbers, positions, _ = crest(data, name)
    return molopt.Molecule.from_atoms(Atoms(numbers, positions[0]))


def reference(data: Path, out: Path, name: str) -> None:
    """CREST's low conformers at rest under tblite's GFN2-xTB, with bonds and stereo kept."""
    path = out / f"{name}.crest.npz"
    if path.exists():
        return
    _, positions, energies = crest(data, name)
    molecule = in_their_order(data, name)
    chosen = np.flatnonzero(energies <= energies.min() + FAR * KCAL)
    batch = molopt.relax_batch(
        molecule, "default", "gfn2-xtb", 0.01, None, positions=positions[chosen], surrogate=None, check=None
    ).collect()
    kept = [identity_of(molecule, each).word == "kept" for each in batch.positions]
    np.savez(path, positions=batch.positions[kept], energies=batch.energies[kept])
    print(
        f"{name}: {len(chosen)} of {len(energies)} relaxed, {sum(kept)} still the molecule, "
        f"{batch.force_calls.sum()} force calls, lowest {batch.energies[kept].min():.6f} eV", flush=True,
    )  # fmt: skip


def search(data: Path, name: str, arguments: argparse.Namespace) -> None:
    """One search, kept in OUT with its trace: CPU seconds, force calls, lowest energy and minima after each round."""
    out, trace, smiles = arguments.out, [], listed(data)[name]["smiles"]
    begun = time.process_time()

    def told(round_: Round) -> None:
        trace.append([time.process_time() - begun, round_.calls, round_.lowest, round_.minima])

    ensemble = molopt.conformers(
        molopt.Molecule.from_smiles(smiles, name=name, seed=arguments.seed), "mmff94s", "gfn2-xtb",
        window=arguments.window, seed=arguments.seed, max_calls=arguments.max_calls, given=False,
        until_no_new=arguments.until_no_new, early_stops=not arguments.lose_nothing, on_round=told,
    )  # fmt: skip
    seconds = time.process_time() - begun
    stem = out / f"{name}.{arguments.seed}{arguments.tag}"
    positions = np.array([one.positions for one in ensemble])
    np.savez(f"{stem}.npz", positions=positions, energies=ensemble.energies, trace=trace)
    words = [verdict.stationary for verdict in ensemble.verdicts]
    said = {
        "seconds": round(seconds, 1),
        "calls": ensemble.force_calls,
        "stopped": ensemble.stopped,
        "generated": ensemble.generated,
        "set aside": len(ensemble.set_aside),
        "ends": {word: words.count(word) for word in sorted(set(words))},
        "notes": ensemble.notes[-1:],
    }
    Path(f"{stem}.json").write_text(json.dumps(said, indent=1))
    print(f"{stem.name}: {json.dumps(said)}\n{line(compared(data, out, name, stem))}", flush=True)


def compared(data: Path, out: Path, name: str, stem: Path) -> dict[str, object]:
    """A search beside CREST: gap (kcal/mol), who has what in each window, and when CREST's lowest was reached."""
    theirs, ours, said = (
        np.load(out / f"{name}.crest.npz"),
        np.load(f"{stem}.npz"),
        json.loads(Path(f"{stem}.json").read_text()),
    )
    own = molopt.Molecule.from_smiles(listed(data)[name]["smiles"], seed=1)
    order = list(in_their_order(data, name).to_rdkit().GetSubstructMatch(Chem.Mol(own.to_rdkit())))
    shapes = Shapes(own)
    floor = min(theirs["energies"].min(), ours["energies"].min())
    crests = Distinct(shapes, threshold=0.125)
    for positions, energy in zip(theirs["positions"][:, order], theirs["energies"], strict=True):
        crests.add(positions, energy)
    mine, others = shapes.outline(ours["positions"]), shapes.outline(np.array(crests.positions))
    found = {
        "seconds": said["seconds"],
        "calls": said["calls"]["gfn2-xtb"],
        "ends": said["ends"],
        "notes": said["notes"],
    }
    found["gap"] = float((ours["energies"].min() - theirs["energies"].min()) / KCAL)
    for window in WINDOWS:
        there = np.flatnonzero(np.array(crests.energies) <= floor + window * KCAL)
        here = np.flatnonzero(ours["energies"] <= floor + window * KCAL)
        lacking = [k for k in there if not len(mine) or shapes.rmsd(others[k], mine).min() >= FOUND]
        more = [k for k in here if shapes.rmsd(mine[k], others).min() >= FOUND]
        found[f"{window}"] = {
            "crest": len(there), "ours": len(here),
            "lacking": [round(float((crests.energies[k] - floor) / KCAL), 2) for k in lacking],
            "more": [round(float((ours["energies"][k] - floor) / KCAL), 2) for k in more],
        }  # fmt: skip
    trace = ours["trace"]
    reached = np.flatnonzero(trace[:, 2] <= theirs["energies"].min() + 0.05 * KCAL)
    found["reached"] = trace[reached[0], :2].round().tolist() if len(reached) else None
    return found


def line(found: dict[str, object]) -> str:
    parts = [f"gap {found['gap']:+.3f} kcal/mol"]
    for window in WINDOWS:
        one = found[f"{window}"]
        parts.append(f"within {window}: {share(one)} of CREST's, ours {one['ours']}")
    parts.append(f"within 0.05 of CREST's lowest: {when(found)} (s, calls)")
    return f"{'; '.join(parts)}; in all {found['seconds']:.0f} s, {found['calls']} calls"


def share(one: dict[str, object]) -> str:
    return f"{one['crest'] - len(one['lacking'])} of {one['crest']}"


def when(found: dict[str, object]) -> str:
    reached = found["reached"]
    return "after polishing" if reached is None else f"{reached[0]:.0f}, {reached[1]:.0f}"


def report(data: Path, out: Path, names: list[str]) -> None:
    """Tables in Markdown of all searches in OUT."""
    heads = (
        "molecule",
        "seed",
        "gap",
        "+ 0.05 after (s, calls)",
        "CREST's within 1.5",
        "within 3",
        "ours within 3",
        "ends",
    )
    print(f"| {' | '.join((*heads, 's, calls in all'))} |\n|{'---|' * (len(heads) + 1)}")
    details = []
    for name in names:
        for path in sorted(out.glob(f"{name}.[0-9]*.json")):
            found = compared(data, out, name, path.with_suffix(""))
            low, high = (found[f"{window}"] for window in WINDOWS)
            ends = ", ".join(f"{count} {word}" for word, count in found["ends"].items())
            cells = (name, path.stem.partition(".")[2], f"{found['gap']:+.3f}", when(found), share(low), share(high))
            spent = f"{found['seconds']:.0f}, {found['calls']}"
            print(f"| {' | '.join((*cells, str(high['ours']), ends, spent))} |")
            details.append(
                f"- {path.stem}: CREST alone has {high['lacking'] or 'none'}; the search alone {high['more'] or 'none'}"
            )
            details += [f"  ({note})" for note in found["notes"]]
    print("\nIn kcal/mol above the lowest of both, within 3:\n\n" + "\n".join(details))


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
    names = arguments.names or list(listed(arguments.data))
    if arguments.task == "report":
        report(arguments.data, arguments.out, names)
        return
    for name in names:
        if arguments.task == "reference":
            reference(arguments.data, arguments.out, name)
        else:
            search(arguments.data, name, arguments)


if __name__ == "__main__":
    main()
