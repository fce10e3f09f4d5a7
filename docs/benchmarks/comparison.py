"""The tables of docs/results/comparison.md, from a study.

    python docs/benchmarks/comparison.py STUDY            # all molecules, then by size, then to the lowest end

Ratios are geometric means of force calls relative to ASE's BFGS, over molecules, with the 95 % interval by bootstrap; a
run that did not converge counts as the step limit.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from molopt.comparison.problems import by_optimizer, by_problem, converged_to_lowest
from molopt.comparison.profiles import profiles
from molopt.comparison.ratios import ratio
from molopt.comparison.study import Study
from molopt.comparison.summaries import summaries
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Record
from molopt.report.labels import label
from molopt.report.study import covered, light

SIZES = ((1, 20), (21, 45), (46, 130))  # atoms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    with Study.open(parser.parse_args().study) as study:
        records = covered([light(record) for record in study.records()])
    reference = str(OptimizerSpec.of("bfgs"))
    print_all(records, reference)
    print_sizes(records, reference)
    print_seconds(records, reference)
    print_lowest(records)


def print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |")


def print_head(cells: Sequence[str]) -> None:
    print_row(cells)
    print_row(["---"] * len(cells))


def print_all(records: Sequence[Record], reference: str) -> None:
    print_head(["optimizer", "runs", "failed", "force calls", "times BFGS", "left meV", "lower", "higher",
                "lowest basin", "bonds changed", "own ms"])  # fmt: skip
    for row in summaries(records, reference):
        print_row([
            label(row.optimizer), str(row.runs), str(row.failures), f"{row.calls.mean:.1f}",
            f"{row.ratio.mean:.3f} ({row.ratio.low:.3f} to {row.ratio.high:.3f})", f"{1e3 * row.above_floor:.3f}",
            str(row.lower), str(row.higher), f"{100 * row.lowest_basin:.0f} %", str(row.rearranged),
            f"{1e3 * row.own_time:.2f}",
        ])  # fmt: skip


def print_sizes(records: Sequence[Record], reference: str) -> None:
    print()
    there = [[record for record in records if low <= len(record.plan.numbers) <= high] for low, high in SIZES]
    counts = [len({record.plan.place for record in part}) for part in there]
    heads = [f"{low} to {high} atoms ({count})" for (low, high), count in zip(SIZES, counts, strict=True)]
    print_head(["optimizer, times BFGS", *heads])
    for optimizer in by_optimizer(records):
        runs = [by_optimizer(part) for part in there]
        means = [ratio(part.get(optimizer, []), part.get(reference, [])).mean for part in runs]
        print_row([label(optimizer), *(f"{mean:.2f}" for mean in means)])


def print_seconds(records: Sequence[Record], reference: str) -> None:
    """Wall time of whole runs relative to BFGS's, of starts on which both converged."""
    print()
    print_head(["optimizer, wall time relative to BFGS", *(f"{low} to {high} atoms" for low, high in SIZES)])
    for optimizer in by_optimizer(records):
        logs: list[list[float]] = [[] for _ in SIZES]
        for runs in by_problem(records).values():
            one, other = runs[optimizer], runs[reference]
            if one.outcome.converged and other.outcome.converged:
                size = next(n for n, (low, high) in enumerate(SIZES) if low <= len(one.plan.numbers) <= high)
                logs[size].append(math.log(one.outcome.seconds / other.outcome.seconds))
        print_row([label(optimizer), *(f"{math.exp(sum(part) / len(part)):.2f}" for part in logs)])


def print_lowest(records: Sequence[Record]) -> None:
    print()
    print_head(
        ["optimizer", "converged within 2 times the fewest calls", "and within 1 meV of the lowest energy", "at all"]
    )
    both: list[Callable] = [profiles(records), profiles(records, converged_to_lowest)]
    for optimizer in by_optimizer(records):
        shares = [both[0][optimizer].at(2), both[1][optimizer].at(2), both[1][optimizer].at(1e9)]
        print_row([label(optimizer), *(f"{100 * share:.0f} %" for share in shares)])
    print(f"\n{len(by_problem(records))} starts")


if __name__ == "__main__":
    main()
