"""The motions of a molecule that may be much softer than its model says: turns about bonds, inversions, fragments."""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from molopt.coordinates.linearization import Linearized
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


def rows_of(linearization: Linearized) -> tuple[Any, Array]:
    """(ns, 3N) the derivatives of the motions by the Cartesians, and which a model may be wrong about (ns,)."""
    member = linearization.member
    primitives, numbers = member.primitives, member.numbers
    rows = linearization.rows.sparse
    own = {kind: sparse.diags_array(1 / member.roots[part]) @ rows[part] for kind, part in primitives.slices.items()}
    central = primitives.central
    share = 1 / np.bincount(central)[central] if len(central) else np.zeros(0)
    torsions = sparse.csr_array(
        (share, (central, np.arange(len(central)))), shape=(central.max(initial=-1) + 1, len(central))
    )
    heights, centres = inversions(linearization.x.reshape(-1, 3), primitives.stretches)
    parts = [own["fragment"], own["point"], torsions @ own["torsion"], own["bend"]]
    parts.append(sparse.csr_array(heights))
    atoms = np.concatenate([np.repeat(primitives.bends[:, 1], 2), centres]).astype(int)
    known = sum(part.shape[0] for part in parts[:3])
    blind = np.concatenate([np.zeros(known, dtype=bool), numbers[atoms] != CARBON])
    return sparse.vstack(parts, format="csr"), blind


def inversions(positions: Array, bonds: Array) -> tuple[Array, Array]:
    """(n, 3N) the height of each atom with three neighbours over their plane, in bond lengths: its derivatives.

    And the atoms (n,).
    """
    near: list[list[int]] = [[] for _ in positions]
    for i, j in bonds.tolist():
        near[i].append(j)
        near[j].append(i)
    centres = [(i, *others) for i, others in enumerate(near) if len(others) == 3]
    rows = np.zeros((len(centres), *positions.shape))
    for row, (i, *others) in zip(rows, centres, strict=True):
        first, second, third = positions[others]
        normal = np.cross(second - first, third - first)
        normal /= max(float(np.linalg.norm(normal)), TINY)
        length = float(np.linalg.norm(positions[others] - positions[i], axis=1).mean())
        row[i] = normal / length
        row[others] -= normal / (3 * length)
    return rows.reshape(len(centres), positions.size), np.array([row[0] for row in centres], dtype=int)


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
