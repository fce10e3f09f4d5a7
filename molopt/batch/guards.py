"""Whether the runs of a batch still make sense and get anywhere: arrays of S systems, words for the few in doubt."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from ase import Atoms
from scipy.spatial.distance import pdist

from molopt.coordinates.distances import FEW
from molopt.errors import Exploded
from molopt.potentials.progress import Patience
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Nested, PerPlace, PerSystem

PATIENCE = Patience()
SENSE = Sense()  # its limits
LARGE = FEW  # atoms; beyond, distances are looked at one system at a time, by trees


class Guarded(NamedTuple):
    """What is remembered of S runs to tell whether they make sense; x and gradients are flat."""

    calls: PerSystem  # (S,) force calls so far, failed ones included
    steps: PerSystem  # (S,) of the optimizer
    start_energy: PerSystem  # (S,) eV; NaN before the first force call
    start_fmax: PerSystem  # (S,) eV/A
    start_x: PerPlace  # (3N,) Angstrom
    best_call: PerSystem  # (S,) the force call of the lowest energy that made sense; 0 before there is one
    best_energy: PerSystem  # (S,) eV
    best_fmax: PerSystem  # (S,) eV/A
    best_x: PerPlace  # (3N,) Angstrom
    best_gradient: PerPlace  # (3N,) eV/A
    since: PerSystem  # (S,) force calls in succession that made no sense
    last_x: PerPlace  # (3N,) of the force call before
    clear_x: PerPlace  # (3N,) where distances were last looked at
    clearance: PerSystem  # (S,) Angstrom that each atom may move from there before they have to be looked at again
    gains: Nested

    @classmethod
    def begin(cls, x: Array, count: int) -> "Guarded":
        """Before the first force call at x (3N,) of `count` systems."""
        none, unknown, nowhere = np.zeros(count), np.full(count, np.nan), np.full_like(x, np.nan)
        return cls(
            none, none, unknown, unknown, x, none, np.full(count, np.inf), unknown, x, nowhere, none, nowhere, x,
            np.full(count, -1.0), PATIENCE.begin(count),
        )  # fmt: skip


class Called(NamedTuple):
    """A force call of S systems that worked."""

    x: PerPlace  # (3N,) Angstrom
    gradient: PerPlace  # (3N,) eV/A
    energy: PerSystem  # (S,) eV
    fmax: PerSystem  # (S,) eV/A, the longest force on an atom


def fmax_of(places: Partition, gradient: Array) -> Array:
    """(S,) the longest force on an atom of each system, eV/A, from the flat gradient (3N,)."""
    return np.sqrt(longest_squared(places, gradient))


def longest_squared(places: Partition, moves: Array) -> Array:
    """(S,) the largest squared length of the rows of three of a flat vector (3N,)."""
    rows = moves.reshape(-1, 3)
    return np.maximum.reduceat(np.einsum("ij,ij->i", rows, rows), places.bounds[:-1] // 3)


def judge(
    places: Partition, guarded: Guarded, call: Called, senses: "Sequence[RunSense]"
) -> tuple[Guarded, Array, dict[int, str]]:
    """The runs after a force call that worked, which of them must be looked at closely, and which have exploded.

    `senses` are those of the systems. Looked at closely must be (S,) what may have come near to another atom, or have
    lost one.
    """
    first = np.isnan(guarded.start_energy)
    if first.any():
        guarded = guarded._replace(
            start_energy=np.where(first, call.energy, guarded.start_energy),
            start_fmax=np.where(first, call.fmax, guarded.start_fmax),
        )
    moved = np.sqrt(longest_squared(places, call.x - guarded.clear_x))
    close = ~(moved < guarded.clearance)
    if close.any():
        guarded = looked_around(places, guarded, call.x, np.flatnonzero(close), senses)
        close = ~(guarded.clearance > 0)
    natoms = places.sizes / 3
    risen = (call.energy - guarded.start_energy) / natoms
    odd = (risen > SENSE.rise) | (-risen > np.maximum(SENSE.fall, guarded.start_fmax))
    odd |= (call.fmax > np.maximum(SENSE.steep, guarded.start_fmax)) | close
    lower = call.energy < guarded.best_energy
    exploded: dict[int, str] = {}
    since = np.zeros_like(guarded.since)
    for s in np.flatnonzero(odd).tolist():
        nonsense, ended = senses[s].see(s, places, guarded, call)
        since[s] = guarded.since[s] + 1 if nonsense else 0
        lower[s] &= not nonsense
        if ended:
            exploded[s] = ended
    wider = np.repeat(lower, places.sizes)
    guarded = guarded._replace(
        best_call=np.where(lower, guarded.calls, guarded.best_call),
        best_energy=np.where(lower, call.energy, guarded.best_energy),
        best_fmax=np.where(lower, call.fmax, guarded.best_fmax),
        best_x=np.where(wider, call.x, guarded.best_x),
        best_gradient=np.where(wider, call.gradient, guarded.best_gradient),
        since=since,
    )
    return guarded, close, exploded


def looked_around(
    places: Partition, guarded: Guarded, x: Array, systems: Array, senses: "Sequence[RunSense]"
) -> Guarded:
    """The runs with the distances of these systems looked at, at x (3N,)."""
    clear_x, clearance = guarded.clear_x.copy(), guarded.clearance.copy()
    for s in systems.tolist():
        part = places.part(s)
        clear_x[part] = x[part]
        if places.sizes[s] > 3 * LARGE:
            clearance[s] = 0.0
            continue
        distances = pdist(x[part].reshape(-1, 3))
        room = SENSE.apart - distances.max(initial=0.0)
        clearance[s] = np.minimum((distances - senses[s].nearest).min(initial=np.inf), room) / 2
    return guarded._replace(clear_x=clear_x, clearance=clearance)


class RunSense:
    """The `Sense` of one system, asked where arrays cannot decide.

    Parameters
    ----------
    numbers : (N,) array of int
    nearest : (N (N - 1) / 2,) array
        Angstrom; distances that pairs of atoms keep without being looked at closely, in the order of `pdist`.
    """

    def __init__(self, numbers: Array, nearest: Array) -> None:
        self.numbers, self.nearest = numbers, nearest
        self.sense: Sense | None = None

    def see(self, s: int, places: Partition, guarded: Guarded, call: Called) -> tuple[str, str]:
        """Why this call of system s makes no sense, and how that ends its run; empty where it does, and does not."""
        sense, here = self.told(s, places, guarded), evaluated(s, places, guarded, call)
        with suppress(Exploded):
            sense.see(Atoms(self.numbers, here.positions), here)
        return sense.nonsense, sense.exploded

    def before(self, s: int, places: Partition, guarded: Guarded, x: Array) -> str:
        """How the run of system s ends before a force call at x (3N,); empty where it does not.

        PotentialFailed where it is nowhere from the start.
        """
        positions = x[places.part(s)].reshape(-1, 3)
        sense = Sense() if np.isnan(guarded.start_energy[s]) else self.told(s, places, guarded)
        with suppress(Exploded):
            sense.before(Atoms(self.numbers, positions), int(guarded.calls[s]) + 1)
        return sense.exploded

    def failed(self, s: int, places: Partition, guarded: Guarded, error: Exception) -> str:
        """How the run of system s ends where the potential failed; empty where that is not an explosion."""
        if np.isnan(guarded.start_energy[s]):
            return ""
        sense = self.told(s, places, guarded)
        with suppress(Exploded):
            sense.failed(int(guarded.calls[s]), error)
        return sense.exploded

    def end(
        self, s: int, places: Partition, guarded: Guarded, last: Evaluated | None, over: bool, arrived: bool
    ) -> tuple[Evaluated | None, str]:
        """The force call that is the result of system s, and how its run exploded at its end; empty where it did not.

        `last` is where it ends. Where the run is `over` by itself, that must make sense; where it has `arrived` as
        well, it must be fit to be called converged.
        """
        if np.isnan(guarded.start_energy[s]):
            return None, ""
        risen = np.inf if last is None else last.energy - guarded.start_energy[s]
        if not over or not (guarded.since[s] or (arrived and risen > SENSE.higher * len(self.numbers))):
            return (last if arrived else self.best(s, places, guarded) or last), ""
        sense = self.told(s, places, guarded)
        sense.last = last
        with suppress(Exploded):
            if arrived:
                sense.arrived()
            else:
                sense.over()
        return sense.outcome(arrived and not sense.exploded), sense.exploded

    def best(self, s: int, places: Partition, guarded: Guarded) -> Evaluated | None:
        """The lowest force call of system s that made sense."""
        if not guarded.best_call[s]:
            return None
        part = places.part(s)
        numbers = guarded.best_energy[s], guarded.best_fmax[s]
        return known(guarded.best_call[s], guarded.best_x[part], *numbers, guarded.best_gradient[part])

    def told(self, s: int, places: Partition, guarded: Guarded) -> Sense:
        """The sense of system s, which knows its start and its best geometry."""
        part = places.part(s)
        if self.sense is None:
            self.sense = Sense()
            positions = guarded.start_x[part].reshape(-1, 3)
            start = Evaluated(1, positions, float(guarded.start_energy[s]), float(guarded.start_fmax[s]), {})
            self.sense.begin(Atoms(self.numbers, positions), start)
        self.sense.best = self.best(s, places, guarded)
        self.sense.since = int(guarded.since[s])
        if not self.sense.since:
            self.sense.nonsense = ""
        return self.sense


def evaluated(s: int, places: Partition, guarded: Guarded, call: Called) -> Evaluated:
    """The force call of system s."""
    part = places.part(s)
    return known(guarded.calls[s], call.x[part], call.energy[s], call.fmax[s], call.gradient[part])


def known(number: float, x: Array, energy: float, fmax: float, gradient: Array) -> Evaluated:
    """A force call at x (3N,) with the gradient (3N,)."""
    results = {"energy": float(energy), "forces": -gradient.reshape(-1, 3)}
    return Evaluated(int(number), x.reshape(-1, 3).copy(), float(energy), float(fmax), results)


def beyond(places: Partition, guarded: Guarded, x: Array) -> Array:
    """(S,) which systems are nowhere, or farther from their start than makes sense, at x (3N,)."""
    return ~(places.max(np.abs(x - guarded.start_x)) <= SENSE.far)
