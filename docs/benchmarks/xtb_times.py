"""CPU time of `molopt.relax` on GFN2-xTB over that of `xtb --opt`, both at their defaults, one thread.

    apt-get install xtb                                   # 6.5.1 in Debian 12
    python docs/benchmarks/xtb_times.py                   # all shipped molecules
    python docs/benchmarks/xtb_times.py --molecules aladip,peg4 --beside ../older

xtb's time is that of its process, molopt's that of the call of `molopt.relax`: with the set-up of potential, surrogate
and coordinates, without the import of Python's packages, which the last line tells. "unguided" is
surrogate=None, "unchecked" check=None; with --beside, "older" are the defaults of that checkout. "lower" and "higher"
count ends of the default that are more than 1 meV below or above those of xtb.
"""

import argparse
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import beside
import rows as table
from ase.units import Hartree
from beside import COMPILED, OLDER, REFERENCE

WAYS: dict[str, dict[str, Any]] = {"default": {}, "unchecked": {"check": None}, "unguided": {"surrogate": None}}
SAME = 1e-3  # eV


def work(job: dict[str, Any]) -> dict[str, Any]:
    """One run on GFN2-xTB at the defaults but for the arguments."""
    import molopt

    molecule = molopt.Molecule.named(job["molecule"])
    start = time.process_time()
    calculator = molopt.potential("gfn2-xtb", molecule)
    inside = beside.Inside(calculator)
    result = molopt.relax(molecule, potential=calculator, **job["arguments"])
    spent = {"seconds": time.process_time() - start, "inside": inside.seconds}
    return spent | {"energy": result.energy, "calls": result.force_calls}


def xtb(name: str) -> tuple[float, float]:
    """CPU seconds of `xtb --opt`, and the energy of its end in eV."""
    import molopt

    molecule = molopt.Molecule.named(name)
    with tempfile.TemporaryDirectory() as folder:
        molecule.atoms().write(Path(folder) / "start.xyz", plain=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["xtb", "start.xyz", "--opt", "--chrg", str(molecule.charge), "--uhf", str(molecule.spin - 1)]
        environment = os.environ | dict.fromkeys(beside.THREADS, "1")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"xtb failed on {name}: {done.stderr[-300:]}")
        energy = float((Path(folder) / "xtbopt.xyz").read_text().splitlines()[1].split()[1])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, energy * Hartree


def started_in() -> float:
    """CPU seconds that the command takes to begin: its imports."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import molopt; molopt.relax, molopt.potential"], cwd=beside.HERE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def geometric(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main() -> None:
    import molopt

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=",".join(molopt.shipped_names()))
    parser.add_argument("--beside", type=Path, help="an older checkout of molopt")
    parser.add_argument("--rows", type=Path, help="a CSV file for the rows")
    given = parser.parse_args()
    if shutil.which("xtb") is None:
        parser.exit(1, "there is no xtb here: apt-get install xtb\n")
    with beside.versions(__file__, given.beside) as started:
        columns = {f"{way} {COMPILED}": (started[COMPILED], WAYS[way]) for way in WAYS}
        columns |= {f"default {name}": (started[name], {}) for name in (REFERENCE, OLDER) if name in started}
        for version in started.values():
            version.ask({"molecule": "aladip", "arguments": {}})
        print(
            f"{'CPU s':16s} atoms     xtb", *(f"{way.replace(' ', '/'):>19s}" for way in columns), " calls", flush=True
        )
        ratios: dict[str, list[float]] = {way: [] for way in columns}
        within: dict[str, list[float]] = {way: [] for way in columns}
        lower, higher, found = [], [], []
        for name in given.molecules.split(","):
            answers = {
                way: version.ask({"molecule": name, "arguments": arguments})
                for way, (version, arguments) in columns.items()
            }
            seconds, energy = xtb(name)
            for way, answer in answers.items():
                ratios[way].append(answer["seconds"] / seconds)
                within[way].append(answer["inside"] / seconds)
            first = answers[f"default {COMPILED}"]
            known = {"molecule": name, "atoms": len(molopt.Molecule.named(name))}
            found += [known | {"way": way} | answer for way, answer in answers.items()]
            found.append(
                known | {"way": "xtb --opt", "seconds": seconds, "inside": None, "energy": energy, "calls": None}
            )
            table.write(given.rows, found)
            lower += [name] * (first["energy"] < energy - SAME)
            higher += [name] * (first["energy"] > energy + SAME)
            print(f"{name:16s} {len(molopt.Molecule.named(name)):5d} {seconds:7.2f}",
                  *(f"{answer['seconds']:11.2f} ({answer['seconds'] / seconds:5.3f})" for answer in answers.values()),
                  f"{first['calls']:6d}", flush=True)  # fmt: skip
    print("\ngeometric means over", len(ratios[f"default {COMPILED}"]), "molecules, of xtb --opt")
    for way, values in ratios.items():
        print(f"  {way:24s} {geometric(values):.3f}, of these {geometric(within[way]):.3f} inside the potential")
    print(f"ends lower than xtb's: {len(lower)} ({', '.join(lower)}); higher: {len(higher)} ({', '.join(higher)})")
    print(f"import of molopt with all that a run needs: {started_in():.2f} s of CPU")


if __name__ == "__main__":
    if "--answer" in sys.argv:
        beside.answer(work)
    main()
