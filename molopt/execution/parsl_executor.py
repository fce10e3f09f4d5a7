"""Runs on a cluster, through Parsl."""

import math
import os
import runpy
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from molopt.errors import InputError, MissingExtra
from molopt.execution.finished import Finished, Function, R, Report, T, finished, one_line, pickled_function
from molopt.execution.parsl_worker import run_under_supervision
from molopt.execution.pool import check_limit, check_threads, packing

WORKERS = 64  # in flight where the configuration does not say how many there will be: half of the window


@dataclass(frozen=True)
class ParslExecutor:
    """Run through Parsl (Slurm, PBS, LSF, Kubernetes, this machine), as a configuration file says.

    On the node each Parsl worker keeps one process of its own and runs the tasks in it, as `Pool` does. The time limit
    is watched there, next to the run: Parsl's own walltime raises an exception in the worker's interpreter, which
    compiled code that hangs never sees. So a run that hangs or crashes costs neither a Parsl worker nor another run,
    and a Parsl worker or node that is lost was not ended by the run in it, as far as one can know: a task that was
    there is sent once more, and is "crashed" when it loses its worker a second time.

    Parameters
    ----------
    config : Path
        A Python file that sets `config`, a `parsl.config.Config`. It is run, here, at once and each time.
    folder : Path
        For what Parsl writes (its `runinfo`); whatever run_dir the file sets is replaced by it.
    seconds : float, optional
        Time limit of a run, by default none.
    grace : float
        As of `Pool`.
    threads : int
        For each library in each worker, as of `Pool`. How many workers there are on a node, and which cores they get,
        is the configuration's.

    Raises
    ------
    InputError
        The file cannot be used, or Parsl cannot start its workers, or a worker cannot load the function.
    MissingExtra
        Parsl is not installed.

    References
    ----------
    Y. Babuji et al., Parsl: Pervasive parallel programming in Python, HPDC '19, 25 (2019).
    """

    config: Path
    folder: Path
    seconds: float | None = None
    threads: int = 1
    grace: float = 0.0

    def __post_init__(self) -> None:
        check_limit(self.seconds)
        check_threads(self.threads)
        if find_spec("parsl") is None:
            raise MissingExtra("parsl", "running through Parsl")
        read_config(self.config)  # what is wrong with it shows before anything is run

    def outcomes(self, function: Function[T, R], tasks: Iterable[T]) -> Generator[Finished[T, R], None, None]:
        """As `Executor.outcomes`; twice as many tasks are in flight as there can be workers."""
        from parsl import python_app
        from parsl.dataflow.dflow import DataFlowKernel

        config = read_config(self.config)
        config.run_dir = str(self.folder)
        pickled = pickled_function(function)
        try:
            kernel = DataFlowKernel(config)
        except Exception as error:  # whatever a provider or the network raises
            raise InputError(f"{self.config}: Parsl does not start: {one_line(error)}") from error
        try:
            app = python_app(run_under_supervision, data_flow_kernel=kernel)
            sent = partial(app, pickled, seconds=self.seconds, threads=self.threads, grace=self.grace)
            yield from self.stream(sent, iter(tasks), window(config))
        finally:
            kernel.cleanup()

    def stream(
        self, submit: "Callable[[bytes], Future[Report]]", tasks: Iterator[T], room: int
    ) -> Generator[Finished[T, R], None, None]:
        flying: dict[Future[Report], tuple[T, bytes, bool]] = {}  # task, the same pickled, lost before
        more = True
        while more or flying:
            while more and len(flying) < room:
                try:
                    task = next(tasks)
                except StopIteration:
                    more = False
                    break
                packed, problem = packing(task)
                if problem is None:
                    flying[submit(packed)] = (task, packed, False)
                else:
                    yield finished(task, problem)
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                task, packed, lost_before = flying.pop(future)
                report = self.report(future)
                if report is None and not lost_before:
                    flying[submit(packed)] = (task, packed, True)
                else:
                    yield finished(task, report or Report("crashed", None, lost(future), math.nan))

    def report(self, future: "Future[Report]") -> Report | None:
        """What the node says of a task; None where its worker was lost."""
        from parsl.executors.errors import ExecutorError
        from parsl.serialize.errors import DeserializationError

        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, (ExecutorError, DeserializationError, ImportError, InputError)):
            raise InputError(f"{self.config}: Parsl cannot run this: {one_line(error)}") from error
        return None


def lost(future: "Future[Report]") -> str:
    error = future.exception()
    return f"its worker was lost, twice: {'no reason is known' if error is None else one_line(error)}"


def read_config(path: Path) -> Any:
    """What a configuration file sets as `config`; InputError where it cannot be read."""
    from parsl.config import Config

    if not os.path.isfile(path):
        raise InputError(
            f"{path}: no such file; --parsl needs a Python file that sets config = parsl.config.Config(...)"
        )
    try:
        config = runpy.run_path(str(path)).get("config")
    except Exception as error:
        raise InputError(f"{path}: {one_line(error)}") from error
    if not isinstance(config, Config):
        raise InputError(f"{path}: config must be a parsl.config.Config, got {type(config).__name__}")
    return config


def window(config: Any) -> int:
    """Tasks to keep in flight: twice the largest number of workers that the configuration asks for.

    More would wait in Parsl's memory, fewer would leave workers idle.
    """
    workers = 0
    for executor in config.executors:
        provider = getattr(executor, "provider", None)
        nodes = getattr(provider, "max_blocks", 1) * getattr(provider, "nodes_per_block", 1)
        each = getattr(executor, "max_workers_per_node", None) or getattr(executor, "max_threads", None)
        workers += nodes * each if isinstance(each, int) else max(WORKERS, nodes)
    return 2 * max(1, workers)
