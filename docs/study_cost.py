"""What the pool itself costs: milliseconds a task, for tasks that do nothing.

    python docs/study_cost.py

The first line is for empty tasks; the second sends 200 kB each way, about as much as a run with all its geometries.
"""

import itertools
import time

from molopt.execution import Pool, usable_cores

TASKS = 2000


if __name__ == "__main__":
    for size in (0, 200_000):
        for workers in sorted({1, usable_cores()}):
            over = Pool(workers, seconds=60).outcomes(bytes, itertools.repeat(bytes(size), TASKS + workers))
            for _ in range(workers):  # by then they are all started
                next(over)
            start = time.perf_counter()
            count = sum(each.ended == "done" for each in over)
            each = 1000 * (time.perf_counter() - start) / count
            print(f"{size:7d} bytes, {workers} workers: {each:.2f} ms a task ({count} tasks)")
