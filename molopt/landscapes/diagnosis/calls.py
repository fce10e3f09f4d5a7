r"""What each force call of a run shows, in the internal coordinates of its molecule.

The step s = du that led to a call is measured in u = sqrt(K) q, unit sqrt(eV), where equal lengths cost about equal
energy; g is the gradient there, M the model Hessian, n = M^+ g the natural gradient, whose negative is the model's
Newton step (`molopt.coordinates.base`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from molopt.control.drive import Point
from molopt.coordinates import Internal
from molopt.coordinates.base import Linearization
from molopt.coordinates.linearization import Linearized, of_system, reference_of
from molopt.coordinates.member import Member
from molopt.landscapes.diagnosis.recorded import Recorded
from molopt.molecules import Molecule
from molopt.optimizers.energy_left import Estimator, recipe_for
from molopt.optimizers.estimate import Estimate
from molopt.optimizers.noted import GROUPS
from molopt.rules.partition import Array

ATOMS = GROUPS[-1]  # the group of Cartesian entries
MOMENTS = ("v", "s", "largest", "total")  # what rules call a mean or a sum of squared gradients


@dataclass(frozen=True, eq=False)
class Calls:
    r"""Arrays of one value a force call, NaN where it is not known, as of the first call, to which no step led.

    Attributes
    ----------
    energy : (n,) array
        eV.
    fmax : (n,) array
        eV/A.
    left : (n,) array
        Energy left (`molopt.energy_left`), with what the run had shown by then, eV.
    rates : dict of str to (n,) arrays
        Of bonds, angles, torsions and fragments: :math:`-s \cdot n / n \cdot n` over the entries of that class, where
        the step began. 1 is the model's Newton step, less than 0 is backwards.
    longest : (n,) array
        The longest move of an atom in the step, A.
    whole : (n,) array
        The norm of the step in Cartesians, A.
    slope : (n,) array
        :math:`g \cdot s` where the step began, eV.
    predicted : (n,) array
        Change of the energy in the step, as the optimizer promised it, else as the model Hessian foretells it,
        :math:`g \cdot s + s \cdot M s / 2`, eV.
    change : (n,) array
        And the real one, eV.
    curvature : (n,) array
        Along the step, relative to the model Hessian: :math:`s \cdot \Delta g / s \cdot M s`. Below 0 the energy bends
        down.
    overshoot : (n,) array
        :math:`-s \cdot \Delta g / s \cdot g`: 1 is the bottom along the step; 2 is as high on the other side, as in a
        run that rings for ever.
    turn : (n,) array
        Cosine of the Cartesian gradients at both ends of the step.
    downhill : (n,) array
        Cosine of the step with the negative Cartesian gradient where it began.
    against : (n,) array
        Cosine of the memory (m) that the optimizer brought to where the step began with the gradient there; below 0 it
        pushes uphill.
    shortened, rejected : (n,) arrays
        1 where a cap or a trust radius shortened the step, and where it was taken back, else 0.
    memory : dict of str to (n,) arrays
        Of what the rule remembers (m, v), the norm; of second moments the root of the sum. In the unit of the gradient
        that the rule sees: sqrt(eV) in internal coordinates, eV/A in Cartesians.
    by_class : dict of str to dict of str to (n,) arrays
        The same in each class of coordinates.
    """

    energy: Array
    fmax: Array
    left: Array
    rates: Mapping[str, Array]
    longest: Array
    whole: Array
    slope: Array
    predicted: Array
    change: Array
    curvature: Array
    overshoot: Array
    turn: Array
    downhill: Array
    against: Array
    shortened: Array
    rejected: Array
    memory: Mapping[str, Array]
    by_class: Mapping[str, Mapping[str, Array]]

    def __len__(self) -> int:
        return len(self.energy)

    def columns(self) -> dict[str, Array]:
        """All of it as flat columns, by name."""
        found: dict[str, Array] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "rates":
                found |= {f"rate_{group}": rate for group, rate in value.items()}
            elif entry.name == "memory":
                found |= {f"norm_{name}": norm for name, norm in value.items()}
            elif entry.name == "by_class":
                found |= {f"norm_{name}_{group}": norm for name, each in value.items() for group, norm in each.items()}
            else:
                found[entry.name] = value
        return found


@dataclass(frozen=True, eq=False)
class Step:
    """One step in internal coordinates, and both its ends."""

    start: int
    end: int
    displacement: Array  # (nq,) s, sqrt(eV)
    old: Linearization
    new: Linearization
    member: Member


@dataclass(frozen=True, eq=False)
class Walk:
    """A run followed in internal coordinates: its calls, its steps, and what is left at its end.

    Attributes
    ----------
    recorded : Recorded
    calls : Calls
    steps : list of Step
        Those that could be followed; empty of what is no molecule.
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
    def of(cls, recorded: Recorded, followed: "Followed | None") -> Self:
        n = len(recorded)
        starts = recorded.starts()
        found = {entry.name: np.full(n, np.nan) for entry in fields(Calls)}
        found["energy"], found["fmax"] = recorded.energies, recorded.fmax
        steps: list[Step] = []
        for end, start in enumerate(starts):
            if start is not None:
                along(found, recorded, start, end)
        rates: dict[str, Array] = {}
        if followed is not None:
            found["left"] = np.array([float(estimate) for estimate in followed.estimates])
            steps = [
                step for end, start in enumerate(starts) if start is not None if (step := followed.step(start, end))
            ]
            rates = {group: np.full(n, np.nan) for group in GROUPS[:-1] if group in followed.groups}
            for step in steps:
                inside(found, rates, step)
        memory, by_class = noted(found, recorded, starts)
        calls = Calls(**{**found, "rates": rates, "memory": memory, "by_class": by_class})  # type: ignore[arg-type]
        estimates = [] if followed is None else followed.estimates
        here = None if followed is None else reference_of(of_system(followed.places[-1], 0))
        return cls(recorded, calls, steps, estimates, here, None if followed is None else followed.molecule)


