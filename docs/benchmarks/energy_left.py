"""How good the estimate of energy left is, and what the default criterion leaves behind.

    python docs/benchmarks/energy_left.py run --set molecules --potential mmff94 --out results.jsonl
    python docs/benchmarks/energy_left.py report results.jsonl --plot docs/pictures/energy_left.png

BFGS, FIRE and the default are stopped where fmax first falls to 0.1, 0.05 and 0.02 eV/A, and where the default
criterion of `molopt.relax` is met. From each stop the truth is found: the default optimizer with maxstep 0.05 A, rises
rejected, to fmax 0.001. A stop is on a ridge where the lowest eigenvalue of the Cartesian Hessian (central
differences, translations and rotations projected out) is below -0.001 eV/A^2. Sets are those of
starts.py (`pip install "molopt[peers]"` for the published ones); runs that the file has already are not done again.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from starts import Start, starts

import molopt
from molopt.control import Trust
from molopt.convergence import EnergyLeft, auto
from molopt.coordinates.rigid import rigid_motions
from molopt.optimizers.spec import OptimizerSpec
from molopt.optimizers.stopping import Stopping

OPTIMIZERS = ("bfgs", "fire", "default")
STOPS = (0.1, 0.05, 0.02)  # eV/A
LAST = 0.001  # eV/A, where a run that is not done yet is given up
DONE = "done"  # the stop of the default criterion
DEFAULT_FMAX = 0.05  # eV/A
STEPS = 3000
DISPLACED = 0.005  # A, of an atom in central differences
RIDGE = -0.001  # eV/A^2
WORTH = 0.001  # eV; rows with a smaller true value are not judged
FACTORS = (2.0, 3.0)
FAR = 0.005  # eV above the floor, or three thresholds, are too far for a run that is called done
TIGHT = {"gfn1-xtb": "?accuracy=0.05", "gfn2-xtb": "?accuracy=0.05"}  # for Hessians and truths: less noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="do the runs that a file of results does not have yet")
    run.set_defaults(command=run_all)
    run.add_argument("--set", default="molecules", help="molecules, baker, birkholz-schlegel or FILE.smi")
    run.add_argument("--potential", default="mmff94")
    run.add_argument("--only", help="names of molecules, with commas between them")
    run.add_argument("--largest", type=int, default=10**6, help="atoms of the largest molecule to run")
    run.add_argument("--workers", type=int, default=1)
    run.add_argument("--out", type=Path, required=True, help="results, one JSON object a line")
    report = commands.add_parser(
        "report", help="how often the estimate is within a factor 2 and 3, and who stopped too early"
    )
    report.set_defaults(command=print_report)
    report.add_argument("results", type=Path, nargs="+")
    report.add_argument("--plot", type=Path, help="figure of estimates against true values")
    arguments = parser.parse_args()
    arguments.command(arguments)


def run_all(arguments: argparse.Namespace) -> None:
    there = {key(record) for record in read(arguments.out)} if arguments.out.exists() else set()
    only = arguments.only and arguments.only.split(",")
    chosen = [
        start
        for start in starts(arguments.set, [0])
        if len(start.molecule) <= arguments.largest and (not only or start.molecule.name in only)
    ]
    chosen.sort(key=lambda start: len(start.molecule))
    todo = [(start, arguments.potential, name) for start in chosen for name in OPTIMIZERS]
    todo = [case for case in todo if key(plan(*case)) not in there]
    print(f"{len(todo)} runs to do")
    with arguments.out.open("a") as file, ProcessPoolExecutor(arguments.workers) as pool:
        for future in as_completed([pool.submit(record, *case) for case in todo]):
            done = future.result()
            print(json.dumps(done), file=file, flush=True)
            print(done["molecule"], done["optimizer"], *map(line, done["stops"]), done["reason"], sep="  ", flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def key(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(record[part] for part in ("set", "molecule", "potential", "optimizer"))


def plan(start: Start, potential: str, optimizer: str) -> dict[str, Any]:
    return {
        "set": start.set,
        "molecule": start.molecule.name,
        "atoms": len(start.molecule),
        "potential": potential,
        "optimizer": optimizer,
    }


def record(start: Start, potential: str, optimizer: str) -> dict[str, Any]:
    """One run with all its stops."""
    written = plan(start, potential, optimizer) | {"stops": [], "reason": ""}
    try:
        stops = stopped(start.molecule, potential, optimizer)
        written["stops"] = judged(stops, start.molecule, potential)
    except (molopt.InputError, molopt.PotentialFailed, np.linalg.LinAlgError) as error:
        written["reason"] = " ".join(str(error).split())
    return written


def stopped(molecule: molopt.Molecule, potential: str, optimizer: str) -> list[dict[str, Any]]:
    """Geometry and estimate at each stop."""
    atoms = molecule.atoms()
    atoms.calc = molopt.potential(potential, molecule)
    run = OptimizerSpec.of(optimizer).make(atoms, logfile=None)
    stopping = Stopping([EnergyLeft(auto(len(atoms)))], run)
    found: dict[Any, dict[str, Any]] = {}
    for _ in run.irun(fmax=LAST, steps=STEPS):
        fmax = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
        done = stopping.after(lambda gradient, fmax=fmax: fmax <= DEFAULT_FMAX)(-atoms.get_forces().ravel())
        passed = [stop for stop in STOPS if fmax <= stop] + [DONE] * done
        for stop in set(passed) - set(found):
            found[stop] = {
                "stop": stop,
                "calls": run.nsteps + 1,
                "estimate": float(stopping.estimate()),
                "alone": float(molopt.energy_left(atoms)),
                "noise": stop == DONE and stopping.at_noise_floor,
                "positions": atoms.positions.tolist(),
            }
        if len(found) == len(STOPS) + 1:
            break
    return list(found.values())


def judged(stops: list[dict[str, Any]], molecule: molopt.Molecule, potential: str) -> list[dict[str, Any]]:
    """The stops with the truth and the lowest curvature; stops at one geometry share them."""
    known: dict[str, dict[str, Any]] = {}
    for stop in stops:
        place = json.dumps(stop["positions"])
        if place not in known:
            atoms = molecule.atoms()
            atoms.positions = stop["positions"]
            atoms.calc = molopt.potential(potential + TIGHT.get(potential, ""), molecule)
            lowest = lowest_curvature(atoms)
            known[place] = truth(atoms) | {"lowest": lowest}
    return [stop | known[json.dumps(stop["positions"])] for stop in stops]


def truth(atoms: Atoms) -> dict[str, Any]:
    """The energy that is really left, eV, by relaxing on with care."""
    before = atoms.get_potential_energy()
    run = molopt.LBFGS(atoms, logfile=None, control=Trust(maxstep=0.05, rise=1e-9))
    reached = run.run(fmax=LAST, steps=STEPS)
    return {"true": before - atoms.get_potential_energy(), "reached": reached}


def lowest_curvature(atoms: Atoms) -> float:
    """The lowest eigenvalue of the Hessian, eV/A^2, rigid motions apart; the atoms come back to where they were."""
    x = atoms.positions.ravel().copy()
    hessian = np.empty((x.size, x.size))
    for entry in range(x.size):
        gradients = []
        for sign in (1, -1):
            moved = x.copy()
            moved[entry] += sign * DISPLACED
            atoms.positions = moved.reshape(-1, 3)
            gradients.append(-atoms.get_forces().ravel())
        hessian[entry] = (gradients[0] - gradients[1]) / (2 * DISPLACED)
    atoms.positions = x.reshape(-1, 3)
    rigid = rigid_motions(atoms.positions)
    outside = np.eye(x.size) - rigid @ rigid.T
    symmetric = outside @ (hessian + hessian.T) @ outside / 2
    return float(np.linalg.eigvalsh(symmetric + 1e3 * rigid @ rigid.T)[0])


def line(stop: dict[str, Any]) -> str:
    ridge = "r" if stop["lowest"] < RIDGE else ""
    return f"{stop['stop']}{ridge} {1e3 * stop['estimate']:.2f}|{1e3 * stop['true']:.2f}"


def print_report(arguments: argparse.Namespace) -> None:
    records = [record for path in arguments.results for record in read(path)]
    rows = [without(record, "stops") | stop for record in records for stop in record["stops"]]
    lost = [row for row in rows if not row["reached"]]
    rows = [row for row in rows if row["reached"]]
    stops = [row for row in rows if row["stop"] != DONE and row["true"] > WORTH]
    counted = " | ".join(f"{part} | within 2 | within 3" for part in ("rows", "off ridges", "ridges"))
    print(f"| potential | set | optimizer | {counted} | median ratio |")
    print("|---" * 13 + "|")
    for potential in sorted({row["potential"] for row in stops}):
        mine = [row for row in stops if row["potential"] == potential]
        for name in sorted({row["set"] for row in mine}):
            for optimizer in OPTIMIZERS:
                print_row(
                    potential, name, optimizer, [r for r in mine if (r["set"], r["optimizer"]) == (name, optimizer)]
                )
        print_row(potential, "all", "all", mine)
    print_done([row for row in rows if row["stop"] == DONE])
    for row in lost:
        print(f"no truth: {row['molecule']} {row['potential']} {row['optimizer']} at {row['stop']}")
    for reason in sorted({f"no run: {r['molecule']} {r['potential']}: {r['reason']}" for r in records if r["reason"]}):
        print(reason)
    if arguments.plot:
        plot(stops, arguments.plot)


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def print_row(potential: str, name: str, optimizer: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        ridges = [row for row in rows if row["lowest"] < RIDGE]
        off = [row for row in rows if row["lowest"] >= RIDGE]
        median = float(np.median([row["estimate"] / row["true"] for row in rows]))
        counted = " | ".join(f"{len(part)} | {shares(part)}" for part in (rows, off, ridges))
        print(f"| {potential} | {name} | {optimizer} | {counted} | {median:.2f} |")


def shares(rows: list[dict[str, Any]]) -> str:
    """Of rows whose estimate is within a factor of 2, and of 3."""
    if not rows:
        return "- | -"
    ratios = np.array([row["estimate"] / row["true"] for row in rows])
    within = [np.mean((ratios > 1 / factor) & (ratios < factor)) for factor in FACTORS]
    return " | ".join(f"{100 * part:.0f} %" for part in within)


def print_done(rows: list[dict[str, Any]]) -> None:
    """Runs that the default criterion called done, and those of them that were not."""
    noisy = [row for row in rows if row["noise"]]
    ridges = [row for row in rows if not row["noise"] and row["lowest"] < RIDGE]
    off = [row for row in rows if not row["noise"] and row["lowest"] >= RIDGE]
    early = [row for row in off if row["true"] > max(FAR, 3 * auto(row["atoms"]))]
    print(f"\ndone: {len(off)} off ridges, {len(ridges)} on ridges, {len(noisy)} at the noise floor")
    if off:
        print(f"too early: {len(early)} ({100 * len(early) / len(off):.1f} %)")
    for row in early:
        where = f"{row['set']} {row['molecule']} {row['potential']} {row['optimizer']}"
        print(f"  {where}: estimate {1e3 * row['estimate']:.2f}, true {1e3 * row['true']:.2f} meV, "
              f"lowest {row['lowest']:.4f} eV/A^2")  # fmt: skip
    for optimizer in OPTIMIZERS:
        parts = [[row for row in part if row["optimizer"] == optimizer] for part in (off, early, ridges)]
        print(f"  {optimizer}: {len(parts[1])} of {len(parts[0])} off ridges; {len(parts[2])} on ridges")


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5), layout="constrained")
    panel = figure.subplots()
    lowest, highest = 0.1, 3000.0
    ends = np.array([lowest, highest])
    for factor, grey in zip(FACTORS[::-1], ("#F2F2F2", "#DDDDDD"), strict=True):
        panel.fill_between(ends, ends / factor, ends * factor, color=grey, zorder=0)
    panel.plot(ends, ends, color="#999999", linewidth=0.8, zorder=0)
    colours = {"bfgs": "#000000", "fire": "#7F7F7F", "default": "#B00020"}
    for ridge, marker in ((True, "x"), (False, "o")):
        for optimizer, colour in colours.items():
            mine = [r for r in rows if r["optimizer"] == optimizer and (r["lowest"] < RIDGE) == ridge]
            panel.scatter(
                [1e3 * row["true"] for row in mine],
                [max(1e3 * row["estimate"], lowest) for row in mine],
                s=12, marker=marker, color=colour, linewidths=0.8, alpha=0.7,
                label=f"{optimizer}, {'on a ridge' if ridge else 'off ridges'}",
            )  # fmt: skip
    panel.set(xscale="log", yscale="log", xlim=(0.9, highest), ylim=(lowest, highest))
    panel.set(xlabel="energy really left (meV)", ylabel="estimate (meV)")
    panel.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
