"""The motions of a molecule that may be much softer than its model says: turns about bonds, inversions, fragments."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from molopt.coordinates.linearization import Linearized
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

SOFT = 5.0  # eV/rad^2 (eV/A^2 of a point): a motion that the model Hessian finds stiffer is left to it
STIFF = 8.0  # and one that an atom other than carbon makes flat or straight: there the model cannot know the sign
DOUBT = 0.12  # eV/rad^2: how far the stiffness of a soft motion may be from the model's (docs/stationary.md)
LEAST, MOST = 0.1, 0.65  # relative: what is added to that, and at most
UNSURE = 0.8  # where a run came along a symmetry
CARBON = 6
SOFTEST = 4  # directions that stand for a molecule without soft motions
ROUNDS = 4  # of inverse iteration to find them
TINY = 1e-12


class Soft(NamedTuple):
    """The soft motions of one geometry, as displacements in u and as covectors on them."""

    covectors: Array  # (nq, ns) so that covector . du is the change of the motion, rad
    replies: Array  # (nq, ns) their natural displacements, (P M P)^+ covector
    spreads: Array  # (ns,) standard deviation of the relative curvature of each

    def unsure(self) -> "Soft":
        """The same, where nothing that a run saw says that it is not on top of a ridge."""
        return self._replace(spreads=np.maximum(self.spreads, UNSURE))


def soft_motions(linearization: Linearized) -> Soft:
    """Those of one system in internal coordinates: at least a few of the softest directions of its model Hessian."""
    rows, blind = rows_of(linearization)
    forces = linearization.everywhere(linearization.movable(rows.toarray().T))  # (3N, ns)
    moves = linearization.solve_cartesian(forces) if forces.shape[1] else forces
    compliance = np.einsum("ij,ij->j", forces, moves)  # (ns,) 1 / K
    blind &= compliance > 1 / STIFF
    kept = (compliance > 1 / SOFT) | blind
    if not kept.any():
        return softest(linearization)
    spreads = np.where(blind, MOST, np.minimum(LEAST + DOUBT * compliance, MOST))
    covectors = linearization.to_internal(linearization.solve_metric(forces[:, kept]))
    return Soft(covectors, linearization.to_internal(moves[:, kept]), spreads[kept])


def rows_of(linearization: Linearized) -> tuple[sparse.csr_array, Array]:
    """(ns, 3N) the derivatives of the motions by the Cartesians, and which a model may be wrong about (ns,).

    They are the coordinates of kinds that are not stiff, last the means of those about one central bond, then linear
    bends and inversions.
    """
    primitives, numbers = linearization.member.primitives, linearization.member.numbers
    b = primitives.jacobian(linearization.x)
    parts, blind = [sparse.csr_array((0, linearization.x.size))], [np.zeros(0, dtype=bool)]
    for kind, part in sorted(primitives.present, key=lambda pair: pair[0].shared):
        if not kind.stiff:
            rows = means(kind.together(primitives)) @ b[part] if kind.shared else b[part]
            parts.append(rows)
            blind.append(np.zeros(rows.shape[0], dtype=bool))
    heights, centres = inversions(linearization.x.reshape(-1, 3), primitives.stretches)
    parts += [b[primitives.slices["bend"]], sparse.csr_array(heights)]
    atoms = np.concatenate([np.repeat(primitives.bends[:, 1], 2), centres])
    return sparse.vstack(parts, format="csr"), np.concatenate([*blind, numbers[atoms] != CARBON])


def means(groups: Array) -> sparse.csr_array:
    """(groups, n) the mean of each group of entries (n,)."""
    counts = np.bincount(groups)
    return sparse.csr_array((1 / counts[groups], (groups, np.arange(len(groups)))), shape=(len(counts), len(groups)))


def inversions(positions: Array, bonds: Array) -> tuple[Array, Array]:
    """(n, 3N) the height of each atom with three neighbours over their plane, in bond lengths: its derivatives.

    And the atoms (n,).
    """
    topology = Topology(np.zeros(len(positions), dtype=int), bonds)
    corners = topology.corners[topology.degrees[topology.corners[:, 0]] == 3]
    centres, others = corners[:, 0], corners[:, 1:]
    near = positions[others]  # (n, 3, 3)
    normals = np.cross(near[:, 1] - near[:, 0], near[:, 2] - near[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1), TINY)[:, None]
    heights = normals / np.linalg.norm(near - positions[centres, None], axis=2).mean(axis=1)[:, None]
    rows = np.zeros((len(corners), *positions.shape))
    places = np.arange(len(corners))
    rows[places, centres] = heights
    rows[places[:, None], others] = -heights[:, None] / 3
    return rows.reshape(len(corners), positions.size), centres


def softest(linearization: Linearized) -> Soft:
    """A few of the softest directions of the model Hessian, by inverse iteration from seeded random ones."""
    size = len(linearization.held)
    count = min(SOFTEST, size)
    rows = np.random.default_rng(0).normal(size=(size, count))
    for _ in range(ROUNDS):
        rows = np.linalg.qr(linearization.model(rows))[0]
    rows = linearization.model.outside(rows)
    moves = linearization.model(rows)
    compliance = np.einsum("ij,ij->j", rows, moves)
    kept = compliance > TINY
    rows, moves = rows[:, kept], moves[:, kept]
    covectors = linearization.to_internal(linearization.solve_metric(linearization.everywhere(rows)))
    return Soft(covectors, linearization.to_internal(linearization.everywhere(moves)), np.full(int(kept.sum()), LEAST))
