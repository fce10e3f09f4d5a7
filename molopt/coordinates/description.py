"""Whether internal coordinates describe every motion of a molecule, and the atoms that they leave out."""

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from molopt.coordinates.evaluation import derivatives
from molopt.coordinates.inverse import smallest_pivots
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.rows import DENSE, Rows, Symmetric
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

THIN = 0.3  # Angstrom, across a line, of all its points together
LOOSE = 0.01  # A^-2; eigenvalue of B^T B of one atom that moves nearly without a change of any coordinate
MISSING = 1e-9  # eigenvalue of B^T B, over the largest, of a direction that no coordinate describes
SURE = 100.0  # times that: where all pivots are larger, no eigenvalue is so small


def undescribed(primitives: Primitives, topology: Topology, xyz: Array) -> list[int]:
    """The atoms, in ascending order, that a list leaves without description at positions xyz (N, 3)."""
    normal = Rows(primitives.row_pattern, derivatives(primitives, xyz.ravel())).normal
    if len(topology.fragments) == 1:
        return sorted(missing(normal, xyz))
    found: list[int] = []
    for atoms in topology.fragments:
        if len(atoms) > 1:
            entries = (3 * atoms[:, None] + np.arange(3)).ravel()
            found += atoms[missing(normal[entries][:, entries], xyz[atoms])].tolist()
    return sorted(found)


def missing(normal: Symmetric, positions: Array) -> list[int]:
    """The atoms of one fragment (N, 3) that its internal coordinates do not describe, rigid motions apart.

    `normal` (3N, 3N) is B^T B.
    """
    found = [atom for atom in alone(normal) if not on_a_line(np.delete(positions, atom, axis=0))]
    scale = float(normal.diagonal().max()) or 1.0
    rigid = rigid_motions(positions)
    places = (3 * np.array(found, dtype=int)[:, None] + np.arange(3)).ravel()
    if len(normal.diagonal()) > DENSE:
        normal = normal + sparse.csr_array((np.full(len(places), scale), (places, places)), shape=normal.shape)
        return sorted({int(n) for n in [*found, *smallest_pivots(normal, rigid, MISSING) // 3]})
    full = normal.toarray() if sparse.issparse(normal) else normal.copy()
    full[places, places] += scale
    fence = scale * rigid @ rigid.T
    while len(found) < len(positions) and not regular(full + fence, SURE * MISSING * scale):
        outside = np.eye(len(full)) - rigid @ rigid.T
        values, vectors = np.linalg.eigh(outside @ full @ outside + fence)
        lacking = vectors[:, values < MISSING * scale]
        if lacking.shape[1] == 0:
            break
        amplitude = (lacking**2).reshape(len(positions), 3, -1).sum(axis=(1, 2))
        amplitude[found] = 0
        found.append(int(amplitude.argmax()))
        places = 3 * found[-1] + np.arange(3)
        full[places, places] += scale
    return found


def regular(matrix: Array, least: float) -> bool:
    """Whether a symmetric matrix is positive definite with no pivot below `least`."""
    factor, failed = lapack.dpotrf(matrix, lower=1, clean=0)
    return not failed and bool(factor.diagonal().min() ** 2 > least)


def alone(normal: Symmetric) -> list[int]:
    """Atoms that can move, all others at rest, without a change of any coordinate."""
    natoms = normal.shape[0] // 3
    places = np.arange(natoms)
    if sparse.issparse(normal):
        blocks = sparse.bsr_array(normal, blocksize=(3, 3))
        rows = np.repeat(places, np.diff(blocks.indptr))
        own = np.zeros((natoms, 3, 3))  # an atom without any coordinate has no block
        own[rows[blocks.indices == rows]] = blocks.data[blocks.indices == rows]
    else:
        own = normal.reshape(natoms, 3, natoms, 3)[places, :, places]
    return np.flatnonzero(np.linalg.eigvalsh(own)[:, 0] < LOOSE).tolist()


def on_a_line(positions: Array) -> bool:
    """Whether points (N, 3) lie on a line, about which another point can turn."""
    across = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)[1:]  # Angstrom
    return bool((across < THIN).all())
