"""Whether internal coordinates describe every motion of a molecule, and the atoms that they leave out."""

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from molopt.coordinates.inverse import smallest_pivots
from molopt.coordinates.primitives import Primitives
from molopt.coordinates.rigid import rigid_motions
from molopt.coordinates.topology import Topology
from molopt.rules.partition import Array

DENSE = 150  # atoms of a fragment up to which what is missing is found by dense matrices
THIN = 0.3  # Angstrom, across a line, of all its points together
LOOSE = 0.01  # A^-2; eigenvalue of B^T B of one atom that moves nearly without a change of any coordinate
MISSING = 1e-9  # eigenvalue of B^T B, over the largest, of a direction that no coordinate describes
SURE = 100.0  # times that: a matrix whose estimated inverse says so has no such direction


def undescribed(primitives: Primitives, topology: Topology, xyz: Array) -> list[int]:
    """The atoms, in ascending order, that a list leaves without description at positions xyz (N, 3)."""
    jacobian, whole = primitives.jacobian(xyz.ravel()), len(topology.fragments) == 1
    found: list[int] = []
    for atoms in topology.fragments:
        if len(atoms) > 1:
            own = jacobian if whole else jacobian[:, (3 * atoms[:, None] + np.arange(3)).ravel()]
            found += atoms[missing(own, xyz[atoms])].tolist()
    return sorted(found)


def missing(jacobian: sparse.csr_array, positions: Array) -> list[int]:
    """The atoms of one fragment (N, 3) that its internal coordinates do not describe, rigid motions apart."""
    normal = (jacobian.T @ jacobian).tocsr()
    found = [atom for atom in alone(normal) if not on_a_line(np.delete(positions, atom, axis=0))]
    scale = float(normal.diagonal().max()) or 1.0
    rigid = rigid_motions(positions)
    places = (3 * np.array(found, dtype=int)[:, None] + np.arange(3)).ravel()
    if len(positions) > DENSE:
        normal = normal + sparse.csr_array((np.full(len(places), scale), (places, places)), shape=normal.shape)
        return sorted({int(n) for n in [*found, *smallest_pivots(normal, rigid, MISSING) // 3]})
    full = normal.toarray()
    full[places, places] += scale
    while len(found) < len(positions):
        projected = without(full, rigid, scale)
        if regular(projected, MISSING * scale):
            break
        values, vectors = np.linalg.eigh(projected)
        lacking = vectors[:, values < MISSING * scale]
        if lacking.shape[1] == 0:
            break
        amplitude = (lacking**2).reshape(len(positions), 3, -1).sum(axis=(1, 2))
        amplitude[found] = 0
        found.append(int(amplitude.argmax()))
        places = 3 * found[-1] + np.arange(3)
        full[places, places] += scale
    return found


def without(matrix: Array, rigid: Array, scale: float) -> Array:
    """P H P + scale T T^T, where P = 1 - T T^T takes the directions T (n, r) out of H (n, n)."""
    inside = matrix @ rigid
    half = rigid @ ((rigid.T @ inside + scale * np.eye(rigid.shape[1])) / 2) - inside
    return matrix + half @ rigid.T + rigid @ half.T


def regular(matrix: Array, least: float) -> bool:
    """Whether no eigenvalue of a symmetric matrix is below `least`, by far; in the time of a Cholesky factor."""
    factor, failed = lapack.dpotrf(matrix, lower=1, clean=0)
    if failed:
        return False
    norm = float(np.abs(matrix).sum(axis=0).max())
    reciprocal, _ = lapack.dpocon(factor, norm, uplo="L")
    return reciprocal * norm > SURE * least


def alone(normal: sparse.csr_array) -> list[int]:
    """Atoms that can move, all others at rest, without a change of any coordinate."""
    blocks = sparse.bsr_array(normal, blocksize=(3, 3))
    rows = np.repeat(np.arange(len(blocks.indptr) - 1), np.diff(blocks.indptr))
    own = blocks.data[blocks.indices == rows]  # an atom without any coordinate has no block
    least = np.zeros(len(blocks.indptr) - 1)
    least[rows[blocks.indices == rows]] = np.linalg.eigvalsh(own)[:, 0]
    return np.flatnonzero(least < LOOSE).tolist()


def on_a_line(positions: Array) -> bool:
    """Whether points (N, 3) lie on a line, about which another point can turn."""
    across = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)[1:]  # Angstrom
    return bool((across < THIN).all())
