"""What a Parsl worker calls on its node: one task, in a process of its own that stays for the next."""

import threading
from multiprocessing.connection import wait

from molopt.execution.finished import Report
from molopt.execution.supervisor import Supervisor

kept = (
    threading.local()
)  # the supervisor of this Parsl worker, which is a process, or with Parsl's own threads a thread


def run_under_supervision(function: bytes, task: bytes, seconds: float | None, threads: int, grace: float) -> Report:
    """Run a pickled task and report on it, as `Pool` would."""
    supervisor = supervisor_for(function, threads, seconds, grace)
    supervisor.give(task)
    while (report := supervisor.advance()) is None:
        assert supervisor.worker is not None
        wait([supervisor.worker.connection], supervisor.patience())
    return report


def supervisor_for(function: bytes, threads: int, seconds: float | None, grace: float) -> Supervisor:
    """The supervisor that is kept for these arguments of `Supervisor`."""
    supervisor: Supervisor | None = getattr(kept, "supervisor", None)
    wanted = (function, threads, seconds, grace)
    if supervisor is None or (supervisor.function, supervisor.threads, supervisor.seconds, supervisor.grace) != wanted:
        if supervisor is not None:
            supervisor.close()
        supervisor = kept.supervisor = Supervisor(*wanted)
    return supervisor
