"""Runs and molecules as the events of `--log` have them."""

from typing import Any

from molopt.library.archive import Found
from molopt.library.library import Task, named, where
from molopt.record import Outcome
from molopt.report.labels import label

SAME = ("energy", "fmax", "ended", "stationary", "identity", "seconds")  # names that an outcome has as well


def begun(task: Task, potential: str | None) -> dict[str, object]:
    """Of a molecule that a worker, or this process, begins with."""
    return {"molecule": named(task.entry)[0], "where": where(task), "potential": potential}


def described(molecule: str, source: str, potential: str, optimizer: str, outcome: Outcome) -> dict[str, object]:
    """Of a run that has ended."""
    run = {"molecule": molecule, "where": source, "potential": potential, "optimizer": label(optimizer)}
    figures = {"calls": outcome.force_calls, "left": outcome.energy_left}
    return run | figures | {name: getattr(outcome, name) for name in SAME}


def failure(found: Found[Any]) -> dict[str, object]:
    """Of a molecule that could not be done."""
    return {"molecule": found.name, "where": found.where, "reason": found.failed}
