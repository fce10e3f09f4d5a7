"""Where fragments are and how they are turned."""

from collections.abc import Hashable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

import numpy as np

from molopt.coordinates.formulas import cross
from molopt.rules.partition import Array

ANCHORS = 24  # atoms; more would fill the sparse matrices of large fragments
THIN = 0.04  # Angstrom; root mean square distance from its axis, below which a fragment is straight
FLAT = 1e-9  # of the largest moment of inertia: atoms that coincide, or lie on a line by accident


@dataclass(frozen=True, eq=False)
class Fragments:
    """Position and orientation of fragments, each as that of at most 24 of its atoms, evenly taken.

    The position is the centroid. The orientation is known only between two geometries, as a rotation vector times the
    radius of gyration, so that it is in Angstrom too; for each fragment of two atoms or more, after all positions. That
    of a straight fragment has no part along its axis: it would say nothing, and its linear bends know of it. The three
    components are along `axes` (3, 3), one direction a row. Positions may have leading axes (..., N, 3).

    Attributes
    ----------
    anchors : list of (k,) arrays of int
        The atoms that stand for each fragment.
    gyration : (nf,) array
        Radius of gyration of the anchors when the list was made, Angstrom.
    straight : (nf,) array of bool
        Whether the anchors were on a line then.
    """

    anchors: list[Array] = field(default_factory=list)
    gyration: Array = field(default_factory=lambda: np.zeros(0))
    straight: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @classmethod
    def of(cls, fragments: list[Array], positions: Array) -> Self:
        """Those of fragments, given as atoms, at positions (N, 3)."""
        anchors = [atoms[np.linspace(0, len(atoms) - 1, min(len(atoms), ANCHORS)).astype(int)] for atoms in fragments]
        spreads = [np.linalg.eigvalsh(np.cov(positions[part].T, bias=True)) for part in anchors]  # A^2, ascending
        gyration = np.array([np.sqrt(spread.sum()) for spread in spreads])
        return cls(anchors, gyration, np.array([spread[:2].sum() < THIN**2 for spread in spreads], dtype=bool))

    @cached_property
    def turning(self) -> list[int]:
        """The fragments that have an orientation."""
        return [n for n, part in enumerate(self.anchors) if len(part) > 1]

    def __len__(self) -> int:
        """Number of positions and orientations, of three coordinates each."""
        return len(self.anchors) + len(self.turning)

    @cached_property
    def groups(self) -> list[tuple[Array, Array]]:
        """Fragments with equally many anchors, to be treated at once: which (g,), and their anchors (g, k)."""
        sizes = np.array([len(part) for part in self.anchors], dtype=int)
        which = [np.flatnonzero(sizes == size) for size in np.unique(sizes)]
        return [(members, np.stack([self.anchors[n] for n in members])) for members in which]

    @cached_property
    def place(self) -> Array:
        """(nf,) where the orientation of each fragment stands among all positions and orientations."""
        place = np.zeros(len(self.anchors), dtype=int)
        place[self.turning] = len(self.anchors) + np.arange(len(self.turning))
        return place

    @cached_property
    def owners(self) -> Array:
        """(n,) the fragment of each position and orientation."""
        return np.array([*range(len(self.anchors)), *self.turning], dtype=int)

    def centres(self, positions: Array, axes: Array) -> Array:
        """(..., 3 n) centroids, and zero for orientations."""
        values = np.zeros((*positions.shape[:-2], len(self), 3))
        for members, atoms in self.groups:
            values[..., members, :] = positions[..., atoms, :].mean(axis=-2) @ axes.T
        return values.reshape(*positions.shape[:-2], -1)

    def turns(self, new: Array, old: Array, axes: Array) -> Array:
        """(..., 3 n) rotations from positions old to new (..., N, 3), and zero for centroids.

        With r from the centroid and I the inertia of the mean of old and new: 2 atan(|w| / 2) along w = I^-1 sum r_mean
        x (r_new - r_old), which is exact for a rigid rotation, and defined for straight fragments.
        """
        values = np.zeros((*new.shape[:-2], len(self), 3))
        for members, atoms in self.groups:
            if atoms.shape[1] > 1:
                before, after = centred(old[..., atoms, :]), centred(new[..., atoms, :])
                middle = (before + after) / 2
                inverse = inverse_inertia(middle, self.straight[members])
                turn = np.einsum("...ij,...j->...i", inverse, cross(middle, after - before).sum(axis=-2))
                size = np.sqrt((turn * turn).sum(axis=-1))
                factor = np.divide(2 * np.arctan(size / 2), size, out=np.ones_like(size), where=size > 0)
                values[..., self.place[members], :] = turn @ axes.T * (factor * self.gyration[members])[..., None]
        return values.reshape(*new.shape[:-2], -1)

    def derivatives(self, positions: Array, axes: Array) -> Array:
        """(..., entries) the non-zero entries of the rows of B, one row after the other."""
        lead = positions.shape[:-2]
        rows: list[Array] = [np.zeros((*lead, 0))] * len(self)
        for members, atoms in self.groups:
            count = atoms.shape[1]
            shift = np.broadcast_to(np.tile(axes[:, None] / count, (1, count, 1)).ravel(), (*lead, 9 * count))
            for n in members.tolist():
                rows[n] = shift
            if count > 1:
                r = centred(positions[..., atoms, :])
                inverse = axes @ inverse_inertia(r, self.straight[members])
                spin = np.einsum("...ij,...kjm->...ikm", inverse, crossing(r))
                spin = spin * self.gyration[members, None, None, None]
                for place, n in enumerate(self.place[members].tolist()):
                    rows[n] = spin[..., place, :, :, :].reshape(*lead, -1)
        return np.concatenate([np.zeros((*lead, 0)), *rows], axis=-1)

    @cached_property
    def columns(self) -> list[Array]:
        """Of each row of B, the columns of its non-zero entries."""
        each = [(3 * part[:, None] + np.arange(3)).ravel() for part in self.anchors]
        return [columns for n in self.owners.tolist() for columns in [each[n]] * 3]

    @cached_property
    def keys(self) -> list[tuple[Hashable, ...]]:
        """What tells each coordinate from the others."""
        names = [("position", *part.tolist()) for part in self.anchors]
        names += [("orientation", *self.anchors[n].tolist()) for n in self.turning]
        return [(*name, axis) for name in names for axis in range(3)]

    def plain(self) -> dict[str, Any]:
        """The fragments as lists and arrays, for a file."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {
            "anchors": [part.tolist() for part in self.anchors]
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The fragments that `plain` wrote; KeyError, TypeError or ValueError where it is something else."""
        found = cls(
            [np.array(part, dtype=int).ravel() for part in plain["anchors"]],
            np.asarray(plain["gyration"], dtype=float).ravel(),
            np.asarray(plain["straight"], dtype=bool).ravel(),
        )
        if not all(map(len, found.anchors)) or not len(found.anchors) == len(found.gyration) == len(found.straight):
            raise ValueError("the fragments are not whole")
        return found


