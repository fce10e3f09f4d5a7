"""The contract of an update rule: what it sees, what it returns, what it may remember."""

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, ClassVar, NamedTuple

import numpy as np

from molopt.errors import InputError
from molopt.rules.partition import Partition
from molopt.rules.state import Array, State, Stateless, axes


class Observation(NamedTuple):
    """What a rule may look at: N entries of S systems, flat, one system after another.

    Attributes
    ----------
    gradient : (N,) array
        What the rule goes down. In Cartesians, whose entries are in Angstrom, the derivative of the energy, eV/A. In
        internal and elastic coordinates the natural gradient, the negative of the Newton step of the model Hessian,
        whose entries are in sqrt(eV) and in Angstrom.
    taken : (N,) array
        The displacement that really happened since the last call: capped, scaled, constrained. Zero at the
        first call and after a rejected step. In the units of the coordinates.
    systems : Partition
        The system of each entry; `systems.sum`, `systems.max` and `systems.spread`.
    groups : Partition
        Entries that belong together: x, y, z of an atom in Cartesian and elastic coordinates, else each by itself.
    xp : namespace
        The array library of `gradient` (NumPy, or any other that follows the array API standard).
    """

    gradient: Array
    taken: Array
    systems: Partition
    groups: Partition
    xp: Any

    @classmethod
    def single(cls, gradient: Array, taken: Array | None = None, group: int = 1) -> "Observation":
        """What a rule sees of one system alone, `group` entries to a group, on NumPy.

        >>> Observation.single(np.array([0.0, 3.0, 4.0]), group=3).groups.count
        1
        """
        gradient = np.asarray(gradient, dtype=float)
        taken = np.zeros_like(gradient) if taken is None else np.asarray(taken, dtype=float)
        return cls(gradient, taken, Partition([gradient.size]), Partition([group] * (gradient.size // group)), np)


@dataclass(frozen=True)
class Rule:
    """Base of all update rules: frozen hyper-parameters and two pure functions of arrays.

    Subclass it as a frozen dataclass, and write `update`; write `init` too if the rule remembers anything.
    What it remembers is a NamedTuple whose fields are annotated `PerEntry` or `PerSystem`.

    Hyper-parameters with the usual names are checked: `lr` is positive, `b1`, `b2` and `rho` lie in [0, 1),
    `eps` is not negative. There is no default `lr`, but of `Prodigy`: what is right depends on the coordinates.

    Examples
    --------
    A rule of one's own, and the ASE optimizer it makes:

    >>> from dataclasses import dataclass
    >>> from typing import NamedTuple
    >>> from molopt.rules import PerEntry, Rule
    >>> class Seen(NamedTuple):
    ...     largest: PerEntry  # (N,) largest |gradient| so far, eV/A
    >>> @dataclass(frozen=True)
    ... class AdaMaxima(Rule):
    ...     lr: float
    ...     def init(self, seen):
    ...         return Seen(seen.xp.zeros_like(seen.gradient))
    ...     def update(self, seen, state):
    ...         largest = seen.xp.maximum(state.largest, seen.xp.abs(seen.gradient))
    ...         return -self.lr * seen.gradient / (largest + 1e-12), Seen(largest)
    >>> AdaMaxima(lr=-0.1)
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: lr must be positive, got -0.1
    """

    forgets: ClassVar[tuple[str, ...] | None] = None  # the fields of its state that are momentum
    stays: ClassVar[tuple[str, ...]] = ()  # the fields that say where the run is: a rejected step leaves it there
    ranges: ClassVar[dict[str, str]] = {"lr": "positive", "b1": "unit", "b2": "unit", "rho": "unit", "eps": "natural"}

    def __post_init__(self) -> None:
        for field in fields(self):
            check(field.name, getattr(self, field.name), self.ranges.get(field.name))

    def init(self, seen: Observation) -> Any:
        """The state before the first update: a NamedTuple of arrays."""
        return Stateless()

    def forget(self, seen: Observation, state: Any) -> Any:
        """The state after its last step proved bad: without momentum, but with what it knows of scales.

        The fields named in `forgets` become zero. A rule that names none starts over with `init`.
        """
        if self.forgets is None:
            return self.init(seen)
        return state._replace(**{name: seen.xp.zeros_like(getattr(state, name)) for name in self.forgets})

    def update(self, seen: Observation, state: Any) -> tuple[Array, Any]:
        """The displacement (N,) to add to the coordinates, and the new state."""
        raise TypeError(f"{type(self).__name__} does not say how to update: define update(self, seen, state)")


def check(name: str, value: Any, allowed: str | None) -> None:
    """Raise InputError unless `value` lies in the named range: positive, natural (>= 0) or unit ([0, 1))."""
    if allowed is None:
        return
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, got {value!a:.60}")
    if allowed == "positive" and not number > 0:
        raise InputError(f"{name} must be positive, got {value}")
    if allowed == "natural" and not number >= 0:
        raise InputError(f"{name} must be zero or positive, got {value}")
    if allowed == "unit" and not 0 <= number < 1:
        raise InputError(f"{name} must be at least 0 and less than 1, got {value}")


def zeros(kind: type[State], seen: Observation) -> State:
    """A state of zeros, each field as long as it is declared to be: one value an entry, or one a system."""
    like = {"entry": seen.gradient, "system": seen.systems.sum(seen.gradient)}
    return kind(*(seen.xp.zeros_like(like[axis]) for axis in axes(kind).values()))


def ratio(xp: Any, numerator: Array, denominator: Array) -> Array:
    """numerator / denominator, and 0 where the denominator is 0: an entry that never had a gradient stays put."""
    safe = denominator != 0
    return xp.where(safe, numerator, 0.0) / xp.where(safe, denominator, 1.0)
