"""The motions of a molecule that may be much softer than its model says: turns about bonds, inversions, fragments."""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from molopt.rules.partition import Array

SOFT = 5.0  # eV/rad^2 (eV/A^2 of a point): a motion that the model Hessian finds stiffer is left to it
SOFTEST = 4  # directions that stand for a molecule without soft motions
ROUNDS = 4  # of inverse iteration to find them
TINY = 1e-12


class Soft(NamedTuple):
    """The soft motions of one frame, as displacements in u and as covectors on them."""

    covectors: Array  # (nq, ns) so that covector . du is the change of the motion, rad
    replies: Array  # (nq, ns) their natural displacements, (P M P)^+ covector


def soft_motions(frame: Any) -> Soft:
    """Those of a frame of internal coordinates: at least a few of the softest directions of its model Hessian."""
    rows = rows_of(frame)
    forces = np.asarray(rows.todense()).T if sparse.issparse(rows) else rows.T  # (n, ns)
    model = frame.model
    moves = model(np.ascontiguousarray(forces)) if forces.shape[1] else forces
    compliance = np.einsum("ij,ij->j", forces, moves)  # (ns,) 1 / K
    kept = compliance > 1 / SOFT
    if not kept.any():
        return softest(frame)
    return Soft(frame.a @ frame.stiff(forces[:, kept]), frame.a @ moves[:, kept])


def rows_of(frame: Any) -> Any:
    """(ns, n) the derivatives of the motions by the movable Cartesians."""
    coordinates = frame.coordinates
    primitives = coordinates.primitives
    torsions = primitives.slices["torsion"]
    central = primitives.central
    parts = []
    if len(central):
        scale = 1 / (np.bincount(central)[central] * frame.roots[torsions])
        mean = sparse.csr_array((scale, (central, np.arange(len(central)))))
        parts.append(mean @ frame.a[torsions])
    for kind in ("pose", "point"):
        part = primitives.slices[kind]
        if part.stop > part.start:
            parts.append(sparse.diags_array(1 / frame.roots[part]) @ frame.a[part])
    heights = inversions(frame.x.reshape(-1, 3), primitives.stretches)[:, coordinates.movable]
    parts.append(sparse.csr_array(heights))
    return sparse.vstack(parts, format="csr")


def inversions(positions: Array, bonds: Array) -> Array:
    """(n, 3N) the height of each atom with three neighbours over their plane, in bond lengths: its derivatives."""
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
    return rows.reshape(len(centres), positions.size)


def softest(frame: Any) -> Soft:
    """A few of the softest directions of the model Hessian, by inverse iteration from seeded random ones."""
    size = frame.cartesian.size
    count = min(SOFTEST, size)
    rows = np.random.default_rng(0).normal(size=(size, count))
    for _ in range(ROUNDS):
        rows = np.linalg.qr(frame.model(rows))[0]
    rows = frame.model.outside(rows)
    moves = frame.model(rows)
    compliance = np.einsum("ij,ij->j", rows, moves)
    kept = compliance > TINY
    rows, moves = rows[:, kept], moves[:, kept]
    return Soft(frame.a @ frame.stiff(rows), frame.a @ moves)