class Followed:
    """The geometries of a run in internal coordinates that are built once, and again where they no longer describe it.

    Raises
    ------
    InputError
        It is not of a molecule.
    """

    def __init__(self, recorded: Recorded) -> None:
        estimator = Estimator(recipe_for(recorded.atoms))
        self.molecule = estimator.recipe.molecule
        self.estimates: list[Estimate] = []
        self.places: list[Linearization] = []
        self.members: list[Member] = []
        for x, forces in zip(recorded.positions, recorded.forces, strict=True):
            estimator.see(Point(x.ravel().copy(), -forces.ravel()))
            estimate, place = estimator.at()
            assert estimator.coordinates is not None
            self.estimates.append(estimate)
            self.places.append(place)
            self.members.append(estimator.coordinates)

    @property
    def groups(self) -> set[str]:
        """The classes of coordinates that there are."""
        return {kind.group for member in self.members for kind, _ in member.primitives.present}

    def step(self, start: int, end: int) -> Step:
        """The step from one call to another, in the coordinates of the latter."""
        old, new, member = self.places[start], self.places[end], self.members[end]
        internal = Internal([member])
        if self.members[start] is not member:
            old = internal.linearize(old.x, old.cartesian_gradient)
        return Step(start, end, internal.between(old, new), old, new, member)


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


def inside(found: dict[str, Array], rates: dict[str, Array], step: Step) -> None:
    """What a step shows in internal coordinates."""
    s, old, new, end = step.displacement, step.old, step.new, step.end
    model = float(s @ old.apply(s))
    found["slope"][end] = old.gradient @ s
    found["predicted"][end] = old.gradient @ s + 0.5 * model
    found["curvature"][end] = ratio(float(s @ (new.gradient - old.gradient)), model)
    found["overshoot"][end] = ratio(float(s @ (new.gradient - old.gradient)), -float(s @ old.gradient))
    for group, rate in rates.items():
        own = entries_of(step.member, group)
        natural = old.natural_gradient[own]
        rate[end] = ratio(-float(s[own] @ natural), float(natural @ natural))


def noted(
    found: dict[str, Array], recorded: Recorded, starts: list[int | None]
) -> tuple[dict[str, Array], dict[str, dict[str, Array]]]:
    """What an optimizer of ours wrote: into `found`, and what its rule remembers, whole and in each class."""
    n = len(recorded)
    memory: dict[str, Array] = {}
    by_class: dict[str, dict[str, Array]] = {}
    if not recorded.is_ours:
        return memory, by_class
    begun = {start for start in starts if start is not None}
    for place, note in enumerate(recorded.notes):
        if note is None:
            continue
        found["shortened"][place] = float(note.shortened)
        if place < n - 1:
            found["rejected"][place] = float(place not in begun and starts[place] is not None)
        if np.isfinite(note.predicted):
            found["predicted"][place] = note.predicted
        start = starts[place]
        before = None if start is None else recorded.notes[start]
        if before is not None and "m" in before.memory and len(before.groups) == len(note.groups):
            found["against"][place] = cosine(before.memory["m"], note.gradient)
        for name, value in note.memory.items():
            sizes = np.abs(value) if name in MOMENTS else value * value
            parts = {"": sizes} | {GROUPS[group]: sizes[note.groups == group] for group in np.unique(note.groups)}
            for group, part in parts.items():
                into = by_class.setdefault(name, {}) if group else memory
                into.setdefault(group or name, np.full(n, np.nan))[place] = np.sqrt(part.sum())
    return memory, by_class


def entries_of(member: Member, group: str) -> Array:
    """(nq,) of bool: the entries of a class of coordinates."""
    found = np.zeros(member.primitives.count, dtype=bool)
    for kind, part in member.primitives.present:
        found[part] = kind.group == group
    return found


def cosine(one: Array, other: Array) -> float:
    """Of the angle between two vectors; NaN where one is zero."""
    return ratio(float(one @ other), float(np.linalg.norm(one) * np.linalg.norm(other)))


def ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
