"""What the machinery of a study costs, beside its runs: milliseconds a run.

    python docs/benchmarks/study_cost.py

First the pool alone, for tasks that do nothing, and for 200 kB each way, about as much as a run with all its
geometries. Then a whole study (plan, key, pool, store) of one worker, against the same runs in a plain loop.
"""

import itertools
import tempfile
import time
from pathlib import Path

from molopt import Molecule
from molopt.comparison import Criteria, cases
from molopt.comparison.running import Task, carry_out
from molopt.comparison.settings import Settings
from molopt.comparison.study import Study
from molopt.execution import Pool, usable_cores

TASKS = 2000
RUNS = 200
FEW = 20  # runs after which the worker is warm


def pool(size: int, workers: int) -> float:
    """Milliseconds a task of so many bytes each way."""
    over = Pool(workers, seconds=60).outcomes(bytes, itertools.repeat(bytes(size), TASKS + workers))
    for _ in range(workers):  # by then they are all started
        next(over)
    start = time.perf_counter()
    count = sum(each.ended == "done" for each in over)
    return 1000 * (time.perf_counter() - start) / count


def study() -> tuple[float, float]:
    """Milliseconds a run of ethanol with BFGS under MMFF94: in a plain loop, and in a study."""
    ethanol = Molecule.from_smiles("CCO")
    tasks = [Task(case, case.plan(Criteria())) for case in cases([ethanol] * (RUNS + FEW), optimizers=["bfgs"])]
    for task in tasks[:FEW]:
        carry_out(task)
    start = time.perf_counter()
    for task in tasks[FEW:]:
        carry_out(task)
    plain = time.perf_counter() - start
    settings = Settings(("CCO",), ("mmff94",), ("bfgs",), 0.05, None, 1000)
    with tempfile.TemporaryDirectory() as folder, Study.begin(Path(folder), settings) as made:
        running = made.go(Pool(1, seconds=60), made.cases(("CCO", ethanol) for _ in range(RUNS + FEW)))
        for _ in range(FEW):
            next(running)
        start = time.perf_counter()
        count = sum(len(runs) for runs in running)
        return 1000 * plain / RUNS, 1000 * (time.perf_counter() - start) / count


if __name__ == "__main__":
    for size in (0, 200_000):
        for workers in sorted({1, usable_cores()}):
            print(f"pool, {size:6d} bytes, {workers} workers: {pool(size, workers):.2f} ms a task")
    plain, whole = study()
    print(
        f"a run in a plain loop: {plain:.1f} ms; in a study: {whole:.1f} ms; the study itself: {whole - plain:.1f} ms"
    )
