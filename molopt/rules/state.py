"""Memory as plain data: every field is declared per entry, per place or per system."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

import numpy as np

from molopt.rules.partition import Array, Partition

PerEntry = Annotated[Array, "entry"]  # (..., nq) of all systems' coordinates, one system after another
PerPlace = Annotated[Array, "place"]  # (..., 3N) of all systems' Cartesians, likewise
PerSystem = Annotated[Array, "system"]  # (..., S)
Nested = Annotated[Any, "state"]  # a state in a state
AXES = ("entry", "place", "system", "state")
State = TypeVar("State", bound=tuple)


class Stateless(NamedTuple):
    """The state of a rule that remembers nothing."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Which entries of a state are of which system."""

    entries: Partition  # of the coordinates that a rule sees
    places: Partition  # of the Cartesians

    @property
    def count(self) -> int:
        """Number of systems, S."""
        return self.entries.count

    def of(self, systems: Sequence[int]) -> "Layout":
        """The layout of these systems alone."""
        return Layout(self.entries.of(systems), self.places.of(systems))

    @classmethod
    def joined(cls, layouts: Sequence["Layout"]) -> "Layout":
        """The layout of groups of systems, one group after another."""
        entries = np.concatenate([layout.entries.sizes for layout in layouts])
        places = np.concatenate([layout.places.sizes for layout in layouts])
        return cls(Partition(entries), Partition(places))


@cache
def axes(kind: type) -> dict[str, str]:
    """For each field of a state class: "entry", "place" or "system", or "state" of a state in it.

    Raises
    ------
    TypeError
        A field is annotated neither `PerEntry` nor `PerSystem`: it could not be carried into a batch or a file.
    """
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for name in kind._fields:  # type: ignore[attr-defined]  # kind is a NamedTuple class
        axis = getattr(hints.get(name), "__metadata__", (None,))[0]
        if axis not in AXES:
            raise TypeError(f"{kind.__name__}.{name} must be annotated PerEntry or PerSystem, got {hints.get(name)}")
        found[name] = axis
    return found


def choose(layout: Layout, first: Array, one: State, other: State) -> State:
    """The state `one` for the systems where `first` (S,) is true, `other` for the rest."""
    xp = layout.entries.xp
    if bool(xp.all(first)):
        return one
    if not bool(xp.any(first)):
        return other
    masks = {"system": first, "entry": layout.entries.spread(first), "place": layout.places.spread(first)}

    def chosen(axis: str, a: Any, b: Any) -> Any:
        return choose(layout, first, a, b) if axis == "state" else xp.where(masks[axis], a, b)

    return type(one)(*map(chosen, axes(type(one)).values(), one, other))


def select(layout: Layout, systems: Sequence[int], state: State) -> State:
    """The state of these systems alone, in this order."""
    xp = layout.entries.xp

    def selected(axis: str, value: Any) -> Any:
        if axis == "state":
            return select(layout, systems, value)
        if axis == "system":
            return xp.take(value, xp.asarray(np.asarray(systems, dtype=np.intp)), axis=value.ndim - 1)
        return (layout.entries if axis == "entry" else layout.places).take(value, systems)

    return type(state)(*map(selected, axes(type(state)).values(), state))


def concatenate(states: Sequence[State], xp: Any = np) -> State:
    """The states of several systems, or of groups of them, one after another."""
    first = states[0]
    if len(states) == 1:
        return first

    def joined(axis: str, *values: Any) -> Any:
        return concatenate(values, xp) if axis == "state" else xp.concat(values, axis=-1)

    return type(first)(*map(joined, axes(type(first)).values(), *states))


def reindexed(state: State, now: Array, before: Array, size: int) -> State:
    """The state of other entries, `size` of them: entries `before` become entries `now`, and the rest are zero."""
    moved = []
    for axis, value in zip(axes(type(state)).values(), state, strict=True):
        if axis == "state":
            value = reindexed(value, now, before, size)
        elif axis == "entry":
            fresh = np.zeros((*np.shape(value)[:-1], size))
            fresh[..., now] = np.asarray(value)[..., before]
            value = fresh
        moved.append(value)
    return type(state)(*moved)


def to_plain(state: tuple) -> dict[str, Any]:
    """A state as a dictionary of arrays, for a restart file."""
    parts = zip(axes(type(state)).items(), state, strict=True)
    return {name: to_plain(value) if axis == "state" else np.asarray(value) for (name, axis), value in parts}


def from_plain(like: State, plain: dict[str, Any]) -> State:
    """The state that `to_plain` wrote, with the class, fields and dtypes of `like`.

    Raises
    ------
    ValueError
        The fields or their shapes are not those of `like`.
    """
    fields = axes(type(like))
    if set(plain) != set(fields):
        raise ValueError(f"{type(like).__name__} has the fields {sorted(fields)}, the file has {sorted(plain)}")
    values = []
    for (name, axis), old in zip(fields.items(), like, strict=True):
        if axis == "state":
            values.append(from_plain(old, plain[name]))
            continue
        value = np.asarray(plain[name], dtype=np.asarray(old).dtype)
        if value.shape != np.shape(old):
            raise ValueError(f"{type(like).__name__}.{name} has shape {value.shape}, expected {np.shape(old)}")
        values.append(value)
    return type(like)(*values)
