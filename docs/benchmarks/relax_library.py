"""`molopt relax` on a list of SMILES: memory, kills and resumes, and its CPU time over that of RDKit's minimiser.

    python docs/benchmarks/relax_library.py run LIST.smi --out FOLDER               # memory; killed twice and resumed
    python docs/benchmarks/relax_library.py ratio LIST.smi --out FOLDER --first 1000   # embedding apart

`run` samples the memory of the command and of its workers once a second, and kills all of them after a third and two
thirds of the molecules. `ratio` embeds the molecules, writes them as an SDF, and relaxes that: with the command, two
workers, as a user would (defaults), without the check of the curvature, with forces alone as the criterion; and with
a loop over `MMFFOptimizeMoleculeConfs` in two threads, to RDKit's own end. Times are CPU times of all processes and
threads, start included.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from molopt.errors import InputError
from molopt.molecules.entries import Entry, Given
from molopt.molecules.reading import listed
from molopt.relaxed.folder import Relaxed

WORKERS = 2
ITERATIONS = 20_000  # of RDKit's minimiser, which ends long before
SETTINGS = {
    "defaults": [],
    "no check": ["--check", "none"],
    "no check, forces alone": ["--check", "none", "--energy-left", "none"],
}


def command(*arguments: object) -> list[str]:
    return [
        sys.executable,
        "-m",
        "molopt",
        "relax",
        *map(str, arguments),
        "--workers",
        str(WORKERS),
        "--progress",
        "none",
    ]


def memory(process: int) -> tuple[float, float]:
    """MB of a command, and the most of one of its workers."""
    sizes: dict[int, float] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(line.split(":\t") for line in (folder / "status").read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        parents[int(folder.name)] = int(status["PPid"])
        sizes[int(folder.name)] = int(status.get("VmRSS", "0 kB").split()[0]) / 1024
    children = [each for each in parents if ancestor(each, process, parents)]
    return sizes.get(process, 0.0), max((sizes[each] for each in children), default=0.0)


def ancestor(process: int, wanted: int, parents: dict[int, int]) -> bool:
    while (process := parents.get(process, 0)) > 1:
        if process == wanted:
            return True
    return False


def done(folder: Path) -> int:
    try:
        with Relaxed.resume(folder) as library:
            return library.before
    except InputError:
        return 0


def run(source: Path, folder: Path) -> None:
    """The command on the whole list, killed twice."""
    total = sum(1 for _ in listed(source, Given(None, None, 7)))
    kills, next_line = [total // 3, 2 * total // 3], 0
    arguments = command(source, "--potential", "mmff94", "--out", folder)
    began = time.perf_counter()
    while True:
        with open(os.devnull, "w") as nowhere:
            process = subprocess.Popen(arguments, stdout=nowhere, start_new_session=True)
        while process.poll() is None:
            time.sleep(1)
            count = done(folder)
            if count >= next_line:
                command_mb, worker_mb = memory(process.pid)
                print(f"{count:6d} done  command {command_mb:5.0f} MB  worker {worker_mb:5.0f} MB", flush=True)
                next_line = count + max(1, total // 10)
            if kills and count >= kills[0]:
                del kills[0]
                os.killpg(process.pid, signal.SIGKILL)
                print(f"{count:6d} done  killed", flush=True)
        if process.wait() >= 0:
            break
        arguments = command("--resume", folder)
    print(f"exit code {process.returncode}, {done(folder)} of {total} done in {time.perf_counter() - began:.0f} s")
    records = [mol for mol in Chem.SDMolSupplier(str(folder / "relaxed.sdf"), removeHs=False) if mol is not None]
    lines = len((folder / "failures.csv").read_text().splitlines()) - 1 if (folder / "failures.csv").exists() else 0
    print(f"{len(records)} structures in relaxed.sdf, {lines} in failures.csv")


def ratio(source: Path, folder: Path, first: int) -> None:
    """CPU times from the same starts."""
    folder.mkdir(parents=True, exist_ok=True)
    mols, began = [], time.process_time()
    with open(folder / "starts.sdf", "w") as file:
        for entry in listed(source, given := Given(None, None, 7)):
            if len(mols) == first:
                break
            assert isinstance(entry, Entry)
            try:
                molecule = entry.molecule(given)
            except InputError:
                continue
            if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule.to_rdkit()):
                mols.append(molecule.to_rdkit())
                file.write(molecule.to_sdf())
    print(f"{len(mols)} molecules, embedded in {time.process_time() - began:.1f} s of CPU time", flush=True)

    def minimised(mol: Chem.Mol) -> bool:
        return not rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, numThreads=1, maxIters=ITERATIONS)[0][0]

    began, clock = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as threads:
        converged = sum(threads.map(minimised, mols))
    theirs, wall = time.process_time() - began, time.perf_counter() - clock
    print(
        f"RDKit, two threads: {theirs:.1f} s of CPU time, {wall:.1f} s on the clock, {converged} converged", flush=True
    )
    for name, further in SETTINGS.items():
        out = folder / name.replace(", ", "-").replace(" ", "-")
        before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        arguments = command(folder / "starts.sdf", "--potential", "mmff94", "--out", out, "--overwrite", *further)
        said = subprocess.run(arguments, capture_output=True, text=True, check=False).stdout.splitlines()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        wall = time.perf_counter() - clock
        ended = next(line for line in said if " converged; " in line).partition(";")[0]
        print(
            f"{name}: {ours:.1f} s of CPU time, {wall:.1f} s on the clock, {ended}; ratio {theirs / ours:.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "ratio"))
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=1000)
    given = parser.parse_args()
    run(given.source, given.out) if given.what == "run" else ratio(given.source, given.out, given.first)


if __name__ == "__main__":
    main()
