"""Force calls of recent rules of deep learning on molecules, beside molopt's own and ASE's BFGS.

    python docs/benchmarks/relatives.py --set molecules --seeds 0 --optimizers adam "soap?lr=0.1" soap/internal?lr=0.3
    python docs/benchmarks/relatives.py --read docs/notes/relatives_results/molecules.csv    # runs that --out wrote

Every rule runs under the default control of its coordinates to fmax 0.01 eV/A. Prints the geometric mean over the runs
of the ratio of force calls to those of BFGS, or of --against, to fmax 0.05 and to 0.01, with its standard error; a run
that does not arrive within --cap calls counts as --cap.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import relative_rules
from rows import write
from starts import starts

import molopt
from molopt.optimizers.spec import OptimizerSpec
from molopt.rules import Rule
from molopt.specification import parse

TUNING = Path(__file__).parent / "tuning_molecules.smi"
REFERENCE = "bfgs"
LIMITS = (0.05, 0.01)  # eV/A
CAP = 1000  # force calls
HEADINGS = ("optimizer", "runs", "to 0.05", "to 0.01", "misses", "lower/higher", "broken")
SAME = 0.005  # eV; ends nearer than this are not called lower or higher

RELATIVES: dict[str, type[Rule]] = {
    "schedule-free": relative_rules.ScheduleFree,
    "adopt": relative_rules.Adopt,
    "adan": relative_rules.Adan,
    "muon": relative_rules.Muon,
    "soap": relative_rules.Soap,
    "ademamix": relative_rules.Ademamix,
    "dowg": relative_rules.Dowg,
    "frozen-prodigy": relative_rules.FrozenProdigy,
}


class Run(NamedTuple):
    """One run; calls are to fmax 0.05 and 0.01 eV/A, infinite where it did not arrive."""

    optimizer: str
    molecule: str
    start: int  # its place among all starts
    atoms: int
    first: float
    last: float
    energy: float  # eV
    same: bool  # whether it is still the molecule that it was


def rule_of(text: str) -> Rule | None:
    """The rule of "soap/internal?lr=0.1", if it is one of the relatives."""
    name, keywords = parse(text)
    kind = RELATIVES.get(name.partition("/")[0])
    return None if kind is None else kind(**keywords)


def run(text: str, molecule: molopt.Molecule, start: int, potential: str, cap: int) -> Run:
    coordinates = "internal" if "/internal" in text else "cartesian"
    rule = rule_of(text)
    spec = OptimizerSpec.of(text) if rule is None else OptimizerSpec.of(rule, coordinates)
    result = molopt.relax(
        molecule,
        spec,
        potential,
        fmax=LIMITS[-1],
        energy_left=None,
        steps=cap,
        max_calls=cap,
        surrogate=None,
        check=None,
    )
    fmax = np.array([call.fmax for call in result.trace])
    calls = [float(np.argmax(fmax <= limit)) + 1 if (fmax <= limit).any() else np.inf for limit in LIMITS]
    return Run(text, molecule.name, start, len(molecule.numbers), *calls, result.energy, result.bonds_kept is not False)


def molecules(name: str, largest: int, seeds: Sequence[int]) -> Iterator[molopt.Molecule]:
    """The molecules of a set, from each of these starts; of the shipped ones 0 is the shipped geometry."""
    for start in starts(name, list(seeds)):
        if len(start.molecule.numbers) <= largest:
            yield start.molecule


def rows(runs: Iterable[Run], cap: int, against: str) -> Iterator[tuple[str, ...]]:
    """For each optimizer its ratios to the reference, misses, ends lower and higher, and molecules that broke."""
    found: dict[str, dict[str, Run]] = defaultdict(dict)
    for one in runs:
        found[one.optimizer][f"{one.molecule} {one.start}"] = one
    reference = found[against]
    for optimizer, those in found.items():
        pairs = [(one, reference[place]) for place, one in those.items()]
        ratios, misses = [], []
        for which in ("first", "last"):
            calls = np.array([[getattr(one, which) for one in pair] for pair in pairs])
            quotients = np.minimum(calls[:, 0], cap) / np.minimum(calls[:, 1], cap)
            logarithms = np.log(quotients)
            mean = np.exp(logarithms.mean())
            error = mean * logarithms.std(ddof=1) / np.sqrt(len(pairs)) if len(pairs) > 1 else None
            ratios.append(f"{mean:.3f}" if error is None else f"{mean:.3f} ± {error:.3f}")
            misses.append(str(np.isinf(calls[:, 0]).sum()))
        change = np.array([one.energy - other.energy for one, other in pairs])
        ends = f"{(change < -SAME).sum()}/{(change > SAME).sum()}"
        yield (
            f"`{optimizer}`",
            str(len(pairs)),
            *ratios,
            ", ".join(misses),
            ends,
            str(sum(not one.same for one, _ in pairs)),
        )


def stored(path: Path) -> list[Run]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Run(
                row["optimizer"], row["molecule"], int(row["start"]), int(row["atoms"]), float(row["first"]),
                float(row["last"]), float(row["energy"]), row["same"] == "True",
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def printed(runs: Iterable[Run], cap: int = CAP, against: str = REFERENCE) -> list[str]:
    """The table, its best line first."""
    lines = sorted(rows(runs, cap, against), key=lambda line: float(line[3].split()[0]))
    return [f"| {' | '.join(line)} |" for line in (HEADINGS, ["---"] * len(HEADINGS), *lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimizers", nargs="+", default=[])
    parser.add_argument("--set", default=str(TUNING), help="of docs/benchmarks/starts.py, or a file of SMILES")
    parser.add_argument("--largest", type=int, default=60, help="atoms")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2])
    parser.add_argument("--potential", default="mmff94")
    parser.add_argument("--cap", type=int, default=CAP)
    parser.add_argument("--out", type=Path, help="CSV of all runs")
    parser.add_argument("--read", type=Path, help="CSV of runs to be printed")
    parser.add_argument("--against", default=REFERENCE, help="what ratios are relative to")
    given = parser.parse_args()
    if given.read:
        runs = stored(given.read)
    else:
        drawn = list(molecules(given.set, given.largest, given.seeds))
        tasks = product([REFERENCE, *given.optimizers], enumerate(drawn))
        runs = [run(text, molecule, start, given.potential, given.cap) for text, (start, molecule) in tasks]
        write(given.out, [one._asdict() for one in runs])
    print("\n".join(printed(runs, given.cap, given.against)), flush=True)


if __name__ == "__main__":
    main()
