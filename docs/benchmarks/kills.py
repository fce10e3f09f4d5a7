"""Kill runs at random moments, go on from what they left, and compare with an uninterrupted run.

    python docs/benchmarks/kills.py --kills 200 --seed 1
    python docs/benchmarks/kills.py --cost

Each run writes a restart file and a trajectory, and is killed (SIGKILL) again and again; the next run goes on from what
the last one left. Half of the kills wait for a restart file that is being written. After every kill the restart file is
read: the geometry must be one of the uninterrupted run, to the last bit, and at most one step behind the last frame of
the trajectory; all frames before must be there. `--cost` measures what a restart file costs a step.
"""

import argparse
import logging
import multiprocessing
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read

import molopt
from molopt.optimizers.json_arrays import dumped
from molopt.optimizers.restart import restart_data

FORK = multiprocessing.get_context("fork")
STEPS = 60  # of a run, before the next one begins
SMILES = "COc1cc(CC(N)C(=O)O)ccc1O"


def relaxing(potential="mmff94"):
    target = molopt.Molecule.from_smiles(SMILES)
    atoms = target.atoms()
    atoms.calc = molopt.potential(potential, target)
    return target, atoms


def default(path):
    target, atoms = relaxing()
    return molopt.LBFGS(atoms, surrogate=molopt.potential("uff", target), **files(path))


def constrained(path):
    _, atoms = relaxing()
    atoms.set_constraint([FixAtoms([0]), FixBondLength(1, 2)])
    return molopt.LBFGS(atoms, **files(path))


def criteria(path):
    _, atoms = relaxing()
    return molopt.LBFGS(atoms, criteria=molopt.EnergyLeft(1e-12), **files(path))


def adam(path):
    atoms = molecule("CH3CH2OH", calculator=EMT())
    atoms.rattle(0.05, seed=3)
    return molopt.Adam(atoms, **files(path))


def adam_internal(path):
    _, atoms = relaxing()
    return molopt.Adam(atoms, coordinates="internal", **files(path))


CASES = {
    "LBFGS": lambda path: molopt.LBFGS(relaxing()[1], **files(path)),
    "LBFGS, guided by UFF": default,
    "LBFGS, constrained": constrained,
    "LBFGS, EnergyLeft": criteria,
    "Adam, Cartesian": adam,
    "Adam, internal": adam_internal,
}


def files(path):
    """The keywords of a run with files, or of one without."""
    trajectory = path and path.with_suffix(".traj")
    return {"logfile": None, "restart": path, "trajectory": trajectory, "append_trajectory": True}


def steady(make, path, ready):
    """Run until killed."""
    logging.disable()
    optimizer = make(path)
    ready.set()
    optimizer.run(fmax=0, steps=10**9)


def killed(make, path, wait, in_writing):
    """Start a run, kill it after `wait` seconds, or when it next writes; whether a file was half written."""
    ready = FORK.Event()
    process = FORK.Process(target=steady, args=(make, path, ready))
    process.start()
    while not ready.wait(0.1) and process.is_alive():
        pass
    time.sleep(wait)
    while in_writing and process.is_alive() and not drafts(path):
        pass
    process.kill()
    process.join()
    if process.exitcode != -9:
        raise SystemExit(f"a run ended by itself, with {process.exitcode}: {path}")
    return bool(drafts(path))


def drafts(path):
    return list(path.parent.glob(f"{path.name}.*.new"))


def visited(make, steps):
    """The geometries of an uninterrupted run."""
    optimizer = make(None)
    return [optimizer.atoms.positions.copy() for _ in optimizer.irun(fmax=0, steps=steps)]


def step_of(positions, known):
    """Which step of the uninterrupted run this is, to the last bit; None where it is not one of its steps."""
    return next((step for step, there in enumerate(known) if np.array_equal(there, positions)), None)


def campaign(name, kills, random):
    """Kill runs of one case so often; counts of what was found."""
    make, found = CASES[name], {"kills": 0, "half written": 0, "lost": 0, "different": 0, "frames lost": 0, "steps": 0}
    known = visited(make, 4 * STEPS)
    folder = None
    for kill in range(kills):
        if folder is None:
            folder = Path(tempfile.mkdtemp())
            path = folder / "run.json"
        found["half written"] += killed(make, path, random.uniform(0.0, 0.3), kill % 2 == 1)
        found["kills"] += 1
        frames = read(path.with_suffix(".traj"), ":") if path.with_suffix(".traj").exists() else []
        steps = [step_of(frame.positions, known) for frame in frames]
        found["frames lost"] += steps != list(range(len(frames)))
        optimizer = make_quietly(make, path)
        at = step_of(optimizer.atoms.positions, known)
        found["different"] += at is None
        found["lost"] += at is not None and not len(frames) - 1 <= at <= len(frames)
        if len(frames) >= STEPS:
            found["steps"] += len(frames) - 1
            shutil.rmtree(folder)
            folder = None
    if folder is not None:
        found["steps"] += len(frames) - 1
        shutil.rmtree(folder)
    return found


def make_quietly(make, path):
    """The optimizer that goes on from these files, which stay as they are."""
    copy = Path(tempfile.mkdtemp(dir=path.parent))
    for each in path.parent.glob("run.json*"):
        shutil.copy(each, copy)
    logging.disable()
    optimizer = make(copy / "run.json")
    logging.disable(logging.NOTSET)
    shutil.rmtree(copy)
    return optimizer


def cost():
    """Print what writing a restart file takes, beside the time of a step."""
    print("| run | atoms | file, kB | step without, ms | state as JSON, ms | with writing, fsync and renaming, ms |")
    print("|---|---|---|---|---|---|")
    for name, make in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.json"
            alone = make(None)
            begin = time.perf_counter()
            alone.run(fmax=0, steps=20)
            step = (time.perf_counter() - begin) / 20
            optimizer = make(path)
            optimizer.run(fmax=0, steps=3)
            text, whole = median(partial(as_json, optimizer)), median(partial(as_file, optimizer))
            size = path.stat().st_size / 1e3
        atoms = len(optimizer.atoms)
        print(f"| {name} | {atoms} | {size:.0f} | {1e3 * step:.1f} | {1e3 * text:.1f} | {1e3 * whole:.1f} |")


def as_json(optimizer):
    dumped(restart_data(optimizer))


def as_file(optimizer):
    optimizer.dump(restart_data(optimizer))


def median(function, times=30):
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cost", action="store_true")
    chosen = parser.parse_args()
    if chosen.cost:
        cost()
        return
    random = np.random.default_rng(chosen.seed)
    shares = [len(part) for part in np.array_split(np.arange(chosen.kills), len(CASES))]
    heads = ["kills", "half written", "lost", "different", "frames lost", "steps"]
    titles = [
        "kills", "while a file was written", "more than the last step lost", "another geometry than uninterrupted",
        "earlier frames lost", "steps",
    ]  # fmt: skip
    print(f"| run | {' | '.join(titles)} |\n|{'---|' * (len(titles) + 1)}")
    total = dict.fromkeys(heads, 0)
    for name, kills in zip(CASES, shares, strict=True):
        found = campaign(name, kills, random)
        total = {head: total[head] + found[head] for head in heads}
        print(f"| {name} | {' | '.join(str(found[head]) for head in heads)} |", flush=True)
    print(f"| all | {' | '.join(str(total[head]) for head in heads)} |")
    if total["lost"] or total["different"] or total["frames lost"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
