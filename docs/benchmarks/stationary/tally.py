"""Tables of what runs say of their ends beside the truth, and of what they cost."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import kept
import numpy as np
from truth import false_limit

Record = dict[str, Any]
CURVED = 0.0  # relative to the model; an end whose lowest curvature is above, and that is not false, is a minimum


def line(record: Record) -> str:
    """One run in a line."""
    seed = f" seed {record['seed']}" if record["seed"] else ""
    where = f"{record['set']} {record['molecule']}{seed} ({record['atoms']}) {record['potential']} "
    where += f"{record['optimizer']} check={record['check']}"
    if "calls" not in record:
        return f"{where}: {record['ended']}: {record['reason']}"
    text = f"{where}: {record['ended']} {record['calls']} calls, called {record['called']}"
    if record["left"] is not None:
        text += f", left {1e3 * record['left']:.2f}"
    if record["pushes"]:
        text += f", {record['pushes']} pushes"
    if "truth" in record:
        known = record["truth"]
        text += (
            f"; truly {1e3 * known['above']:.2f} meV above the floor, lowest {known['lowest_curved']:.3f} of the "
            f"model, {known['lowest_cartesian']:.4f} eV/A^2, {known['negative']} negative"
        )
        text += "  FALSE" * false(record)
        if false(record) and known.get("by_fmax", math.inf) < false_limit(record["atoms"]):
            text += f" (where fmax first falls to 0.001 only {1e3 * known['by_fmax']:.2f} meV)"
    return f"{text} {record['reason']}".rstrip()


def judged(record: Record) -> bool:
    return "truth" in record


def false(record: Record) -> bool:
    return judged(record) and record["truth"]["above"] > false_limit(record["atoms"])


def saddle_wrongly(record: Record) -> bool:
    """A true minimum that was called a saddle."""
    return (
        judged(record)
        and record["called"] == "saddle"
        and not false(record)
        and record["truth"]["lowest_curved"] > CURVED
    )


def report(done: dict[Any, Record], per_molecule: bool) -> None:
    groups: dict[tuple[str, str], dict[Any, Record]] = defaultdict(dict)
    for wanted, record in done.items():
        groups[record["potential"], record["set"]][wanted] = record
    print("Ends: what they are, and what they were called.\n")
    row("potential", "set", "optimizer", "check", "ends", "false", "called minimum", "flat", "unchecked",
        "saddle", "minima called saddle", "not converged", "no run")  # fmt: skip
    row(*["---"] * 13)
    for (potential, name), runs in sorted(groups.items()):
        for (optimizer, check), records in kinds(runs):
            row(potential, name, optimizer, check, *ends(records))
    for (optimizer, check), records in kinds(done):
        row("all", "all", optimizer, check, *ends(records))
    print("\nForce calls, geometric means of ratios over starts (of how many).\n")
    row("potential", "set", "optimizer", "starts", "none", "auto", "auto / none", "median more", "false without",
        "their auto / none", "auto / Sella", "minima / Sella", "none / Sella")  # fmt: skip
    row(*["---"] * 13)
    for (potential, name), runs in sorted(groups.items()):
        for optimizer in sorted({wanted.optimizer for wanted in runs} - {"sella"}):
            row(potential, name, optimizer, *prices(runs, optimizer))
    listed("False ends", [record for record in done.values() if false(record)])
    listed("Minima called saddle", [record for record in done.values() if saddle_wrongly(record)])
    listed("Called saddle", [record for record in done.values() if record.get("called") == "saddle"])
    listed("Called flat", [record for record in done.values() if record.get("called") == "flat"])
    listed(
        "Checked, and unchecked",
        [r for r in done.values() if r["check"] not in ("none", "sella") and r.get("called") == "unchecked"],
    )
    listed("Not converged", [r for r in done.values() if "calls" in r and not r["converged"]])
    listed("No run", [record for record in done.values() if "calls" not in record])
    if per_molecule:
        listed("All", list(done.values()))


def kinds(runs: dict[Any, Record]) -> list[tuple[tuple[str, str], list[Record]]]:
    """Records by optimizer and check, without Sella's."""
    found = defaultdict(list)
    for record in runs.values():
        if record["check"] != "sella":
            found[record["optimizer"], record["check"]].append(record)
    return sorted(found.items())


def ends(records: list[Record]) -> list[Any]:
    known = [record for record in records if judged(record)]
    count = len(known)
    wrong = [record for record in known if false(record)]
    return [
        count,
        share(len(wrong), count),
        share(sum(record["called"] == "minimum" for record in wrong), count),
        *(share(sum(record["called"] == word for record in known), count) for word in ("flat", "unchecked", "saddle")),
        share(sum(map(saddle_wrongly, known)), count),
        sum("calls" in record and not record["converged"] for record in records),
        sum("calls" not in record for record in records),
    ]


def share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if part else "0"


def prices(runs: dict[Any, Record], optimizer: str) -> list[str]:
    """Cells of one optimizer in one set and potential."""
    by_check: dict[str, dict[tuple[str, int], Record]] = defaultdict(dict)
    for record in runs.values():
        if "calls" in record and record["optimizer"] in (optimizer, "sella"):
            by_check[record["check"]][record["molecule"], record["seed"]] = record
    none, auto, sella = by_check["none"], by_check["auto"], by_check["sella"]
    for wanted in runs:
        calls = kept.sella(wanted.potential).get((wanted.set, wanted.molecule))
        if calls and not wanted.seed:
            sella.setdefault((wanted.molecule, 0), {"calls": calls})
    both = none.keys() & auto.keys()
    more = [auto[start]["calls"] - none[start]["calls"] for start in both]
    fell = [start for start in both if false(none[start])]
    certified = [start for start, record in auto.items() if record["called"] == "minimum"]
    return [
        str(len(none.keys() | auto.keys())),
        mean_calls(none.values()),
        mean_calls(auto.values()),
        ratio(auto, none, both),
        f"{np.median(more):+g}" if more else "",
        str(len(fell)),
        ratio(auto, none, fell),
        ratio(auto, sella, auto),
        ratio(auto, sella, certified),
        ratio(none, sella, none),
    ]


def mean_calls(records: Iterable[Record]) -> str:
    calls = [record["calls"] for record in records]
    return f"{np.exp(np.mean(np.log(calls))):.1f}" if calls else ""


def ratio(ones: dict[Any, Record], others: dict[Any, Record], over: Iterable[Any]) -> str:
    logs = [math.log(ones[start]["calls"] / others[start]["calls"]) for start in over if start in others]
    return f"{math.exp(np.mean(logs)):.3f} ({len(logs)})" if logs else ""


def listed(title: str, records: list[Record], described: Callable[[Record], str] = line) -> None:
    print(f"\n{title}: {len(records)}\n")
    for record in records:
        print("-", described(record))


def row(*cells: Any) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")
