"""What the records say: force calls relative to one optimizer, who ended lower, and everything that went wrong.

Two counts a run:

(a) force calls until fmax is first at most 0.01 eV/A;
(b) force calls until the energy is first within 1 meV of the lowest of the run, which must have reached 0.001 eV/A.

A run that did not get there counts as 3,000 in that count, unless its time was up: then it is left out. Ratios are
geometric means: over the seeds of a molecule, then over molecules.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from drivers import CAP
from minima import same_minimum

from molopt.optimizers.spec import abbreviated

Record = dict[str, Any]
Runs = dict[tuple[str, int], Record]  # by molecule and seed
STOP = 0.01  # eV/A, of count (a)
NEAR = 0.001  # eV, of count (b)
DIFFERENT = 0.005  # eV between two ends
LARGE = range(60, 81)  # atoms, where own times are compared
HEADER = (
    "potential", "set", "optimizer", "starts", "(a)", "(b)", "lower", "higher", "median meV",
    "same minimum", "(a) there", "(b) there", "own time", "wall", "(a) to BFGS", "(b) to BFGS",
    "failed (a)", "failed (b)",
)  # fmt: skip


def stop(record: Record) -> int | None:
    """The index of the force call where fmax is first at most 0.01."""
    return next((call for call, fmax in enumerate(record.get("fmax", [])) if fmax <= STOP), None)


def to_stop(record: Record) -> float:
    """Count (a); NaN where it is not known."""
    at = stop(record)
    return missed(record) if at is None else at + 1


def to_floor(record: Record) -> float:
    """Count (b); NaN where it is not known."""
    if record["ended"] != "converged":
        return missed(record)
    floor = np.nanmin(record["energies"])  # a failed force call has no energy
    return next(call for call, energy in enumerate(record["energies"]) if energy <= floor + NEAR) + 1


def missed(record: Record) -> float:
    return math.nan if record["ended"] in ("time", "not covered") else CAP


def end(record: Record) -> float:
    """The energy at the stop of (a), eV; NaN where there is none."""
    at = stop(record)
    return math.nan if at is None else record["energies"][at]


def line(record: Record) -> str:
    """One run in a line."""
    counts = f"(a) {to_stop(record):g} (b) {to_floor(record):g}"
    where = f"{record['set']} {record['molecule']} seed {record['seed']} {record['potential']}"
    return f"{where} {abbreviated(record['optimizer'])}: {record['ended']} {counts} {record.get('reason', '')}".rstrip()


def report(records: Iterable[Record], against: str, per_molecule: bool) -> None:
    """Print the table, then for each potential and set what went wrong and, if asked for, every start."""
    groups: dict[tuple[str, str], dict[str, Runs]] = defaultdict(lambda: defaultdict(dict))
    lacking: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for record in records:
        group = record["potential"], record["set"]
        if record["ended"] == "not covered":
            lacking[group][record["molecule"]] = record["reason"]
        else:
            groups[group][abbreviated(record["optimizer"])][record["molecule"], record["seed"]] = record
    print(
        f"Ratios and ends relative to {against}; own time (CPU a step) and wall time of runs to "
        "fmax 0.001: molecules of 60 to 80 atoms.\n"
    )
    print_row(HEADER)
    print_row(["---"] * len(HEADER))
    for (potential, name), optimizers in sorted(groups.items()):
        for optimizer, runs in optimizers.items():
            compared = [*relative(runs, optimizers.get(against, {})), *ratios(runs, optimizers.get("bfgs", {}))]
            print_row([potential, name, optimizer, len(runs), *compared, misses(runs, to_stop), misses(runs, to_floor)])
    for (potential, name), optimizers in sorted(groups.items()):
        print(f"\n## {potential}, {name}\n")
        print_reasons(optimizers, lacking[potential, name])
        if per_molecule:
            print_starts(optimizers, against)


def print_row(row: Iterable[Any]) -> None:
    print("|", " | ".join(str(cell) for cell in row), "|")


def relative(runs: Runs, others: Runs) -> list[Any]:
    """The cells of one optimizer relative to another."""
    pairs = {start: (run, others[start]) for start, run in runs.items() if start in others}
    above = np.array([end(run) - end(other) for run, other in pairs.values()])  # eV
    above = above[np.isfinite(above)]
    same = {start for start, pair in pairs.items() if same_minimum(*pair)}
    large = {start for start, (run, _) in pairs.items() if run["atoms"] in LARGE}
    return [
        *ratios(runs, others),
        int((above < -DIFFERENT).sum()),
        int((above > DIFFERENT).sum()),
        f"{1e3 * np.median(above):+.2f}" if above.size else "",
        len(same),
        *ratios({start: runs[start] for start in same}, others),
        ratio({start: runs[start] for start in large}, others, own_time),
        ratio({start: runs[start] for start in large}, others, wall_time),
    ]


def ratios(runs: Runs, others: Runs) -> list[str]:
    return [ratio(runs, others, to_stop), ratio(runs, others, to_floor)]


def own_time(record: Record) -> float:
    return record.get("own_ms") or math.nan


def wall_time(record: Record) -> float:
    return record["seconds"] if record["ended"] == "converged" else math.nan


def misses(runs: Runs, count: Callable[[Record], float]) -> int:
    return sum(count(run) == CAP for run in runs.values())


def ratio(runs: Runs, others: Runs, count: Callable[[Record], float]) -> str:
    """The geometric mean, and of how many starts where some of these runs are left out."""
    logs: dict[str, list[float]] = defaultdict(list)
    for molecule, seed in runs.keys() & others.keys():
        log = math.log(count(runs[molecule, seed]) / count(others[molecule, seed]))
        if math.isfinite(log):
            logs[molecule].append(log)
    if not logs:
        return ""
    known = sum(map(len, logs.values()))
    mean = math.exp(np.mean([np.mean(seeds) for seeds in logs.values()]))
    return f"{mean:.3f}" if known == len(runs) else f"{mean:.3f} of {known}"


def print_reasons(optimizers: dict[str, Runs], lacking: dict[str, str]) -> None:
    """Every molecule that the potential does not cover, and every run that failed or was not finished."""
    for molecule, reason in lacking.items():
        print(f"- not covered: {molecule}: {reason}")
    short = [run for runs in optimizers.values() for run in runs.values() if run["ended"] != "converged"]
    for run in short:
        kind = "not finished" if run["ended"] == "time" else "failed"
        came = f"(a) {to_stop(run):g}, {run['calls']} calls, fmax {run['fmax'][-1]:.4f}" if run.get("fmax") else ""
        where = f"{abbreviated(run['optimizer'])}, {run['molecule']}, seed {run['seed']}"
        print(f"- {kind}: {where}: {came} {run['reason']}".rstrip())
    if not short:
        print("- every run reached fmax 0.001 eV/A")


def print_starts(optimizers: dict[str, Runs], against: str) -> None:
    others = optimizers.get(against, {})
    starts = sorted({start for runs in optimizers.values() for start in runs})
    print("\nPer start: (a), (b), meV above the end of", against, "\n")
    print_row(["molecule", "seed", "atoms", *optimizers])
    print_row(["---"] * (3 + len(optimizers)))
    for start in starts:
        runs = [runs.get(start) for runs in optimizers.values()]
        atoms = next(run["atoms"] for run in runs if run)
        print_row([*start, atoms, *(described(run, others.get(start)) if run else "" for run in runs)])


def described(run: Record, other: Record | None) -> str:
    above = math.nan if other is None else 1e3 * (end(run) - end(other))
    return f"{to_stop(run):g}, {to_floor(run):g}" + (f", {above:+.1f}" if math.isfinite(above) else "")
