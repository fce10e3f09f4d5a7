r"""What each force call of a run shows, and what an optimizer of ours noted of it: arrays of one value a call.

The step s = du that led to a call is measured in u = sqrt(K) q, unit sqrt(eV), where equal lengths cost about equal
energy; g is the gradient there, M the model Hessian, n = M^+ g the natural gradient, whose negative is the model's
Newton step (`molopt.coordinates.base`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from molopt.landscapes.diagnosis.recorded import Recorded
from molopt.optimizers.noted import GROUPS, Noted
from molopt.rules.partition import Array

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
    control : dict of str to (n,) arrays
        What the control of the optimizer remembered: its rate and the one applied, or its radius, sqrt(eV).
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
    control: Mapping[str, Array]
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
            elif entry.name == "control":
                found |= {f"control_{name}": each for name, each in value.items()}
            elif entry.name == "memory":
                found |= {f"norm_{name}": norm for name, norm in value.items()}
            elif entry.name == "by_class":
                found |= {f"norm_{name}_{group}": norm for name, each in value.items() for group, norm in each.items()}
            else:
                found[entry.name] = value
        return found


@dataclass(frozen=True)
class Notes:
    """What an optimizer of ours wrote, as `Calls` has it; nothing of others."""

    control: dict[str, Array] = field(default_factory=dict)
    memory: dict[str, Array] = field(default_factory=dict)
    by_class: dict[str, dict[str, Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: dict[str, Array], recorded: Recorded, starts: Sequence[int | None]) -> Self:
        """What has an array in `found` goes there."""
        notes, n = cls(), len(recorded)
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
            for name, number in note.control.items():
                notes.control.setdefault(name, np.full(n, np.nan))[place] = number
            notes.remember(note, place, n)
        return notes

    def remember(self, note: Noted, place: int, n: int) -> None:
        """The norms of what the rule remembers, of all entries and of those of each class."""
        for name, value in note.memory.items():
            sizes = np.abs(value) if name in MOMENTS else value * value
            self.memory.setdefault(name, np.full(n, np.nan))[place] = np.sqrt(sizes.sum())
            for group in np.unique(note.groups):
                norms = self.by_class.setdefault(name, {}).setdefault(GROUPS[group], np.full(n, np.nan))
                norms[place] = np.sqrt(sizes[note.groups == group].sum())


def cosine(one: Array, other: Array) -> float:
    """Of the angle between two vectors; NaN where one is zero."""
    return ratio(float(one @ other), float(np.linalg.norm(one) * np.linalg.norm(other)))


def ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")
