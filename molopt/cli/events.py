"""Runs and molecules as the events of `--log` have them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from molopt.library.archive import Found
from molopt.library.library import Task, named, where
from molopt.report.labels import label
from molopt.stationary.verdict import Verdict

if TYPE_CHECKING:
    from molopt.checked.check import Check
    from molopt.comparison.cases import Case
    from molopt.ensembles.ensemble import Ensemble
    from molopt.record import Outcome
    from molopt.relaxed.relaxation import Relaxation
    from molopt.scanning.point import Point

Fields = dict[str, object]
SAME = ("energy", "fmax", "ended", "stationary", "identity", "seconds")  # names that an outcome has as well


def begun(task: Task, potential: str | None) -> Fields:
    """Of a molecule that a worker, or this process, begins with."""
    return {"molecule": named(task.entry)[0], "where": where(task), "potential": potential}


def failure(found: Found[Any]) -> Fields:
    """Of a molecule that could not be done."""
    return {"molecule": found.name, "where": found.where, "reason": found.failed}


def relaxed(found: Found[Any], one: "Relaxation") -> Fields:
    """Of a molecule whose run has ended."""
    run: Fields = {"molecule": found.name, "where": found.where}
    return run | {"potential": one.potential, "optimizer": label(one.optimizer)} | figures(one.outcome)


def run_of(case: "Case") -> Fields:
    """Which run of a comparison."""
    start = f"{case.source}, start {case.seed}" if case.seed else case.source
    run: Fields = {"molecule": case.molecule.name, "where": start}
    return run | {"potential": case.potential, "optimizer": label(str(case.optimizer))}


def figures(outcome: "Outcome") -> Fields:
    """Of a run that has ended, however it did."""
    named: Fields = {"calls": outcome.force_calls, "left": outcome.energy_left}
    return named | {name: getattr(outcome, name) for name in SAME}


def searched(found: Found[Any], one: "Ensemble") -> Fields:
    """Of a molecule whose conformers were searched: the lowest of them, and the force calls of all potentials."""
    run: Fields = {"molecule": found.name, "where": found.where, "potential": one.potential}
    lowest, calls = one[0], sum(one.force_calls.values())
    return run | {"calls": calls, "energy": lowest.energy, "fmax": lowest.fmax} | judged(lowest.verdict)


def at_values(molecule: str, values: Sequence[float], potential: str) -> Fields:
    """Which point of a scan."""
    return {"molecule": molecule, "where": f"at {', '.join(f'{value:g}' for value in values)}", "potential": potential}


def scanned(molecule: str, point: "Point", potential: str) -> tuple[str, Fields]:
    """The event of a point of a scan that is over, and its fields."""
    run = at_values(molecule, point.values, potential)
    if point.verdict is None:
        return "failed", run | {"reason": point.error}
    figures = {"calls": point.force_calls, "energy": point.energy, "fmax": point.fmax}
    return "ended", run | figures | judged(point.verdict)


def checked(found: Found[Any], one: "Check") -> Fields:
    """Of a geometry that was checked."""
    run: Fields = {"molecule": found.name, "where": found.where, "potential": one.potential}
    return run | {"calls": one.force_calls, "energy": one.energy, "fmax": one.fmax} | judged(one.verdict)


def judged(verdict: Verdict) -> Fields:
    left = None if verdict.energy_left is None else float(verdict.energy_left)
    return {
        "left": left, "ended": verdict.ended, "stationary": verdict.stationary, "identity": verdict.molecule
    }  # fmt: skip
