"""One run of an optimizer: in a process of its own, watched at each force call, written down as plain values."""

import math
import multiprocessing
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from drivers import CAP, FMAX, follow, versions
from sets import Start

import molopt
from molopt.potentials import Counted
from molopt.potentials.counting import ForceCall

KEPT = (0.1, 0.05, 0.02, 0.01)  # eV/A: the geometry is kept where fmax first falls to these
PATIENCE = 60  # s beyond its limit, then a process that has not noticed is killed
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["molopt.potentials", "molopt.optimizers.spec", "ase.optimize", "scipy.sparse"])


class Enough(Exception):
    """Thrown through the optimizer from its last force call."""


@dataclass(frozen=True)
class Run:
    start: Start
    potential: str
    optimizer: str  # with all hyper-parameters
    seconds: float  # limit

    def key(self) -> dict[str, Any]:
        """Runs of equal keys are the same run."""
        return {
            "set": self.start.set,
            "molecule": self.start.molecule.name,
            "seed": self.start.seed,
            "potential": self.potential,
            "optimizer": self.optimizer,
            "versions": versions(self.optimizer, self.potential),
        }


class Watched(Counted):
    """Counts force calls, keeps what the record needs of each, and ends the run."""

    def __init__(self, calculator: Any, seconds: float) -> None:
        super().__init__(calculator)
        self.deadline = time.monotonic() + seconds
        self.ended = ""
        self.geometries: dict[str, list] = {}
        self.own: list[float] = []  # CPU seconds between two force calls
        self.left = time.process_time()

    def calculate(self, atoms: Atoms, properties: Any = (), system_changes: Any = all_changes) -> None:
        if self.ended:  # the optimizer caught what it was thrown
            raise Enough
        self.own.append(time.process_time() - self.left)
        try:
            super().calculate(atoms, properties, system_changes)
        except molopt.PotentialFailed:
            self.trace.append(ForceCall(math.nan, math.nan, math.nan))  # a failed call counts
            self.look_back(atoms)
            raise
        self.look_back(atoms)

    def look_back(self, atoms: Atoms) -> None:
        """Keep the geometry where it is wanted, and see whether the run is over."""
        fmax = self.trace[-1].fmax
        for passed in KEPT:
            if fmax <= passed and str(passed) not in self.geometries:
                self.geometries[str(passed)] = plain(atoms)
        if fmax <= FMAX:
            self.ended = "converged"
        elif self.force_calls >= CAP:
            self.ended = "cap"
        elif time.monotonic() > self.deadline:
            self.ended = "time"
        if self.ended:
            raise Enough
        self.left = time.process_time()


def plain(atoms: Atoms) -> list[list[float]]:
    return atoms.positions.round(6).tolist()


def plan(run: Run) -> dict[str, Any]:
    """What is known of a run before it begins."""
    return run.key() | {"atoms": len(run.start.molecule), "limit_s": run.seconds}


def record(run: Run) -> dict[str, Any]:
    """Do the run here and write it down; nothing that an optimizer or a potential does raises."""
    molecule = run.start.molecule
    atoms = molecule.atoms()
    written = plan(run) | {"numbers": molecule.numbers.tolist(), "bonds": molecule.bonds.tolist()}
    try:
        atoms.calc = watched = Watched(molopt.potential(run.potential, molecule), run.seconds)
    except molopt.InputError as error:
        return written | {"ended": "not covered", "reason": str(error)}
    began, reason = time.monotonic(), ""
    try:
        follow(run.optimizer, atoms, molecule)
        reason = "it stopped by itself"
    except Enough:
        pass
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300] if not watched.ended else ""
    own = watched.own
    return written | {
        "ended": watched.ended or "failed",
        "reason": reason,
        "calls": watched.force_calls,
        "seconds": round(time.monotonic() - began, 2),
        "own_setup_s": round(own[0], 4) if own else None,
        "own_ms": round(1e3 * float(np.median(own[1:])), 4) if own[1:] else None,  # a median: Sella compiles at first
        "energies": [round(call.energy, 8) for call in watched.trace],  # eV
        "fmax": [round(call.fmax, 8) for call in watched.trace],  # eV/A
        "geometries": watched.geometries | ({"end": plain(watched.atoms)} if watched.atoms is not None else {}),
    }


def send_record(run: Run, pipe: Any) -> None:
    pipe.send(record(run))


def guarded(run: Run) -> dict[str, Any]:
    """The record of a run in a process of its own, which may crash or hang."""
    receiving, sending = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=send_record, args=(run, sending))
    process.start()
    sending.close()
    lost = plan(run)
    try:
        if receiving.poll(run.seconds + PATIENCE):
            return receiving.recv()
        process.kill()
        return lost | {"ended": "time", "reason": f"killed: no force call for {PATIENCE} s after its time"}
    except EOFError:
        process.join()
        return lost | {"ended": "failed", "reason": f"its process died with exit code {process.exitcode}"}
    finally:
        process.join()
