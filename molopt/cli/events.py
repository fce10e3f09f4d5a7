"""Runs and molecules as the events of `--log` have them."""

from typing import Any

from molopt.comparison.cases import Case
from molopt.library.archive import Found
from molopt.library.library import Task, named, where
from molopt.record import Outcome
from molopt.relaxed.relaxation import Relaxation
from molopt.report.labels import label

SAME = ("energy", "fmax", "ended", "stationary", "identity", "seconds")  # names that an outcome has as well


def begun(task: Task, potential: str | None) -> dict[str, object]:
    """Of a molecule that a worker, or this process, begins with."""
    return {"molecule": named(task.entry)[0], "where": where(task), "potential": potential}


def described(found: Found[Relaxation]) -> dict[str, object]:
    """Of a molecule whose run has ended."""
    one = found.value
    assert one is not None
    run = {"molecule": found.name, "where": found.where, "potential": one.potential, "optimizer": label(one.optimizer)}
    return run | figures(one.outcome)


def figures(outcome: Outcome) -> dict[str, object]:
    """Of a run that has ended, however it did."""
    named = {"calls": outcome.force_calls, "left": outcome.energy_left}
    return named | {name: getattr(outcome, name) for name in SAME}


def searched(found: Found[Ensemble]) -> dict[str, object]:
    """Of a molecule whose conformers were searched: the lowest of them, and the force calls of all potentials."""
    one = found.value
    assert one is not None
    lowest = one[0]
    said = {"molecule": found.name, "where": found.where, "potential": one.potential, "energy": lowest.energy}
    verdict = lowest.verdict
    return said | {
        "calls": sum(one.force_calls.values()), "fmax": lowest.fmax, "left": verdict.energy_left,
        "ended": verdict.ended, "stationary": verdict.stationary, "identity": verdict.molecule,
    }  # fmt: skip


def pointed(scanned: Scan, point: Point) -> dict[str, object]:
    """Of a point of a scan."""
    values = ", ".join(f"{value:g}" for value in point.values)
    return {"molecule": scanned.molecule.name, "where": f"point {values}"}


def point_ended(scanned: Scan, point: Point, potential: str) -> tuple[str, dict[str, object]]:
    """The event of a point of a scan that is done, and its fields."""
    run = pointed(scanned, point) | {"potential": potential}
    if point.verdict is None:
        return "failed", run | {"reason": point.error}
    verdict = point.verdict
    return "ended", run | {
        "calls": point.force_calls, "energy": point.energy, "fmax": point.fmax, "left": verdict.energy_left,
        "ended": verdict.ended, "stationary": verdict.stationary, "identity": verdict.molecule,
    }  # fmt: skip


def checked(found: Check, where: str) -> dict[str, object]:
    """Of a geometry that was checked."""
    verdict = found.verdict
    return {
        "molecule": found.name, "where": where, "potential": found.potential, "calls": found.force_calls,
        "energy": found.energy, "fmax": found.fmax, "left": verdict.energy_left,
        "ended": verdict.ended, "stationary": verdict.stationary, "identity": verdict.molecule,
    }  # fmt: skip


def run_of(case: Case) -> dict[str, object]:
    """Which run of a comparison."""
    start = f"{case.source}, start {case.seed}" if case.seed else case.source
    run = {"molecule": case.molecule.name, "where": start}
    return run | {"potential": case.potential, "optimizer": label(str(case.optimizer))}


def failure(found: Found[Any]) -> dict[str, object]:
    """Of a molecule that could not be done."""
    return {"molecule": found.name, "where": found.where, "reason": found.failed}
