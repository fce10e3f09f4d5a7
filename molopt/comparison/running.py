"""Carrying out one run of a comparison, wherever it runs, down to what is written of it."""

import logging
import math
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from molopt.comparison.cases import Case, Criteria, criteria_of
from molopt.comparison.ends import end_of
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.first_use import ready
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.record import NOT_RUN, Outcome, Plan, Record
from molopt.rules.partition import Array
from molopt.run import Run

log = logging.getLogger("molopt")


FRAMES = 40  # geometries that are kept of a run
CAREFUL = OptimizerSpec.of("default?maxstep=0.05&rise=1e-9")  # how an end is relaxed on to the floor of its basin
FLOOR = Criteria(fmax=0.001, steps=1000)


class Task(NamedTuple):
    """A run, with all that determines it, and where it writes."""

    case: Case
    plan: Plan
    trajectory: Path | None = None
    seconds: float | None = None  # after which it begins no further force call, that of its end included


def compare(
    cases: Iterable[Case],
    fmax: float = 0.05,
    energy_left: float | str | None = None,
    steps: int = 1000,
) -> Iterator[Record]:
    """Carry out the runs here, one after the other; each gets a potential of its own, so that none starts warm.

    Parameters
    ----------
    cases : iterable of Case
    fmax, energy_left, steps
        Criteria and cap of all runs, as in `molopt.relax`; by default they stop on fmax alone, as ASE's optimizers do,
        and their records say what energy that left.

    Yields
    ------
    Record
        One for each case. A potential that fails, even at the first force call, is a record with an error.

    Raises
    ------
    InputError
        An optimizer or the criterion cannot be used, when its turn comes.

    Examples
    --------
    >>> from molopt.comparison import cases
    >>> water = Molecule.from_smiles("O")
    >>> [record.outcome.converged for record in compare(cases([water], optimizers=["adam", "bfgs"]))]
    [True, True]
    """
    criteria = Criteria(fmax, energy_left, steps)
    for case in cases:
        plan = case.plan(criteria)
        yield Record(plan, carry_out(Task(case, plan)))


def carry_out(task: Task) -> Outcome:
    """Do the run, and relax its end on to the floor of its basin, which is not counted."""
    *_, outcome = in_parts(task)
    return outcome


def in_parts(task: Task) -> Generator[Outcome, None, None]:
    """The outcome of the run, then the same with the floor, then with what its end is.

    A failure of an uncounted part costs that part alone.
    """
    case, criteria = task.case, criteria_of(task.plan)
    ready(case.optimizer, criteria.energy_left)
    begun = time.monotonic()
    visited: list[Array] = []
    own: list[float] = []  # s on the clock, less those in potential, surrogate and files, at each force call

    def look(counted: Counted) -> None:
        assert counted.atoms is not None
        visited.append(counted.atoms.positions.astype(np.float32))
        inside = counted.seconds + (run.surrogate.seconds if run.surrogate else 0.0) + run.watching.seconds
        own.append(time.perf_counter() - inside)

    def started() -> Run:
        visited.clear()
        own.clear()
        budget = Budget(time_limit=task.seconds, begun=begun)
        return Run(case.molecule, case.optimizer, case.potential, *criteria, on_call=look, budget=budget)

    try:
        run = started()
    except InputError as error:
        yield Outcome("failed", error=f"{NOT_RUN}: {' '.join(str(error).split())}")
        return
    try:
        run.go(trajectory=task.trajectory)
    except OSError as error:  # of the trajectory: a disk that is full says nothing of the optimizer
        log.warning("%s: run again without its trajectory, which could not be written: %s", case.molecule.name, error)
        run = started()
        run.go()
    result = run.result()
    kept = chosen_frames(len(visited))
    known: dict[str, object] = {
        "step_seconds": float(np.median(np.diff(own))) if len(own) > 1 else math.nan,
        "frames": np.array([visited[call] for call in kept]).reshape(len(kept), len(case.molecule), 3),
        "frame_calls": np.array(kept, dtype=int),
    }
    if run.budget.out_of_time:
        known["ended"] = "timed out"
    outcome = Outcome.of(result, **known)
    yield outcome
    if result.error is None:
        outcome = settled(case, outcome, Budget(time_limit=task.seconds, begun=begun))
        yield outcome
        yield looked_at(case, outcome, criteria.fmax)


def settled(case: Case, outcome: Outcome, budget: Budget) -> Outcome:
    """The outcome with the energy and the geometry where the run's end comes to rest, where it does."""
    molecule: Molecule = case.molecule.with_positions(outcome.end)
    try:
        run = Run(molecule, CAREFUL, case.potential, *FLOOR, budget=budget)
        run.go()
        rest = run.result()
    except Exception:  # whatever it is, the run was over before
        return outcome
    return replace(outcome, floor_energy=rest.energy, floor=rest.atoms.positions) if rest.converged else outcome


def looked_at(case: Case, outcome: Outcome, limit: float) -> Outcome:
    """The outcome with what the run's end is, where that can be said."""
    try:
        end = end_of(case.molecule, case.potential, outcome, limit)
    except Exception:  # whatever it is, the run was over before
        return outcome
    return replace(outcome, end_stationary=end.stationary, end_stiffness=end.stiffness)


def chosen_frames(calls: int) -> list[int]:
    """Which force calls of a run are kept as frames: the first and the last ones, denser at the start, counted from 0.

    >>> chosen_frames(3), len(chosen_frames(1000)) <= FRAMES, chosen_frames(1000)[-1]
    ([0, 1, 2], True, 999)
    """
    if calls <= FRAMES:
        return list(range(calls))
    return sorted({round(float(place)) - 1 for place in np.geomspace(1, calls, FRAMES)})
