"""Internal coordinates of S systems."""

from collections.abc import Sequence

import numpy as np

from molopt.coordinates.base import Coordinates, Linearization
from molopt.coordinates.linearization import Linearized
from molopt.coordinates.member import Member
from molopt.coordinates.side_by_side import SideBySide
from molopt.rules.partition import Array, Partition
from molopt.rules.state import Layout


class Internal(Coordinates[Linearization]):
    """Those of each member, side by side; of one molecule alone its linearization is a `Linearized`.

    Parameters
    ----------
    members : sequence of Member
        One a system.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        self.layout = Layout(
            Partition([member.primitives.count for member in members]), Partition([m.movable.size for m in members])
        )
        self.groups = Partition(np.ones(self.layout.entries.total, dtype=int))

    def linearize(self, x: Array, cartesian_gradient: Array) -> Linearization:
        places = self.layout.places
        parts = [
            member.linearize(x[places.part(n)], cartesian_gradient[places.part(n)])
            for n, member in enumerate(self.members)
        ]
        return parts[0] if len(parts) == 1 else SideBySide(parts)

    def between(self, old: Linearization, new: Linearization) -> Array:
        pairs = zip(self.members, parts_of(old), parts_of(new), strict=True)
        return np.concatenate([member.between(before, after) for member, before, after in pairs])

    def move(self, linearization: Linearization, displacement: Array) -> tuple[Array, Array]:
        entries = self.layout.entries
        pairs = enumerate(zip(self.members, parts_of(linearization), strict=True))
        moved = [member.move(part, displacement[entries.part(n)]) for n, (member, part) in pairs]
        return np.concatenate([x for x, _ in moved]), np.array([arrived for _, arrived in moved])


def parts_of(linearization: Linearization) -> Sequence[Linearized]:
    """The linearization of each system."""
    parts = linearization.parts if isinstance(linearization, SideBySide) else [linearization]
    assert all(isinstance(part, Linearized) for part in parts)
    return parts  # type: ignore[return-value]
