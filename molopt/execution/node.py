"""What Parsl calls on a node: one task, in a process of its own that stays for the next."""

import threading
from multiprocessing.connection import wait

from molopt.execution.finished import Report
from molopt.execution.slot import Slot

kept = threading.local()  # the slot of this Parsl worker, which is a process, or with Parsl's own threads a thread


def run_on_node(function: bytes, task: bytes, seconds: float | None, threads: int, grace: float) -> Report:
    """Run a pickled task and report on it, as `Pool` would."""
    slot = slot_for(function, threads, seconds, grace)
    slot.give(task)
    while (report := slot.advance()) is None:
        assert slot.worker is not None
        wait([slot.worker.connection], slot.patience())
    return report


def slot_for(function: bytes, threads: int, seconds: float | None, grace: float) -> Slot:
    """The slot that is kept for these arguments of `Slot`."""
    slot: Slot | None = getattr(kept, "slot", None)
    wanted = (function, threads, seconds, grace)
    if slot is None or (slot.function, slot.threads, slot.seconds, slot.grace) != wanted:
        if slot is not None:
            slot.close()
        slot = kept.slot = Slot(*wanted)
    return slot
