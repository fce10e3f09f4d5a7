"""The tables of the documents, made from stored data.

A table stands in a document between `<!-- made: NAME ARGUMENTS -->` and `<!-- end -->`; NAME is a function of this file
and the arguments are texts. Ratios are geometric means of force calls relative to ASE's BFGS, over molecules.
"""

import math
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence

import figures
import stored
from figures import number, runs, summed

from molopt.comparison.problems import problem
from molopt.comparison.summaries import DIFFERENT
from molopt.report.labels import label
from molopt.stationary.verdict import MEV

MADE = re.compile(r"(?P<head><!-- made: (?P<what>[^\n]*?) -->\n)(?P<table>.*?)(?P<end><!-- end -->)", re.DOTALL)
REFERENCE = "bfgs"
SIZES = ((1, 20), (21, 45), (46, 130))  # atoms


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def filled(text: str) -> str:
    """A document with its tables as they are made now."""

    def made(found: re.Match[str]) -> str:
        name, *arguments = shlex.split(found["what"])
        return found["head"] + TABLES[name](*arguments) + found["end"]

    return MADE.sub(made, text)


def calls(data: str) -> str:
    """What each optimizer needed, and where it ended."""
    rows = []
    for name, row in summed(data, REFERENCE).items():
        rows.append([
            label(row.optimizer), str(row.runs), str(row.failures), f"{row.calls.mean:.1f}",
            f"{row.ratio.mean:.3f} ({row.ratio.low:.3f} to {row.ratio.high:.3f})", f"{row.above_floor / MEV:.3f}",
            str(row.lower), str(row.higher), percent(figures.lowest_basin(data, name)),
            str(row.rearranged), f"{1e3 * row.own_time:.2f}",
        ])  # fmt: skip
    heads = ["optimizer", "runs", "failed", "force calls", "times BFGS", "left meV", "lower", "higher", "lowest basin"]
    return table([*heads, "bonds changed", "own ms"], rows)


def sizes(data: str) -> str:
    """Force calls by the size of the molecules."""
    there = sizes_in(data)
    heads = [f"{low} to {high} atoms ({figures.molecules(data, (low, high)):.0f})" for low, high in there]
    rows = [
        [label(row.optimizer), *(size_cell(data, name, size) for size in there)]
        for name, row in summed(data, REFERENCE).items()
    ]
    return table(["optimizer, times BFGS", *heads], rows)


def sizes_in(data: str) -> list[tuple[int, int]]:
    """The classes of sizes that the data have, the last one up to their largest molecule."""
    largest = round(figures.largest(data))
    return [(low, min(high, largest)) for low, high in SIZES if low <= largest]


def size_cell(data: str, name: str, size: tuple[int, int]) -> str:
    """The ratio, with the number of molecules where they are not all; a dash where there are none."""
    if name not in runs(data, size):
        return "-"
    found = figures.interval(data, name, REFERENCE, size)
    return f"{found.mean:.2f}" + (f" ({found.molecules})" if found.molecules < figures.molecules(data, size) else "")


def seconds(data: str) -> str:
    """Wall time of whole runs relative to BFGS's, of starts on which both converged."""
    there = sizes_in(data)
    rows = []
    for name, row in summed(data, REFERENCE).items():
        cells = []
        for size in there:
            beside = {problem(run): run.outcome for run in runs(data, size)[REFERENCE]}
            pairs = [(run.outcome, beside[problem(run)]) for run in runs(data, size).get(name, [])]
            ratios = [one.seconds / other.seconds for one, other in pairs if one.converged and other.converged]
            cells.append(f"{figures.geometric(ratios):.2f}" if ratios else "-")
        rows.append([label(row.optimizer), *cells])
    return table(["optimizer, wall time relative to BFGS", *(f"{low} to {high} atoms" for low, high in there)], rows)


def solved(data: str) -> str:
    """The performance profile at 2, in two senses, and the share that ends lowest."""
    rows = []
    for name, row in summed(data, REFERENCE).items():
        shares = [
            figures.within(data, name, 2),
            figures.within(data, name, 2, True),
            figures.within(data, name, 1e9, True),
        ]
        rows.append([label(row.optimizer), *map(percent, shares)])
    return table(
        ["optimizer", "converged within 2 times the fewest calls", "and within 1 meV of the lowest energy", "at all"],
        rows,
    )


def certified(data: str) -> str:
    """What the ends are, by a look that was not counted."""
    words = ("minimum", "saddle", "flat", "not stationary", "unchecked")
    rows = [
        [label(row.optimizer), *(percent(row.ends[word] / row.runs) for word in words), str(row.checked)]
        for row in summed(data, REFERENCE).values()
    ]
    return table(["optimizer", *words, "runs that looked themselves"], rows)


