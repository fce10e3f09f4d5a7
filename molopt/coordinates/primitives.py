"""The index table of a molecule's primitive internal coordinates: which there are, whose atoms, where in q and in B."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from scipy import sparse

from molopt.coordinates import distances, evaluation
from molopt.coordinates.fragments import Fragments
from molopt.coordinates.kind import Key, Kind
from molopt.coordinates.kinds import FOUND, KINDS
from molopt.coordinates.rows import Pattern
from molopt.rules.partition import Array


def none_of(columns: int) -> Array:
    """(0, columns) atom indices."""
    return np.zeros((0, columns), dtype=int)


@dataclass(frozen=True, eq=False)
class Primitives:
    """Redundant internal coordinates q, in the order of `kinds.KINDS`; each row holds the indices of its atoms.

    It says nothing of a geometry but through `axes` and `fragments`; where these play no part, all conformers of a
    molecule that need the same coordinates share one. `evaluation` has values and derivatives.

    Attributes
    ----------
    natoms : int
    stretches : (n, 2)
        Bond lengths, Angstrom.
    angles : (n, 3)
        i-j-k about the centre j, rad.
    bends : (n, 4)
        Nearly straight i-j-k: two components each, rad, and the atom o on whose side the first lies. Where there is
        none, -1, -2 or -3 is the first, second or third of the `axes`.
    torsions : (n, 4)
        a-b-c-d about a bond b-c, or about a straight chain from b to c; rad, IUPAC sign.
    planes : (n, 4)
        u1 . (u2 x u3) of the unit vectors from a centre, the first atom, to three neighbours.
    fragments : Fragments
        Position and orientation of each, where there are several or something outside pulls at them.
    points : (n,)
        Atoms that the others do not describe: three Cartesians of each, Angstrom.
    axes : (3, 3)
        Directions in space, one a row, of what has no direction in the molecule: its principal axes when coordinates
        were first built, so that turning everything changes nothing.
    straight : (n, 3)
        Angles at centres with more neighbours that are not coordinates, because they are straight.
    pyramids : (n, 4)
        Centres with three neighbours that are not planes, because they are not flat.
    further : dict of (n, k)
        The atoms of kinds that find them themselves (`kind.Found`), by their names.
    """

    natoms: int
    stretches: Array = field(default_factory=partial(none_of, 2))
    angles: Array = field(default_factory=partial(none_of, 3))
    bends: Array = field(default_factory=partial(none_of, 4))
    torsions: Array = field(default_factory=partial(none_of, 4))
    planes: Array = field(default_factory=partial(none_of, 4))
    fragments: Fragments = field(default_factory=Fragments)
    points: Array = field(default_factory=lambda: np.zeros(0, dtype=int))
    axes: Array = field(default_factory=lambda: np.eye(3))
    straight: Array = field(default_factory=partial(none_of, 3))
    pyramids: Array = field(default_factory=partial(none_of, 4))
    further: dict[str, Array] = field(default_factory=dict)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of coordinates of each kind, in their order."""
        return {kind.name: kind.count(self) for kind in KINDS}

    @cached_property
    def count(self) -> int:
        """Number of coordinates, nq."""
        return sum(self.sizes.values())

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where the coordinates of each kind are."""
        ends = np.cumsum([0, *self.sizes.values()]).tolist()
        return {kind: slice(*ends[n : n + 2]) for n, kind in enumerate(self.sizes)}

    @cached_property
    def present(self) -> tuple[tuple[Kind, slice], ...]:
        """The kinds that there are coordinates of, and where these are."""
        return tuple((kind, self.slices[kind.name]) for kind in KINDS if self.sizes[kind.name])

    @cached_property
    def central(self) -> Array:
        """(nt,) which central bond each torsion turns about, counted from 0."""
        b, c = self.torsions[:, 1:3].T
        return np.unique(np.minimum(b, c) * self.natoms + np.maximum(b, c), return_inverse=True)[1]

    @cached_property
    def sharing(self) -> Array:
        """(nt,) how many torsions turn about the central bond of each."""
        return np.bincount(self.central)[self.central] if len(self.central) else np.zeros(0, dtype=int)

    @cached_property
    def shares(self) -> Array:
        """(nq,) the part of the stiffness about a central bond that each has: 1 but for torsions."""
        shares = np.ones(self.count)
        for kind, part in self.present:
            if kind.shared:
                shares[part] = 1 / self.sharing
        return shares

    @cached_property
    def bend_atoms(self) -> Array:
        """(n, 4) the atoms of bends, with the centre where there is no fourth: the derivative by it is zero."""
        return np.where(self.bends < 0, self.bends[:, 1:2], self.bends)

    @cached_property
    def sides(self) -> Array:
        """(n, 3) the axis on whose side the first component of each bend lies, NaN where it is an atom."""
        return np.where(self.bends[:, 3:] < 0, self.axes[-1 - np.minimum(self.bends[:, 3], -1)], np.nan)

    @cached_property
    def pattern(self) -> tuple[Array, Array]:
        """Columns of the non-zero entries of B, and where each row starts."""
        found = [kind.columns(self) for kind in KINDS]
        lengths = np.concatenate([lengths for _, lengths in found])
        return np.concatenate([columns for columns, _ in found]), np.concatenate([[0], np.cumsum(lengths)])

    @cached_property
    def row_pattern(self) -> Pattern:
        """Where the rows of B have entries."""
        return Pattern(*self.pattern, 3 * self.natoms)

    @cached_property
    def arms(self) -> Array:
        """(n, 3) the angles that torsions go through, where they are not coordinates themselves."""
        found = np.concatenate([self.torsions[:, :3], self.torsions[:, 1:]])
        keys, known = (
            (j * self.natoms + np.minimum(i, k)) * self.natoms + np.maximum(i, k)
            for i, j, k in (found.T, self.angles.T)
        )
        known = np.sort(np.append(known, -1))  # which is before all keys
        lacking = np.flatnonzero(known[np.searchsorted(known, keys, side="right") - 1] != keys)
        return found[lacking[np.unique(keys[lacking], return_index=True)[1]]]

    @cached_property
    def angle_places(self) -> Array:
        """(3, n) of all angles that must not become straight, in a flat matrix of distances (`distances.places`)."""
        return distances.places(np.concatenate([self.angles, self.arms]), self.natoms)

    def values(self, x: Array) -> Array:
        """(nq,) at x (3N,)."""
        return evaluation.values(self, x)

    def difference(self, new: Array, old: Array) -> Array:
        """(nq,) q(new) - q(old), torsions in [-pi, pi), orientations as rotations from old to new."""
        return evaluation.change(self, new, self.values(new), old, self.values(old))

    def change(self, new: Array, at_new: Array, old: Array, at_old: Array) -> Array:
        """The same, where the values at both are known already."""
        return evaluation.change(self, new, at_new, old, at_old)

    def jacobian(self, x: Array) -> sparse.csr_array:
        """(nq, 3N) B = dq/dx."""
        columns, starts = self.pattern
        return sparse.csr_array((evaluation.derivatives(self, x), columns, starts), shape=(self.count, x.size))

    def atoms_of(self, index: int) -> tuple[str, tuple[int, ...]]:
        """Kind and atoms of one coordinate."""
        kind, part = next((kind, part) for kind, part in self.present if part.start <= index < part.stop)
        return kind.name, kind.atoms_of(self, index - part.start)

    @cached_property
    def keys(self) -> list[Key]:
        """What tells one coordinate from the others, the same however its atoms are listed."""
        return [key for kind in KINDS for key in kind.keys(self)]

    def plain(self) -> dict[str, Any]:
        """The list as arrays, for a file."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {"fragments": self.fragments.plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The list that `plain` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else, or names atoms that are not there.
        """
        like = cls(int(plain["natoms"]), fragments=Fragments.from_plain(plain["fragments"]))
        empty = {entry.name: getattr(like, entry.name) for entry in fields(cls)}
        further = further_from_plain(plain["further"])
        arrays: dict[str, Any] = {
            name: np.asarray(plain[name], dtype=array.dtype).reshape(-1, *array.shape[1:])
            for name, array in empty.items()
            if name not in ("natoms", "fragments", "further")
        }
        sides = arrays["bends"][:, 3]
        named = [array.ravel() for name, array in arrays.items() if name not in ("axes", "bends")]
        named += [arrays["bends"][:, :3].ravel(), np.maximum(sides, 0), *like.fragments.anchors]
        named += [rows.ravel() for rows in further.values()]
        if not all(((atoms >= 0) & (atoms < like.natoms)).all() for atoms in named) or (sides < -3).any():
            raise ValueError(f"coordinates refer to atoms beyond the {like.natoms} there are")
        if arrays["axes"].shape != (3, 3) or not np.isfinite(arrays["axes"]).all():
            raise ValueError("the axes of coordinates are not three directions")
        return replace(like, further=further, **arrays)


def further_from_plain(plain: dict[str, Any]) -> dict[str, Array]:
    """The atoms of coordinates of further kinds; ValueError where one is not known here."""
    known = {kind.name: kind.atoms for kind in FOUND}
    if unknown := set(plain) - set(known):
        raise ValueError(f"it has coordinates of the kind {sorted(unknown)[0]!a:.40}, which is not known here")
    return {name: np.asarray(rows, dtype=int).reshape(-1, known[name]) for name, rows in plain.items()}


def carried(old: Primitives, new: Primitives) -> tuple[Array, Array]:
    """Places in `new`, and in `old`, of the coordinates that both lists have."""
    known = {key: place for place, key in enumerate(old.keys)}
    pairs = [(place, known[key]) for place, key in enumerate(new.keys) if key in known]
    now, before = np.array(pairs, dtype=int).reshape(-1, 2).T
    return now, before
