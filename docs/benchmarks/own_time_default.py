"""CPU time that the default itself takes, beside an older checkout, Sella, and ASE's BFGS on a force field.

    python docs/benchmarks/own_time_default.py --beside ../older            # all tables
    python docs/benchmarks/own_time_default.py --tables steps --rounds 1    # one, quickly

Each version runs in a process of its own, and they take turns: with numba, without, and the older checkout. A run is
`molopt.relax(..., check=None, fmax=0.01)`, from the shipped geometry and ETKDG conformers; what is inside the potential
is not counted, what is inside a surrogate is. "set-up" is all until the second force call, less a step: the list of
coordinates, its stiffness and the first factorization. "a step" is the mean of all later ones; "a run" is all, with
energy left and the verdict. Each run has been made once before, as kernels compile at first. Figures are the least
over the rounds, and means over the starts.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import beside
from beside import OLDER, REFERENCE

SIZES = {22: "aladip", 33: "CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O ibuprofen", 54: "arachidonic", 76: "atorvastatin"}
LARGE = {67: "laureth4", 69: "telmisartan", 71: "verapamil", 76: "atorvastatin", 77: "enkephalin"}
SMALL = {
    21: "CC(=O)Oc1ccccc1C(=O)O aspirin", 22: "aladip",
    "22b": "NCCc1ccc(O)c(O)c1 dopamine", 23: "NC(Cc1ccccc1)C(=O)O phenylalanine",
}  # fmt: skip
SEEDS = (0, 1, 2)
TABLES = ("steps", "guided", "sella", "bfgs")


def molecule_of(text: str, seed: int) -> Any:
    import molopt

    if " " in text:
        smiles, name = text.split()
        return molopt.Molecule.from_smiles(smiles, seed=seed, name=name)
    molecule = molopt.Molecule.named(text)
    return next(molecule.conformers(1, seed)) if seed else molecule


def work(job: dict[str, Any]) -> dict[str, Any]:
    """One run: CPU milliseconds of set-up and a step, calls, and of the whole with and without the potential."""
    import molopt

    molecule = molecule_of(job["molecule"], job["seed"])
    calculator = molopt.potential(job["potential"], molecule)
    inside, marks = beside.Inside(calculator), []
    start = time.process_time()
    if job["optimizer"] == "ase":
        from ase.optimize import BFGS

        atoms = molecule.atoms()
        atoms.calc = calculator
        BFGS(atoms, logfile=None).run(fmax=job["fmax"], steps=3000)
        return {"whole": 1e3 * (time.process_time() - start)}
    result = molopt.relax(
        molecule,
        job["optimizer"],
        calculator,
        fmax=job["fmax"],
        surrogate=job["surrogate"],
        check=None,
        steps=job.get("steps", 1000),
        on_call=lambda counted: marks.append(time.process_time() - inside.seconds),
        **({"energy_left": None} if job.get("fmax_alone") else {}),
    )
    end = time.process_time()
    steps = 1e3 * (marks[-1] - marks[1]) / max(1, len(marks) - 2)
    return {
        "step": steps,
        "setup": 1e3 * (marks[1] - start) - steps,
        "own": 1e3 * (end - inside.seconds - start),
        "whole": 1e3 * (end - start),
        "calls": result.force_calls,
    }


def measured(
    started: dict[str, beside.Version], jobs: list[dict[str, Any]], rounds: int
) -> dict[str, list[dict[str, float]]]:
    """For each version the least of each figure over the rounds, job by job; the versions take turns."""
    for version in started.values():
        for job in jobs:
            version.ask(job)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in started}
    for job in jobs:
        answers: dict[str, list[dict[str, float]]] = {name: [] for name in started}
        for _ in range(rounds):
            for name, version in started.items():
                answers[name].append(version.ask(job))
        for name, several in answers.items():
            found[name].append({key: min(answer[key] for answer in several) for key in several[0]})
    return found


def mean(answers: list[dict[str, float]], key: str) -> float:
    return statistics.fmean(answer[key] for answer in answers)


def jobs_for(molecule: str, **more: Any) -> list[dict[str, Any]]:
    common = {"optimizer": "default", "potential": "mmff94", "surrogate": None, "fmax": 0.01}
    return [common | {"molecule": molecule, "seed": seed} | more for seed in SEEDS]


def print_steps(started: dict[str, beside.Version], sizes: list[int], rounds: int, title: str, **more: Any) -> None:
    """Set-up, a step and the whole run at each size, and how they relate to the older checkout."""
    keys = ("setup", "step", "own")
    heads = [f"{head:>10s} {'of older':>8s}" for head in ("set-up ms", "a step ms", "a run ms")]
    print(f"\n{title}\n{'atoms':>5s} {'version':>10s} {'calls':>6s}", *heads, flush=True)
    for size in sizes:
        found = measured(started, jobs_for(SIZES[size], **more), rounds)
        for name, answers in found.items():
            cells = [f"{mean(answers, key):10.2f} {ratio(found, name, key):>8s}" for key in keys]
            print(f"{size:5d} {name:>10s} {mean(answers, 'calls'):6.1f}", *cells, flush=True)


def ratio(found: dict[str, list[dict[str, float]]], name: str, key: str) -> str:
    return f"{mean(found[name], key) / mean(found[OLDER], key):.3f}" if OLDER in found else ""


def print_sella(started: dict[str, beside.Version], rounds: int) -> None:
    """A step of the default over one of Sella."""
    print(f"\nbeside Sella, MMFF94, 25 steps of it\n{'atoms':>5s} {'version':>10s} {'a step ms':>10s} {'Sella ms':>10s}"
          f" {'ratio':>8s}", flush=True)  # fmt: skip
    for size, molecule in LARGE.items():
        peer = jobs_for(molecule, optimizer="sella", steps=25)[:1]
        sella = min(started[REFERENCE].ask(job)["step"] for job in peer for _ in range(rounds))
        for name, answers in measured(started, jobs_for(molecule)[:1], rounds).items():
            step = mean(answers, "step")
            print(f"{size:5d} {name:>10s} {step:10.3f} {sella:10.1f} {step / sella:8.4f}", flush=True)


def print_bfgs(started: dict[str, beside.Version], rounds: int) -> None:
    """CPU of a whole run on MMFF94, the potential included, over that of ASE's BFGS."""
    print(f"\nwhole runs, MMFF94, fmax 0.01 alone, beside ASE's BFGS\n{'atoms':>5s} {'version':>10s} {'ms':>8s}"
          f" {'BFGS ms':>8s} {'ratio':>7s}", flush=True)  # fmt: skip
    for size, molecule in SMALL.items():
        bfgs = measured({"": started[REFERENCE]}, jobs_for(molecule, optimizer="ase"), rounds)[""]
        for name, answers in measured(started, jobs_for(molecule, fmax_alone=True), rounds).items():
            share = mean(answers, "whole") / mean(bfgs, "whole")
            print(f"{size:>5} {name:>10s} {mean(answers, 'whole'):8.1f} {mean(bfgs, 'whole'):8.1f} {share:7.3f}",
                  flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path, help="an older checkout of molopt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="of the first two tables")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    tables = given.tables.split(",")
    with beside.versions(__file__, given.beside) as started:
        if "steps" in tables:
            print_steps(started, sizes, given.rounds, "unguided, MMFF94")
        if "guided" in tables:
            more = {"potential": "gfn2-xtb", "surrogate": "mmff94s"}
            print_steps(started, sizes, given.rounds, "guided by MMFF94s, GFN2-xTB", **more)
        if "sella" in tables:
            print_sella(started, given.rounds)
        if "bfgs" in tables:
            print_bfgs(started, given.rounds)


if __name__ == "__main__":
    if "--answer" in sys.argv:
        beside.answer(work)
    main()
