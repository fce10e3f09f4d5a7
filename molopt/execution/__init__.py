"""Where runs run: in this process, in a pool of processes, on a cluster through Parsl. One seam, `Executor`.

An executor draws tasks one by one as it has room for them and gives back what became of each, in the order in which
they end. A run that raises, hangs, is killed or takes its interpreter down costs itself and nothing else.

>>> from molopt.execution import SerialExecutor
>>> [(each.task, each.value, each.ended) for each in SerialExecutor().outcomes(abs, [-2, 3])]
[(-2, 2, 'done'), (3, 3, 'done')]
"""

from molopt.execution.cores import usable_cores
from molopt.execution.finished import Crew, Executor, Finished, StandingExecutor
from molopt.execution.parsl_executor import ParslExecutor
from molopt.execution.pool import Pool
from molopt.execution.serial import SerialExecutor

__all__ = [
    "Crew",
    "Executor",
    "Finished",
    "ParslExecutor",
    "Pool",
    "SerialExecutor",
    "StandingExecutor",
    "usable_cores",
]
