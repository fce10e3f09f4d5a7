"""The ridge that a run was pushed off, to go back to where the push led to another molecule."""

import math
from dataclasses import replace
from typing import Any, NamedTuple, Self

from molopt.molecules import Molecule
from molopt.molecules.identity import identity_of
from molopt.optimizers.json_arrays import checked
from molopt.optimizers.watched import Remembered
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature

CHANGED = {"rearranged": "bonds", "dissociated": "bonds", "inverted": "stereo"}  # by the word of an `Identity`


class Left(NamedTuple):
    """Where a run met its criteria on a ridge, before it was pushed off."""

    place: Remembered
    curvature: Curvature  # there, whose word is saddle

    @classmethod
    def at(cls, place: Remembered, seen: Curvature) -> Self:
        return cls(place, replace(seen, stationary="saddle", energy_left=math.nan))

    def changed(self, molecule: Molecule, positions: Array) -> str:
        """How the molecule at positions (N, 3) is another than on the ridge, as "bonds: C3-O7 broken"; else empty."""
        became = identity_of(molecule.with_positions(self.place.positions), positions)
        return f"{CHANGED[became.word]}: {became.why}" if became.word in CHANGED else ""

    def plain(self) -> dict[str, Any]:
        """In plain values and arrays, for a restart file."""
        curvature = vars(self.curvature) | {"energy_left": None}
        return {"place": self.place.plain(), "curvature": curvature}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], like: Array) -> Self:
        """What `plain` wrote of atoms like those at `like` (N, 3); ValueError where it is of others."""
        said = dict(plain["curvature"])
        numbers = {name: float(said[name]) for name in ("lowest", "stiffness", "bound")}
        direction = checked(said["direction"], "direction", like, like.shape)
        curvature = Curvature(
            **numbers, direction=direction, calls=int(said["calls"]), pushes=int(said["pushes"]),
            energy_left=math.nan, stationary="saddle", why=str(said["why"]),
        )  # fmt: skip
        return cls(Remembered.from_plain(plain["place"], like), curvature)
