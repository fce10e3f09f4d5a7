"""Values and derivatives of internal coordinates: functions of an index table and positions with any leading axes."""

from typing import TYPE_CHECKING

import numpy as np

from molopt.coordinates import distances, formulas
from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.primitives import Primitives

BENT = np.deg2rad(130)  # an angle that was left out as straight, and is needed as a coordinate now
ANGULAR = np.deg2rad(120)  # a linear bend that is an angle now
STRAIGHT = np.deg2rad(175)  # an angle whose derivative and whose torsions are about to lose their meaning
ALONG = 0.94  # cosine of the axis of a bend with its chain, beyond which another axis is needed
FLAT = 0.15  # u1 . (u2 x u3) of a pyramid whose angles say no more of a move out of the plane


def positions(x: Array) -> Array:
    """(..., N, 3) of x (..., 3N), one component after another in memory: formulas run along them."""
    xyz = x.reshape(*x.shape[:-1], -1, 3)
    found = np.ascontiguousarray(np.moveaxis(xyz, -1, 0))
    return found.transpose(*range(1, found.ndim), 0)


def values(table: "Primitives", x: Array) -> Array:
    """(..., nq) at x (..., 3N), Angstrom and rad.

    What is known only as a difference of two geometries, the orientations of fragments, is zero.
    """
    xyz = positions(x)
    parts = [kind.values(table, xyz) for kind, _ in table.present]
    return np.concatenate(parts, axis=-1) if parts else np.zeros((*x.shape[:-1], 0))


def derivatives(table: "Primitives", x: Array) -> Array:
    """(..., entries) the non-zero entries of B = dq/dx at x (..., 3N), in the order of `table.pattern`."""
    xyz = positions(x)
    parts = [kind.slopes(table, xyz) for kind, _ in table.present]
    return np.concatenate(parts, axis=-1) if parts else np.zeros((*x.shape[:-1], 0))


def both(table: "Primitives", x: Array) -> tuple[Array, Array]:
    """`values` and `derivatives`, for little more than the latter."""
    xyz = positions(x)
    parts = [kind.both(table, xyz) for kind, _ in table.present]
    if not parts:
        return values(table, x), derivatives(table, x)
    found, slopes = zip(*parts, strict=True)
    return np.concatenate(found, axis=-1), np.concatenate(slopes, axis=-1)


def change(table: "Primitives", new: Array, at_new: Array, old: Array, at_old: Array) -> Array:
    """(..., nq) q(new) - q(old) for values at_new and at_old (..., nq) at new and old (..., 3N).

    Torsions are in [-pi, pi), orientations are rotations from old to new.
    """
    change: Array = at_new - at_old
    for kind, part in table.present:
        if kind.periodic:
            ends = (x.reshape(*x.shape[:-1], -1, 3) for x in (new, old))
            change[..., part] = kind.change(table, change[..., part], *ends)
    return change


def outdated(table: "Primitives", x: Array, squares: Array | None = None) -> str:
    """Why the list should be rebuilt at x (3N,); empty where it is still good.

    Where the squared distances (N, N) are known, angles are looked at one by one only if these leave a doubt.
    """
    xyz = positions(x)
    wide = squares is None or distances.wider(squares, table.angle_places, STRAIGHT)
    if wide and formulas.wider(xyz[table.angles], STRAIGHT).any():
        return "an angle became straight"
    if len(table.straight) and not formulas.wider(xyz[table.straight], BENT).all():
        return "a straight angle bent"
    if len(table.bends):
        if not formulas.wider(xyz[table.bends[:, :3]], ANGULAR).all():
            return "a straight angle bent"
        along = formulas.unit(xyz[table.bends[:, 2]] - xyz[table.bends[:, 0]])
        if (np.abs(np.nan_to_num(formulas.dot(along, table.sides))) > ALONG).any():
            return "a straight chain turned"
    if wide and len(table.arms) and formulas.wider(xyz[table.arms], STRAIGHT).any():
        return "a torsion lost its angle"
    if len(table.pyramids) and (np.abs(formulas.plane_value(xyz[table.pyramids])) < FLAT).any():
        return "a pyramid became flat"
    return ""
