"""Lists of internal coordinates, and tables of springs, that conformers of one molecule and its estimates share."""

from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from molopt.coordinates.kinds import FOUND
from molopt.coordinates.metric import yielding
from molopt.coordinates.metric_table import MetricTable
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.selection import Shape, listed, shapes
from molopt.coordinates.topology import Topology
from molopt.optimizers.hessian_models import HessianModel
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Lists:
    """What has been needed so far of one graph of atoms: each list is made once, and each table of a list.

    Fragments, points, and bends with no atom on any side have directions of their own: such lists are not shared.

    Attributes
    ----------
    topology : Topology
    known : dict
        Lists by the shape of a geometry (`molopt.coordinates.selection.Shape`), as bits.
    tables : dict
        For each list, its tables by the name of the model, and whether it is that of an estimate of the energy left.
    """

    topology: Topology
    known: dict[bytes, Primitives] = field(default_factory=dict)
    tables: WeakKeyDictionary[Primitives, dict[tuple[str, bool], MetricTable]] = field(
        default_factory=WeakKeyDictionary
    )

    def table(self, primitives: Primitives, model: HessianModel) -> MetricTable:
        """That of the springs of a list."""
        tables, key = self.tables.setdefault(primitives, {}), (model.name, model.yielding)
        if key not in tables:
            if model.yielding:
                tables[key] = yielding(self.table(primitives, replace(model, yielding=False)), primitives)
            else:
                tables[key] = model.table(primitives, self.topology)
        return tables[key]

    def kept(
        self, shape: Shape, primitives: Primitives, model: HessianModel, table: MetricTable
    ) -> tuple[Primitives, MetricTable]:
        """The list for a shape, and its table: those that are known, else these, which were made elsewhere."""
        found = self.known.setdefault(np.packbits(np.concatenate(shape)).tobytes(), primitives)
        return found, self.tables.setdefault(found, {}).setdefault((model.name, model.yielding), table)

    def at(self, xs: Array, axes: Array | None = None) -> list[Primitives]:
        """The lists that free molecules at xs (S, 3N) need; `axes` (3, 3) are those of an earlier one."""
        xyz = xs.reshape(len(xs), -1, 3)
        every = shapes(self.topology, xyz)
        keys = np.packbits(np.concatenate(every, axis=1), axis=1)
        return [
            self.shaped(key.tobytes(), Shape(*(part[s] for part in every)), xyz[s], axes) for s, key in enumerate(keys)
        ]

    def shaped(self, key: bytes, shape: Shape, xyz: Array, axes: Array | None) -> Primitives:
        plain = not (FOUND or shape.straight.any() or shape.folded.any())  # else positions decide, too
        if plain and key in self.known:
            return self.known[key]
        primitives = listed(self.topology, shape, xyz, False, axes)
        if not plain:
            key += primitives.torsions.tobytes() + primitives.bends.tobytes()
            key += b"".join(name.encode() + rows.tobytes() for name, rows in primitives.further.items())
        own = len(primitives.fragments) or len(primitives.points) or (primitives.bends[:, 3] < 0).any()
        return primitives if own else self.known.setdefault(key, primitives)
