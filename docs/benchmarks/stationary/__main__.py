"""Whether ends are minima, and what it costs to know: the check of `molopt.relax` against exact Hessians.

    python docs/benchmarks/stationary run --set reported --potential gfn2-xtb --check none,auto,sella --out FOLDER
    python docs/benchmarks/stationary stops --set reported --potential mmff94,gfn2-xtb --out FOLDER
    python docs/benchmarks/stationary geometries --potential mmff94,gfn2-xtb --out FOLDER
    python docs/benchmarks/stationary references --potential mmff94,gfn2-xtb --out FOLDER
    python docs/benchmarks/stationary report FOLDER
    python docs/benchmarks/stationary run --set tuning --first 3 --largest 20 --out FOLDER     # seconds

Sets: tuning, reported and large (beside this file; chosen before anything was tuned), molecules, baker,
birkholz-schlegel, symmetric and baker-five. From each start the default runs without and with the check to its own
end; Sella's calls are counted to fmax 0.01 eV/A, or taken from docs/results/data/, where they are kept. The truth of an
end (`truth.py`): the Hessian by central differences; pushed both ways along its lowest direction, then downhill in
steps of at most 0.02 A that never rise to fmax 0.001. An end is false if it is more than 5 meV, and more than three
thresholds of energy left, above that floor.

`stops` gives the stops of ASE's BFGS and FIRE at fmax 0.05 to `molopt.check`, beside the energy that is really left.
`geometries` builds minima, saddles of order 1 to 3 and ridges with their Hessians and checks them, 40 of the minima
with noise of 1 and 3 meV/A in their forces, too. `references` seeks the true minima of Baker's five.

A run and a truth that the folder has already are not done again: after a change of molopt's code, take a new folder, or
the old one with --again (runs anew, truths of equal geometries kept). Sella needs `pip install "molopt[peers]"`.
"""

import argparse
import json
import logging
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import checks
import references
import tally
from checks import read
from ends import Wanted, chosen, records

import molopt

FILE = "ends.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="do the runs that a folder does not have yet")
    run.set_defaults(command=run_all)
    run.add_argument("--set", type=names, default=["tuning"], help="one or more, with commas")
    run.add_argument("--potential", type=names, default=["mmff94"])
    run.add_argument("--check", type=names, default=["none"], help="none, auto, report, sella")
    run.add_argument("--optimizers", type=names, default=["default"], help="as in `molopt.relax`")
    run.add_argument("--seeds", type=integers, default=[0], help="of embeddings; 0 is the start of the set itself")
    run.add_argument("--largest", type=int, default=60, help="atoms of the largest molecule to run")
    run.add_argument("--first", type=int, help="so many starts of a set")
    run.add_argument("--only", type=names, help="these molecules")
    run.add_argument("--no-truth", action="store_true", help="calls alone")
    run.add_argument("--again", action="store_true", help="do runs again that the folder has")
    run.add_argument("--out", type=Path, required=True, help="folder of runs and truths")
    run.add_argument("--workers", type=int, default=1)
    stops = commands.add_parser("stops", help="the check of what BFGS and FIRE stop at")
    stops.set_defaults(command=stop_all)
    stops.add_argument("--set", type=names, default=["reported"])
    stops.add_argument("--potential", type=names, default=["mmff94"])
    stops.add_argument("--largest", type=int, default=60)
    stops.add_argument("--first", type=int, help="so many starts of a set")
    stops.add_argument("--out", type=Path, required=True)
    known = commands.add_parser("geometries", help="the check of minima, saddles and ridges")
    known.set_defaults(command=check_geometries)
    known.add_argument("--potential", type=names, default=["mmff94"])
    known.add_argument("--count", type=int, default=200, help="geometries, of all potentials together")
    known.add_argument("--out", type=Path, required=True)
    minima = commands.add_parser("references", help="true minima of Baker's five")
    minima.set_defaults(command=lambda said: references.build(said.out, said.potential))
    minima.add_argument("--potential", type=names, default=["mmff94"])
    minima.add_argument("--out", type=Path, required=True, help="the folder of the runs of baker-five")
    report = commands.add_parser("report", help="the tables, and each end that is false or was called wrongly")
    report.set_defaults(command=print_report)
    report.add_argument("folders", type=Path, nargs="+")
    report.add_argument("--per-molecule", action="store_true", help="every run, too")
    arguments = parser.parse_args()
    logging.getLogger("molopt").setLevel(logging.ERROR)
    try:
        arguments.command(arguments)
    except (molopt.InputError, molopt.MissingExtra) as error:
        sys.exit(str(error))


def stop_all(said: argparse.Namespace) -> None:
    checks.stops(said.out, said.set, said.potential, said.largest, said.first)


def check_geometries(said: argparse.Namespace) -> None:
    checks.geometries(said.out, said.potential, said.count)


def integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    return text.split(",")


def run_all(arguments: argparse.Namespace) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / FILE
    there = {key(record) for record in ([] if arguments.again else read(file))}
    jobs = []
    for name in arguments.set:
        starts = [
            start
            for start in chosen(name, arguments.seeds, arguments.largest)
            if arguments.only is None or start.molecule.name in arguments.only
        ][: arguments.first]
        for start in starts:
            wanted = [run for run in runs(name, start, arguments) if run not in there]
            jobs += [(start, wanted)] if wanted else []
    jobs.sort(key=lambda job: len(job[0].molecule))  # so that most are done early
    print(f"{sum(len(wanted) for _, wanted in jobs)} runs to do", flush=True)
    with file.open("a") as opened, ProcessPoolExecutor(arguments.workers) as pool:
        futures = [pool.submit(records, *job, arguments.out, not arguments.no_truth) for job in jobs]
        for future in as_completed(futures):
            for done in future.result():
                print(json.dumps(done), file=opened, flush=True)
                print(tally.line(done), flush=True)


def runs(name: str, start: Any, arguments: argparse.Namespace) -> list[Wanted]:
    """Of one start: each optimizer with each check, and Sella once."""
    return [
        Wanted(name, start.molecule.name, start.seed, potential, optimizer, check)
        for potential in arguments.potential
        for check in arguments.check
        for optimizer in (["sella"] if check == "sella" else arguments.optimizers)
    ]


def key(record: dict[str, Any]) -> Wanted:
    return Wanted(*(record[part] for part in Wanted._fields))


def print_report(arguments: argparse.Namespace) -> None:
    done = {key(record): record for folder in arguments.folders for record in read(folder / FILE)}
    if done:
        tally.report(done, arguments.per_molecule)
    for folder in arguments.folders:
        references.report(folder, list(done.values()))
        checks.report(folder)


if __name__ == "__main__":
    main()
