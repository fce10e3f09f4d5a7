"""What carries out the work of a command, as its options say."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from molopt.cli.terminal import Notes
    from molopt.execution import Executor

GRACE, LEAST_GRACE = 0.1, 5.0  # of the time limit; s, of which most potentials need less for a force call


def executor(
    folder: Path,
    parsl: str | None,
    workers: int,
    time_limit: float | None,
    threads: int | None,
    notes: "Notes",
    patience: float = 0.0,
) -> "Executor":
    """What will carry out the runs; InputError before anything is written.

    `patience` is for how many seconds a run over its limit may go on, as one that looks at the clock itself will not.
    """
    from molopt.execution import ParslExecutor, Pool, SerialExecutor

    if parsl is not None:
        return ParslExecutor(Path(parsl), folder / "parsl", time_limit, threads or 1, patience)
    if os.name == "posix":
        return Pool(workers, time_limit, threads or 1, grace=patience)
    notes.held.append(
        "on this system all runs share one process: none is killed at a time limit, a crash ends them all, and "
        "libraries keep the threads they were loaded with, whatever --threads says: set OMP_NUM_THREADS and "
        "OPENBLAS_NUM_THREADS before"
    )
    return SerialExecutor()


def grace(time_limit: float) -> float:
    """Seconds that a run over its limit has to finish its force call and return its result, before it is killed.

    >>> grace(60.0), grace(3600.0)
    (6.0, 360.0)
    """
    return max(LEAST_GRACE, GRACE * time_limit)
