"""A run followed in internal coordinates, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from molopt.control.drive import Point
from molopt.coordinates import Internal
from molopt.coordinates.base import Linearization
from molopt.coordinates.linearization import Linearized, of_system, reference_of
from molopt.coordinates.member import Member
from molopt.landscapes.diagnosis.calls import Calls, Notes, cosine, ratio
from molopt.landscapes.diagnosis.recorded import Recorded
from molopt.molecules import Molecule
from molopt.optimizers.energy_left import Estimator
from molopt.optimizers.estimate import Estimate
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Step:
    """One step in internal coordinates, those of the call that it led to.

    Attributes
    ----------
    start, end : int
        The calls at its ends, from 0.
    x : (3N,) array
        Where it ended, Angstrom.
    displacement : (nq,) array
        s, sqrt(eV).
    lack : (nq,) array
        Change of the gradient, less what the model foretold for it, sqrt(eV).
    flips : (nq,) array
        How much of the gradient of each entry has turned round, eV.
    newton : float
        How many times as long as the step the model's Newton step was.
    member : Member
        The coordinates.
    """

    start: int
    end: int
    x: Array
    displacement: Array
    lack: Array
    flips: Array
    newton: float
    member: Member

    @classmethod
    def between(cls, start: int, end: int, old: Linearization, new: Linearization, member: Member) -> Self:
        """From one linearization to another, both in the coordinates `member`."""
        s = Internal([member]).between(old, new)
        flips = np.maximum(-old.gradient * new.gradient, 0.0)
        longer = ratio(float(np.linalg.norm(old.natural_gradient)), float(np.linalg.norm(s)))
        return cls(start, end, new.x, s, new.lack(old, s), flips, longer, member)


@dataclass(frozen=True, eq=False)
class Walk:
    """A run followed in internal coordinates: its calls, its steps, and what is left at its end.

    Attributes
    ----------
    recorded : Recorded
    calls : Calls
    steps : list of Step
        Empty where it is not a molecule.
    estimates : list of Estimate
        The energy left at each call; empty likewise.
    here : Linearized or None
        The last geometry.
    molecule : Molecule or None
        As the run began.
    """

    recorded: Recorded
    calls: Calls
    steps: list[Step]
    estimates: list[Estimate]
    here: Linearized | None
    molecule: Molecule | None

    @classmethod
    def of(cls, recorded: Recorded, estimator: Estimator | None) -> Self:
        """The run, where the estimator is of its molecule; without one, only what needs no internal coordinates."""
        n, starts = len(recorded), recorded.starts()
        found = {entry.name: np.full(n, np.nan) for entry in fields(Calls)}
        found["energy"], found["fmax"] = recorded.energies, recorded.fmax
        for end, start in enumerate(starts):
            if start is not None:
                along(found, recorded, start, end)
        inner = Followed(found)
        here = None if estimator is None else inner.through(recorded, starts, estimator)
        molecule = None if estimator is None else estimator.recipe.molecule
        notes = Notes.of(found, recorded, starts)
        calls = Calls(**{**found, "rates": inner.rates, **vars(notes)})
        return cls(recorded, calls, inner.steps, inner.estimates, here, molecule)


@dataclass
class Followed:
    """What is found on the way through all calls of a run, in internal coordinates.

    Attributes
    ----------
    found : dict of str to (n,) arrays
        Of `Calls`, to be filled.
    rates, steps, estimates
        As in `Calls` and `Walk`.
    """

    found: dict[str, Array]
    rates: dict[str, Array] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)

    def through(self, recorded: Recorded, starts: Sequence[int | None], estimator: Estimator) -> Linearized:
        """Go through all calls; the last geometry. A linearization is kept as long as a step is to begin at it."""
        needed = {start: end for end, start in enumerate(starts) if start is not None}  # by its last step
        places: dict[int, tuple[Linearization, Member]] = {}
        place: Linearization | None = None
        for call, start in enumerate(starts):
            estimator.see(Point(recorded.positions[call].ravel().copy(), -recorded.forces[call].ravel()))
            estimate, place = estimator.at()
            member = estimator.coordinates
            assert member is not None
            self.estimates.append(estimate)
            self.found["left"][call] = float(estimate)
            places[call] = place, member
            if start is not None:
                old, its_member = places[start]
                if its_member is not member:
                    old = Internal([member]).linearize(old.x, old.cartesian_gradient)
                self.add(Step.between(start, call, old, place, member), old, place)
            places = {kept: known for kept, known in places.items() if needed.get(kept, -1) > call}
        assert place is not None
        return reference_of(of_system(place, 0))

    def add(self, step: Step, old: Linearization, new: Linearization) -> None:
        """What one step shows."""
        s, end = step.displacement, step.end
        slope, model, bend = float(old.gradient @ s), float(s @ old.apply(s)), float(s @ (new.gradient - old.gradient))
        self.steps.append(step)
        self.found["slope"][end] = slope
        self.found["predicted"][end] = slope + 0.5 * model
        self.found["curvature"][end] = ratio(bend, model)
        self.found["overshoot"][end] = ratio(bend, -slope)
        for group in dict.fromkeys(kind.group for kind, _ in step.member.primitives.present):
            own = entries_of(step.member, group)
            natural = old.natural_gradient[own]
            rate = self.rates.setdefault(group, np.full(len(self.found["slope"]), np.nan))
            rate[end] = ratio(-float(s[own] @ natural), float(natural @ natural))


def along(found: dict[str, Array], recorded: Recorded, start: int, end: int) -> None:
    """What a step shows without coordinates: its length, the change of the energy, the turn of the gradient."""
    move = recorded.positions[end] - recorded.positions[start]
    old, new = -recorded.forces[start].ravel(), -recorded.forces[end].ravel()
    found["longest"][end] = np.linalg.norm(move, axis=1).max()
    found["whole"][end] = np.linalg.norm(move)
    found["change"][end] = recorded.energies[end] - recorded.energies[start]
    found["slope"][end] = old @ move.ravel()
    found["overshoot"][end] = ratio(float((new - old) @ move.ravel()), -float(old @ move.ravel()))
    found["turn"][end] = cosine(old, new)
    found["downhill"][end] = cosine(-old, move.ravel())


def entries_of(member: Member, group: str) -> Array:
    """(nq,) of bool: the entries of a class of coordinates."""
    found = np.zeros(member.primitives.count, dtype=bool)
    for kind, part in member.primitives.present:
        found[part] = kind.group == group
    return found
