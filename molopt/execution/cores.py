"""Cores that this process may use, and the threads that each of several workers may start on them."""

import os
from pathlib import Path

# Read by the libraries when they are loaded. OMP_THREAD_LIMIT holds where one asks OpenMP for more later.
THREADS = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
CGROUPS = Path("/sys/fs/cgroup")


def usable_cores(pid: int = 0) -> int:
    """Cores that a process may use, by its affinity and by the quota of its control group (version 2); at least 1.

    Parameters
    ----------
    pid : int
        Of the process; 0 is this one.
    """
    try:
        allowed = len(os.sched_getaffinity(pid))
    except (AttributeError, OSError):  # macOS has no affinity
        allowed = os.cpu_count() or 1
    return max(1, min(allowed, quota()))


def quota() -> int:
    """Whole cores that this process's control group and those above it grant; very many where none sets a quota."""
    granted = 1 << 20
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return granted
    inside = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = CGROUPS / inside.lstrip("/")
    for folder in (group, *group.parents):
        try:
            share, period = (folder / "cpu.max").read_text().split()
        except (OSError, ValueError):
            continue
        if share != "max":
            granted = min(granted, int(share) // int(period))
    return granted


def threads_each(cores: int, workers: int) -> int:
    """Threads for each of `workers`, so that together they are no more than the cores; at least 1.

    >>> threads_each(8, 3)
    2
    """
    return max(1, cores // workers)


def environment(threads: int) -> dict[str, str]:
    """This process's environment with at most so many threads a library; a smaller number that is set already stays."""
    return dict(os.environ) | {name: str(min(threads, already(name, threads))) for name in THREADS}


def already(name: str, otherwise: int) -> int:
    """The number of threads an environment variable holds; OMP_NUM_THREADS may be a list, one a level of nesting."""
    said = os.environ.get(name, "").split(",")[0].strip()
    return int(said) if said.isdecimal() and int(said) > 0 else otherwise