def surfaces(data: str) -> str:
    """Force calls to two criteria on the systems without internal coordinates, and the means of their ratios."""
    found: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in stored.rows(data):
        found[row["system"]][row["optimizer"]].append(row)
    lines = []
    for system, by_name in found.items():
        lowest = min(number(rows[0], "energy") for rows in by_name.values())
        lines.append([system, *(surface_cell(rows, lowest) for rows in by_name.values())])
    optimizers = list(next(iter(found.values())))
    for to in ("bfgs", "fire"):
        means = [
            f"{surface_ratio(data, name, to, '0.05')}, {surface_ratio(data, name, to, '0.01')}" for name in optimizers
        ]
        lines.append([f"**mean ratio to {to}**", *means])
    return table(["", *optimizers], lines)


def surface_cell(rows: Sequence[dict[str, str]], lowest: float) -> str:
    """Calls to each criterion; (+n): the end lies n meV above the lowest of the system."""
    calls, higher = ", ".join(row["force_calls"] or "-" for row in rows), number(rows[0], "energy") - lowest
    return f"{calls} (+{1e3 * higher:.0f})" if higher > DIFFERENT else calls


def surface_ratio(data: str, name: str, to: str, fmax: str) -> str:
    by, one, other = ("system", "seed"), {"optimizer": name, "fmax": fmax}, {"optimizer": to, "fmax": fmax}
    return f"{figures.paired(data, 'geometric mean', 'force_calls', by, one, other, missing='cap'):.2f}"


def programs(data: str) -> str:
    """CPU seconds on GFN2-xTB beside those of xtb --opt, in parentheses relative to them."""
    by_name: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in stored.rows(data):
        by_name[row["molecule"]][row["way"]] = row
    lines, ways = [], []
    for name, found in by_name.items():
        theirs = found.pop("xtb --opt")
        ways = list(found)
        took = number(theirs, "seconds")
        cells = [f"{number(row, 'seconds'):.2f} ({number(row, 'seconds') / took:.3f})" for row in found.values()]
        lines.append([name, theirs["atoms"], f"{took:.2f}", *cells, found[ways[0]]["calls"]])
    return table(["CPU s", "atoms", "xtb", *ways, "calls"], lines)


def conformers_a_second(data: str) -> str:
    lines = [
        [
            row["molecule"], row["atoms"], row["runs"], f"{number(row, 'runs') / number(row, 'rdkit_seconds'):.0f}",
            f"{number(row, 'runs') / number(row, 'seconds'):.0f}",
            f"{number(row, 'seconds') / number(row, 'rdkit_seconds'):.2f}", f"{number(row, 'force_calls'):.1f}",
            percent(number(row, "same_basin")), percent(number(row, "lower")), percent(number(row, "higher")),
        ]
        for row in stored.rows(data)
    ]  # fmt: skip
    heads = ["molecule", "atoms", "conformers", "RDKit, 1/s", "molopt, 1/s", "time, molopt / RDKit", "force calls"]
    return table([*heads, "same basin", "lower", "higher"], lines)


def race(data: str) -> str:
    """Energy above the lowest (kcal/mol); minima within 3 and 6 kcal/mol; CPU seconds."""
    by_name: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in stored.rows(data):
        by_name[row["molecule"]].append(row)
    lines = [
        [name, found[0]["atoms"]]
        + [f"{gap(row)}; {row['within_3']}, {row['within_6']}; {row['seconds']}" for row in found]
        for name, found in by_name.items()
    ]
    return table(["molecule", "atoms", "ETKDGv3 x 300", "CONFORGE", "molopt"], lines)


def gap(row: dict[str, str]) -> str:
    return f"{number(row, 'gap'):.3f}" if row["gap"] else "no sound one"


def plain_atoms(data: str) -> str:
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in stored.rows(data):
        groups[row["potential"], row["set"]].append(row)
    lines = []
    for (potential, name), found in groups.items():
        ratios = [
            f"{figures.geometric([number(row, f'{kind}_plain') / number(row, kind) for row in found]):.3f}"
            for kind in ("relax", "lbfgs")
        ]
        differing = [
            row["molecule"] for row in found if any(row[kind] != row[f"{kind}_plain"] for kind in ("relax", "lbfgs"))
        ]
        lines.append([potential, name, str(len(found)), *ratios, ", ".join(differing) or "none"])
    return table(
        ["potential", "set", "starts", "relax (unchecked), plain / Molecule", "LBFGS, the same", "starts that differ"],
        lines,
    )


def percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"


TABLES: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        calls,
        sizes,
        seconds,
        solved,
        certified,
        surfaces,
        programs,
        conformers_a_second,
        race,
        plain_atoms,
    )
}