def centred(positions: Array) -> Array:
    return positions - positions.mean(axis=-2, keepdims=True)


def inverse_inertia(r: Array, straight: Array) -> Array:
    """(..., g, 3, 3) pseudo-inverses of the tensors of inertia, unit masses, of points r (..., g, k, 3).

    Where the points are `straight` (g,), the smallest moment counts as zero.
    """
    square = (r * r).sum(axis=(-2, -1))[..., None, None] * np.eye(3)
    moments, axes = np.linalg.eigh(square - np.einsum("...ki,...kj->...ij", r, r))
    moments[..., straight, 0] = 0.0
    tiny = moments <= FLAT * moments[..., -1:]
    inverse = np.where(tiny, 0.0, 1 / np.where(tiny, 1.0, moments))
    return np.einsum("...im,...m,...jm->...ij", axes, inverse, axes)


def crossing(r: Array) -> Array:
    """(..., k, 3, 3) matrices that take v to r x v."""
    matrix = np.zeros((*r.shape, 3))
    x, y, z = r[..., 0], r[..., 1], r[..., 2]
    matrix[..., 0, 1], matrix[..., 0, 2] = -z, y
    matrix[..., 1, 0], matrix[..., 1, 2] = z, -x
    matrix[..., 2, 0], matrix[..., 2, 1] = -y, x
    return matrix
