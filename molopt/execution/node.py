"""What Parsl calls on a node: one task, in a process of its own that stays for the next."""

import os
import threading
from multiprocessing.connection import wait

from molopt.execution.cores import threads_each, usable_cores
from molopt.execution.finished import Report
from molopt.execution.slot import Slot

kept = threading.local()  # the slot of this Parsl worker, which is a process, or with Parsl's own threads a thread


def run_on_node(function: bytes, task: bytes, seconds: float | None) -> Report:
    """Run a pickled task and report on it, as `Pool` would."""
    slot = slot_for(function, seconds)
    slot.give(task)
    while (report := slot.advance()) is None:
        assert slot.worker is not None
        wait([slot.worker.connection], slot.patience())
    return report


def slot_for(function: bytes, seconds: float | None) -> Slot:
    """The slot that is kept for this function and limit."""
    slot: Slot | None = getattr(kept, "slot", None)
    if slot is None or (slot.function, slot.seconds) != (function, seconds):
        if slot is not None:
            slot.close()
        slot = kept.slot = Slot(function, threads_on_node(), seconds)
    return slot


def threads_on_node() -> int:
    """Threads for one of the workers that Parsl says there are on this node; one where it does not say.

    Parsl may have tied this worker to some of the cores: the manager above it has them all.
    """
    workers = os.environ.get("PARSL_WORKER_COUNT", "")
    return threads_each(usable_cores(os.getppid()), int(workers)) if workers.isdecimal() and int(workers) else 1
