"""Which atoms are near each other, searched again only when they may have come nearer."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from molopt.rules.partition import Array

SKIN = 0.6  # Angstrom; the list serves until two atoms may have come so much nearer


@dataclass
class NeighbourList:
    """Pairs (n, 2) of atoms nearer than `reach` (Angstrom), but for those within two bonds."""

    reach: float
    near: Array  # sorted i * N + j of pairs within two bonds
    x: Array | None = None
    pairs: Array = field(default_factory=lambda: np.zeros((0, 2), dtype=int))

    def at(self, positions: Array) -> Array:
        """Candidates at these positions, in an order that does not depend on earlier ones."""
        moved = np.inf if self.x is None else np.sqrt(((positions - self.x) ** 2).sum(axis=1).max())
        if moved > SKIN / 2:
            found = cKDTree(positions).query_pairs(self.reach + SKIN, output_type="ndarray")
            keys = np.sort(found.min(axis=1).astype(np.int64) * len(positions) + found.max(axis=1))
            keys = keys[~np.isin(keys, self.near, assume_unique=True)]
            self.pairs, self.x = np.stack(np.divmod(keys, len(positions)), axis=1), positions.copy()
        return self.pairs
