"""Cores that this process may use, and the threads that each worker may start on them."""

import os
from pathlib import Path

# Read by the libraries when they are loaded. OMP_THREAD_LIMIT holds where one asks OpenMP for more later.
THREADS = (
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",  # XLA, thus jax and Sella
    "MOLOPT_NUM_THREADS",  # tblite, which is loaded with one thread elsewhere
)
ONE_FOR_XLA = "--xla_cpu_multi_thread_eigen=false"
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


def environment(threads: int) -> dict[str, str]:
    """This process's environment with so many threads for every library, whatever it says now.

    A smaller or a larger number for one library alone would make one optimizer's time another's: ASE's BFGS
    diagonalizes in OpenBLAS, whose threads wait for each other on a busy machine, FIRE does not. XLA, thus Sella, asks
    for one thread in a way of its own.
    """
    xla = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {ONE_FOR_XLA}".strip()} if threads == 1 else {}
    return dict(os.environ) | dict.fromkeys(THREADS, str(threads)) | xla
