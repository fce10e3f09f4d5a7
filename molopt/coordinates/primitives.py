"""The list of primitive internal coordinates, their values, and their derivatives as a sparse matrix."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from scipy import sparse

from molopt.coordinates import formulas
from molopt.coordinates.poses import Poses
from molopt.rules.partition import Array

BENT = np.deg2rad(130)  # an angle that was left out as straight, and is needed as a coordinate now
ANGULAR = np.deg2rad(120)  # a linear bend that is an angle now
STRAIGHT = np.deg2rad(175)  # an angle whose derivative and whose torsions are about to lose their meaning
ALONG = 0.94  # cosine of the axis of a bend with its chain, beyond which another axis is needed
FLAT = 0.15  # u1 . (u2 x u3) of a pyramid whose angles say no more of a move out of the plane


NOTHING = np.zeros(0)


def none_of(columns: int) -> Array:
    """(0, columns) atom indices."""
    return np.zeros((0, columns), dtype=int)


@dataclass(frozen=True, eq=False)
class Primitives:
    """Redundant internal coordinates q, in the order of the fields; each row holds the indices of its atoms.

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
    poses : Poses
        Position and orientation of each fragment, where there are several or something outside pulls at them.
    points : (n,)
        Atoms that the others do not describe: three Cartesians of each, Angstrom.
    axes : (3, 3)
        Directions in space, one a row, of what has no direction in the molecule: its principal axes when coordinates
        were first built, so that turning everything changes nothing.
    straight : (n, 3)
        Angles at centres with more neighbours that are no coordinates, because they are straight.
    pyramids : (n, 4)
        Centres with three neighbours that are no planes, because they are not flat.
    """

    natoms: int
    stretches: Array = field(default_factory=partial(none_of, 2))
    angles: Array = field(default_factory=partial(none_of, 3))
    bends: Array = field(default_factory=partial(none_of, 4))
    torsions: Array = field(default_factory=partial(none_of, 4))
    planes: Array = field(default_factory=partial(none_of, 4))
    poses: Poses = field(default_factory=Poses)
    points: Array = field(default_factory=lambda: np.zeros(0, dtype=int))
    axes: Array = field(default_factory=lambda: np.eye(3))
    straight: Array = field(default_factory=partial(none_of, 3))
    pyramids: Array = field(default_factory=partial(none_of, 4))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of coordinates of each kind, in their order."""
        return {
            "stretch": len(self.stretches),
            "angle": len(self.angles),
            "bend": 2 * len(self.bends),
            "torsion": len(self.torsions),
            "plane": len(self.planes),
            "pose": self.poses.count,
            "point": 3 * len(self.points),
        }

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
    def central(self) -> Array:
        """(nt,) which central bond each torsion turns about, counted from 0."""
        keys = np.sort(self.torsions[:, 1:3], axis=1) @ np.array([self.natoms, 1])
        return np.unique(keys, return_inverse=True)[1].ravel()

    @cached_property
    def sharing(self) -> Array:
        """(nt,) how many torsions turn about the central bond of each."""
        return np.bincount(self.central)[self.central] if len(self.central) else np.zeros(0, dtype=int)

    def values(self, x: Array) -> Array:
        """(nq,) at x (3N,); what is known only as a difference of two geometries, the orientations, is zero."""
        xyz = x.reshape(-1, 3)
        parts = [
            formulas.stretch_value(xyz[self.stretches]),
            formulas.angle_value(xyz[self.angles]),
            formulas.bend_value(xyz[self.bends], self.sides).ravel() if len(self.bends) else NOTHING,
            self.torsion_values(x),
            formulas.plane_value(xyz[self.planes]) if len(self.planes) else NOTHING,
        ]
        if self.poses.count or len(self.points):
            parts += [self.poses.centres(xyz, self.axes), (xyz[self.points] @ self.axes.T).ravel()]
        return np.concatenate(parts)

    def torsion_values(self, x: Array) -> Array:
        """(nt,) torsions at x (3N,), rad."""
        return formulas.torsion_value(x.reshape(-1, 3)[self.torsions])

    def difference(self, new: Array, old: Array) -> Array:
        """(nq,) q(new) - q(old), torsions in [-pi, pi), orientations as rotations from old to new."""
        return self.change(new, self.values(new), old, self.values(old))

    def change(self, new: Array, at_new: Array, old: Array, at_old: Array) -> Array:
        """The same, where the values at both are known already."""
        change = at_new - at_old
        torsions, poses = self.slices["torsion"], self.slices["pose"]
        change[torsions] = (change[torsions] + np.pi) % (2 * np.pi) - np.pi
        if self.poses.count:
            change[poses] += self.poses.turns(new.reshape(-1, 3), old.reshape(-1, 3), self.axes)
        return change

    def jacobian(self, x: Array) -> sparse.csr_array:
        """(nq, 3N) B = dq/dx."""
        xyz = x.reshape(-1, 3)
        data = [
            formulas.stretch(xyz[self.stretches])[1],
            formulas.angle(xyz[self.angles])[1],
            formulas.bend(xyz[self.bends], self.sides)[1],
            formulas.torsion(xyz[self.torsions])[1],
            formulas.plane(xyz[self.planes])[1],
            self.poses.derivatives(xyz, self.axes),
            np.tile(self.axes, (len(self.points), 1)),
        ]
        columns, starts = self.pattern
        flat = np.concatenate([part.ravel() for part in data])
        return sparse.csr_array((flat, columns, starts), shape=(self.count, x.size))

    @cached_property
    def sides(self) -> Array:
        """(n, 3) the axis on whose side the first component of each bend lies, NaN where it is an atom."""
        return np.where(self.bends[:, 3:] < 0, self.axes[-1 - np.minimum(self.bends[:, 3], -1)], np.nan)

    @cached_property
    def pattern(self) -> tuple[Array, Array]:
        """Columns of the non-zero entries of B, and where each row starts."""
        bends = np.where(self.bends < 0, self.bends[:, 1:2], self.bends)  # no o: its derivatives are zero, at j
        atoms = [self.stretches, self.angles, np.repeat(bends, 2, axis=0), self.torsions, self.planes]
        columns = [(3 * part[:, :, None] + np.arange(3)).reshape(len(part), 3 * part.shape[1]) for part in atoms]
        columns += [row[None] for row in self.poses.columns]
        columns.append(np.repeat(3 * self.points[:, None] + np.arange(3), 3, axis=0))
        lengths = np.concatenate([np.full(len(part), part.shape[1]) for part in columns])
        return np.concatenate([part.ravel() for part in columns]), np.concatenate([[0], np.cumsum(lengths)])

    def worn(self, x: Array) -> str:
        """Why the list should be made anew at x (3N,); empty where it is still good."""
        xyz = x.reshape(-1, 3)
        if formulas.wider(xyz[self.angles], STRAIGHT).any():
            return "an angle became straight"
        if not (
            formulas.wider(xyz[self.bends[:, :3]], ANGULAR).all() and formulas.wider(xyz[self.straight], BENT).all()
        ):
            return "a straight angle bent"
        if len(self.bends):
            along = formulas.unit(xyz[self.bends[:, 2]] - xyz[self.bends[:, 0]])
            if (np.abs(np.nan_to_num(formulas.dot(along, self.sides))) > ALONG).any():
                return "a straight chain turned"
        if formulas.wider(xyz[self.arms], STRAIGHT).any():
            return "a torsion lost its angle"
        if (np.abs(formulas.plane_value(xyz[self.pyramids])) < FLAT).any():
            return "a pyramid became flat"
        return ""

    @cached_property
    def arms(self) -> Array:
        """(n, 3) the angles that torsions go through, where they are no coordinates themselves."""
        known = {row for angle in self.angles.tolist() for row in (tuple(angle), tuple(angle[::-1]))}
        found = {tuple(row) for part in (self.torsions[:, :3], self.torsions[:, 1:]) for row in part.tolist()}
        return np.array(sorted(found - known), dtype=int).reshape(-1, 3)

    def atoms_of(self, index: int) -> tuple[str, tuple[int, ...]]:
        """Kind and atoms of one coordinate."""
        kind = next(kind for kind, part in self.slices.items() if part.start <= index < part.stop)
        place = index - self.slices[kind].start
        if kind == "pose":
            return kind, self.poses.atoms_of(place)
        if kind == "point":
            return kind, (int(self.points[place // 3]),)
        rows = {"stretch": self.stretches, "angle": self.angles, "torsion": self.torsions, "plane": self.planes}
        row = self.bends[place // 2, :3] if kind == "bend" else rows[kind][place]
        return kind, tuple(row.tolist())

    @cached_property
    def keys(self) -> list[tuple[Any, ...]]:
        """What tells one coordinate from the others, the same however its atoms are listed."""
        found: list[tuple[Any, ...]] = []
        for kind, rows in (("stretch", self.stretches), ("angle", self.angles)):
            found += [(kind, *min(row, row[::-1])) for row in rows.tolist()]
        found += [("bend", *row, component) for row in self.bends.tolist() for component in range(2)]
        found += [("torsion", *min(row, row[::-1])) for row in self.torsions.tolist()]
        found += [("plane", *row) for row in self.planes.tolist()]
        found += [("pose", *key) for key in self.poses.keys]
        found += [("point", atom, axis) for atom in self.points.tolist() for axis in range(3)]
        return found

    def plain(self) -> dict[str, Any]:
        """The list as arrays, for a file."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {"poses": self.poses.plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """The list that `plain` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else, or names atoms that are not there.
        """
        like = cls(int(plain["natoms"]), poses=Poses.from_plain(plain["poses"]))
        empty = {entry.name: getattr(like, entry.name) for entry in fields(cls)}
        arrays: dict[str, Any] = {
            name: np.asarray(plain[name], dtype=array.dtype).reshape(-1, *array.shape[1:])
            for name, array in empty.items()
            if name not in ("natoms", "poses")
        }
        sides = arrays["bends"][:, 3]
        named = [array.ravel() for name, array in arrays.items() if name not in ("axes", "bends")]
        named += [arrays["bends"][:, :3].ravel(), np.maximum(sides, 0), *like.poses.anchors]
        if not all(((atoms >= 0) & (atoms < like.natoms)).all() for atoms in named) or (sides < -3).any():
            raise ValueError(f"coordinates name atoms beyond the {like.natoms} there are")
        if arrays["axes"].shape != (3, 3) or not np.isfinite(arrays["axes"]).all():
            raise ValueError("the axes of coordinates are not three directions")
        return replace(like, **arrays)


def carried(old: Primitives, new: Primitives) -> tuple[Array, Array]:
    """Places in `new`, and in `old`, of the coordinates that both lists have."""
    known = {key: place for place, key in enumerate(old.keys)}
    pairs = [(place, known[key]) for place, key in enumerate(new.keys) if key in known]
    now, before = np.array(pairs, dtype=int).reshape(-1, 2).T
    return now, before
