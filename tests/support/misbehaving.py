"""Runs that end in every way a run can: functions for worker processes, which import them from here."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Unpicklable:
    """Cannot be sent."""

    def __reduce__(self):
        raise RuntimeError("this stays here")


class Unreadable:
    """Can be sent, and not be read back."""

    def __reduce__(self):
        return int, ("no number",)


def behave(task):
    """Do what the first word says; the second, if any, is its argument."""
    what, *rest = task.split()
    return globals()[what](*rest)


def double(number):
    return 2 * int(number)


def begin_well(then, *rest):
    """A first part of a value, then what the next word says."""
    yield "well begun"
    yield behave(" ".join([then, *rest]))


kept = []


def hoard(megabytes):
    """Keep so much memory for good; which process does."""
    kept.append(b"x" * (int(megabytes) << 20))
    return os.getpid()


def nap(seconds):
    time.sleep(float(seconds))
    return os.getpid()


def fail():
    raise ValueError("two\nlines")


def leave(code):
    sys.exit(int(code))


def vanish(code):
    os._exit(int(code))


def segfault():
    ctypes.string_at(0)


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def hang_in_c():
    """Sleep in C with the interpreter's lock held, deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.PyDLL(None).sleep(600)


def unpicklable():
    return Unpicklable()


def local():
    return lambda: None


def unreadable():
    return Unreadable()


def large(megabytes):
    return bytes(int(megabytes) * 1_000_000)


def leave_a_program(path):
    """Start a program that would go on for ten minutes, write down its process id, and hang."""
    Path(path).write_text(str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid))
    time.sleep(600)


def write_pid_and_hang(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def hang_the_first_time(path):
    """Write down the process id of the parent and hang; return at once where that has been done."""
    if Path(path).exists():
        return "second time"
    Path(path).write_text(str(os.getppid()))
    return time.sleep(600)


def kill_the_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def threads():
    """Threads of this process once NumPy's BLAS has diagonalized, what OpenMP is told, and processor a wall second."""
    import numpy as np

    matrix = np.random.default_rng(0).normal(size=(300, 300))
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(5):
        np.linalg.eigh(matrix + matrix.T)
    used = (time.process_time() - processor) / (time.perf_counter() - wall)
    return len(os.listdir("/proc/self/task")), os.environ["OMP_NUM_THREADS"], used


def tblite_threads():
    """Threads that OpenMP has in this process once tblite has computed."""
    from molopt.molecules import Molecule
    from molopt.potentials import potential

    molecule = Molecule.from_smiles("CCO")
    atoms = molecule.atoms()
    atoms.calc = potential("gfn2-xtb", molecule)
    atoms.get_forces()
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line}
    return {ctypes.CDLL(library).omp_get_max_threads() for library in loaded}


def drowsy(molecule):
    """A potential that never comes to an end with more than ten atoms."""
    from molopt.potentials import potential

    if len(molecule) > 10:
        time.sleep(600)
    return potential("mmff94", molecule)


class Remembering:
    """Knows which process first called it, and how often it was called there."""

    def __init__(self):
        self.calls = 0

    def __call__(self, task):
        self.calls += 1
        value = behave(task)
        return os.getpid(), self.calls, value
