"""Force calls of optimizers side by side: molopt's, ASE's and the peers Sella, geomeTRIC and pyberny.

    python docs/benchmarks/peers run --set molecules --potential mmff94 --optimizers sella,bfgs --out results.jsonl
    python docs/benchmarks/peers report results.jsonl --against sella

Sets: molecules (shipped), baker, birkholz-schlegel (in the wheel of pyberny), or a file of SMILES. A run goes to fmax
0.001 eV/A or 3,000 force calls and is appended to the file as it ends; a run that is there already is not done again.
Keyed by names, hyper-parameters and the versions of packages: after a change of molopt's code, use a new file.
The peers need `pip install "molopt[peers]"`.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import table
from drivers import full_name
from runs import Run, guarded
from sets import starts

import molopt

ONE_THREAD = {  # for the processes that are started later: libraries read it when they load
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="do the runs that a file of results does not have yet")
    run.set_defaults(command=run_all)
    run.add_argument("--set", default="molecules", help="molecules, baker, birkholz-schlegel or FILE.smi")
    run.add_argument("--potential", default="mmff94")
    run.add_argument(
        "--seeds", type=integers, default=[0], help="0 is the shipped geometry; published sets have no other"
    )
    run.add_argument(
        "--optimizers", type=names, required=True, help="as in `molopt compare`, or sella, geometric, pyberny"
    )
    run.add_argument("--out", type=Path, required=True, help="results, one JSON object a line")
    run.add_argument("--only", type=names, help="these molecules")
    run.add_argument("--largest", type=int, default=10**6, help="atoms of the largest molecule to run")
    run.add_argument("--limit", type=int, help="so many starts, the smallest first")
    run.add_argument("--seconds", type=float, default=3600.0, help="a run that takes longer is written as not finished")
    run.add_argument("--workers", type=int, default=1)
    report = commands.add_parser("report", help="one Markdown table of results, and what failed")
    report.set_defaults(command=print_report)
    report.add_argument("results", type=Path, nargs="+")
    report.add_argument("--against", default="sella", help="the optimizer to compare with")
    report.add_argument("--per-molecule", action="store_true", help="force calls and end energies of every start, too")
    arguments = parser.parse_args()
    try:
        arguments.command(arguments)
    except (molopt.InputError, molopt.MissingExtra) as error:
        sys.exit(str(error))


def integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    return text.split(",")


def run_all(arguments: argparse.Namespace) -> None:
    os.environ.update(ONE_THREAD)
    optimizers = [full_name(optimizer) for optimizer in arguments.optimizers]
    molopt.potential(arguments.potential, molopt.Molecule.from_smiles("C"))  # an unknown one raises here, and once
    chosen = [
        start
        for start in starts(arguments.set, arguments.seeds)
        if len(start.molecule) <= arguments.largest
        and (arguments.only is None or start.molecule.name in arguments.only)
    ]
    chosen = sorted(chosen, key=lambda start: len(start.molecule))[: arguments.limit]
    before = read(arguments.out) if arguments.out.exists() else []
    there = {identity(done) for done in before if settled(done, arguments.seconds)}
    runs = [
        run
        for start in chosen
        for optimizer in optimizers
        if identity((run := Run(start, arguments.potential, optimizer, arguments.seconds)).key()) not in there
    ]
    print(f"{len(runs)} runs to do, {len(chosen) * len(optimizers) - len(runs)} done before")
    with arguments.out.open("a") as file, ThreadPoolExecutor(arguments.workers) as pool:
        for future in as_completed([pool.submit(guarded, run) for run in runs]):
            done = future.result()
            print(json.dumps(done), file=file, flush=True)
            print(table.line(done), flush=True)


def settled(record: dict[str, Any], seconds: float) -> bool:
    """Whether more time would not change it."""
    return record["ended"] != "time" or record["limit_s"] >= seconds


def identity(record: dict[str, Any]) -> str:
    return json.dumps([record[part] for part in ("set", "molecule", "seed", "potential", "optimizer", "versions")])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def print_report(arguments: argparse.Namespace) -> None:
    records = [record for path in arguments.results for record in read(path)]
    table.report({identity(record): record for record in records}.values(), arguments.against, arguments.per_molecule)


if __name__ == "__main__":
    main()
