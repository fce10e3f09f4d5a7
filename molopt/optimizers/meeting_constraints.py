"""Going to where constraints hold, from a start that may be far from there."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixBondLengths, FixInternals
from ase.neighborlist import natural_cutoffs, neighbor_list

from molopt.coordinates.following import ARRIVED, Followed, Follower, Wanted
from molopt.coordinates.member import Member
from molopt.coordinates.primitives import Primitives
from molopt.errors import InputError
from molopt.optimizers.constraints import held_of
from molopt.optimizers.internals import Recipe
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

VIOLATED = 1e-3  # Angstrom that ASE would move an atom; less is a matter of the tolerance of a constraint
OFF = 1e-5  # Angstrom or rad; a value that is farther from what is asked for has to be met first
CORRECTIONS = 20  # of a step that ASE cannot put right
LISTED = {"stretch": "stretches", "angle": "angles", "torsion": "torsions"}  # in `Primitives`
WORDS = {"stretch": "distance", "angle": "angle", "torsion": "dihedral"}
UNITS = {"stretch": (1.0, "A"), "angle": (np.rad2deg(1.0), "degrees"), "torsion": (np.rad2deg(1.0), "degrees")}
FAILURES = (ValueError, RuntimeError, ArithmeticError)  # how ASE says that it cannot adjust positions
BROKEN, FORMED = 1.5, 1.0  # of ASE's natural cut-offs: what periodic atoms that ASE moved may not have


def wanted_of(atoms: Atoms) -> list[Wanted]:
    """The values that FixInternals and FixBondLengths ask for.

    Raises
    ------
    InputError
        No geometry has such a value, or there is no such atom.
    """
    found = []
    for constraint in atoms.constraints:
        if isinstance(constraint, FixInternals):
            found += of_internals(constraint, atoms)
        elif isinstance(constraint, FixBondLengths):
            pairs = np.asarray(constraint.pairs, dtype=int).reshape(-1, 2).tolist()
            lengths = [None] * len(pairs) if constraint.bondlengths is None else list(constraint.bondlengths)
            found += [wanted(atoms, "stretch", [pair], value) for pair, value in zip(pairs, lengths, strict=True)]
    return found


def prepare(atoms: Atoms) -> None:
    """Check the values that constraints ask for, and put FixInternals before all others.

    Where it is the last, ASE moves fixed atoms for its sake, and takes forces on fixed atoms for a drift of all.
    """
    wanted_of(atoms)
    ordered = sorted(atoms.constraints, key=lambda constraint: not isinstance(constraint, FixInternals))
    if ordered != atoms.constraints:
        log.info("FixInternals is put before the other constraints, which then hold to the last digit")
        atoms.set_constraint(ordered)


def of_internals(constraint: FixInternals, atoms: Atoms) -> list[Wanted]:
    found = []
    for kind, definitions in (
        ("stretch", constraint.bonds),
        ("angle", constraint.angles),
        ("torsion", constraint.dihedrals),
    ):
        found += [wanted(atoms, kind, [list(row)], value) for value, row in definitions]
    for value, terms in constraint.bondcombos:
        found.append(wanted(atoms, "stretch", [list(term[:2]) for term in terms], value, [term[2] for term in terms]))
    if constraint.initialized:  # values that were None are those of an earlier geometry
        units = [UNITS[want.kind][0] for want in found]
        values = [float(part.targetvalue) / unit for part, unit in zip(constraint.constraints, units, strict=True)]
        found = [replace(want, value=value) for want, value in zip(found, values, strict=True)]
    return found


def wanted(
    atoms: Atoms, kind: str, rows: list[list[int]], value: float | None, weights: Sequence[float] | None = None
) -> Wanted:
    """A coordinate, or a sum of distances with `weights`, and its value in Angstrom or degrees; None is the present."""
    listed = [[int(atom) for atom in row] for row in rows]
    said = f"{WORDS[kind]} {named(listed)}" if weights is None else f"sum of the distances {named(listed)}"
    for row in listed:
        if len(set(row)) < len(row) or not all(-len(atoms) <= atom < len(atoms) for atom in row):
            raise InputError(f"the constrained {said} must be of different atoms, from 0 to {len(atoms) - 1}")
    columns: dict[str, Any] = {LISTED[kind]: np.array(listed, dtype=int) % len(atoms)}
    table = Primitives(len(atoms), **columns)
    found = Wanted(kind, table, np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float), 0.0)
    if value is None:
        return replace(found, value=found.at(atoms.positions.ravel()))
    per, unit = UNITS[kind]
    least, most = {"stretch": (0.0, np.inf), "angle": (0.0, 180.0), "torsion": (-np.inf, np.inf)}[kind]
    if weights is not None:
        least = -np.inf
    if not (np.isfinite(value) and least < value < most):
        allowed = {"stretch": "a positive number", "angle": "between 0 and 180"}.get(kind, "a number")
        allowed = "a number" if weights is not None else allowed
        raise InputError(f"the constrained {said} must be {allowed} ({unit}), got {value}")
    return replace(found, value=float(value) / per)


def named(rows: list[list[int]]) -> str:
    return ", ".join("-".join(map(str, row)) for row in rows)


def holds(atoms: Any) -> bool:
    """Whether all values are what constraints ask for, and ASE would leave these atoms where they are."""
    if not (isinstance(atoms, Atoms) and atoms.constraints):
        return True
    x, positions = atoms.positions.ravel(), atoms.positions.copy()
    if not atoms.pbc.any() and any(abs(want.gap(x)) > OFF for want in wanted_of(atoms)):
        return False
    try:
        with np.errstate(all="ignore"):
            for constraint in atoms.constraints:
                constraint.adjust_positions(atoms, positions)
    except FAILURES:
        return False
    return bool(np.abs(positions - atoms.positions).max(initial=0.0) <= VIOLATED)


def meet(atoms: Atoms, recipe: Recipe | None, tell: Callable[[str], object] = log.info) -> bool:
    """Move atoms to where their constraints hold; whether they were not there already. No force call is made.

    `tell` is called with a line about the way there.

    A molecule goes there in internal coordinates (`molopt.coordinates.following`); other atoms, and constraints that
    are not values of coordinates, are left to ASE.

    Raises
    ------
    InputError
        There is no way there that leaves the molecule whole; the atoms are where they were.
    """
    if holds(atoms):
        return False
    start = atoms.positions.copy()
    try:
        lead(atoms, recipe, tell)
    except InputError:
        atoms.set_positions(start, apply_constraint=False)
        raise
    return True


def lead(atoms: Atoms, recipe: Recipe | None, tell: Callable[[str], object]) -> None:
    aims = wanted_of(atoms)
    body = loosened(atoms, recipe) if aims else None
    if body is None:
        settle(atoms, atoms.positions.copy())
        return
    x = unbent(aims, atoms.positions.ravel(), body.held.movable)

    def build(at: Array) -> Member:
        return replace(body.build(at), metric=None)

    followed = Follower(body.topology, build, aims, x, body.held.forbidden).go()
    report(aims, x, followed, tell)
    atoms.set_positions(followed.x.reshape(-1, 3), apply_constraint=False)
    adjusted(atoms, followed.x.reshape(-1, 3))


def kept(atoms: Atoms, x: Array, error: Exception) -> Array:
    """The point (3N,) near x (3N,) at which constraints have their values, for a step that ASE cannot put right.

    ASE corrects along the derivatives of the geometry before, and stops where that does not converge, as at wide
    angles; these are Newton steps with those of the present geometry. RuntimeError where they do not converge either.
    """
    try:
        aims, held = wanted_of(atoms), held_of(without_values(atoms))
    except InputError:
        aims = []
    for _ in range(CORRECTIONS if aims else 0):
        gaps = np.array([want.gap(x) for want in aims])
        if np.abs(gaps).max() < ARRIVED:
            return x
        rows = np.concatenate([[want.row(x) for want in aims], held.forbidden(x).T]) * held.movable
        x = x + np.linalg.pinv(rows) @ np.concatenate([gaps, np.zeros(len(rows) - len(gaps))])
    raise RuntimeError(f"the constraints cannot be kept: {error}") from error


def without_values(atoms: Atoms) -> Atoms:
    """A copy with those constraints only that ask for no value of a coordinate."""
    loose = atoms.copy()
    loose.calc = atoms.calc  # which knows the charge
    loose.set_constraint([c for c in atoms.constraints if not isinstance(c, FixInternals | FixBondLengths)])
    return loose


def loosened(atoms: Atoms, recipe: Recipe | None) -> Recipe | None:
    """The recipe without the constraints that are to be met; None where these atoms are not a molecule."""
    loose = without_values(atoms)
    try:
        if recipe is None:
            return Recipe.of(loose)
        return replace(recipe, held=held_of(loose), surface=None)
    except InputError:
        return None


def unbent(aims: Sequence[Wanted], x: Array, movable: Array) -> Array:
    """x (3N,) with the centres of straight angles that are to be bent moved off the line a little."""
    xyz, free = x.reshape(-1, 3).copy(), movable.reshape(-1, 3)
    for want in aims:
        if want.kind == "angle" and want.straight(x):
            i, j, k = want.atoms[0]
            along = xyz[k] - xyz[i]
            across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
            xyz[j] += 0.05 * free[j] * across / np.linalg.norm(across)
        elif want.straight(x):
            raise InputError(f"the constrained dihedral {named(want.atoms.tolist())} has three atoms on a line")
    return xyz.ravel()


def report(aims: Sequence[Wanted], x: Array, followed: Followed, tell: Callable[[str], object]) -> None:
    """Tell the way; raise InputError where it was not done."""
    far = [want for want in aims if abs(want.gap(x)) > OFF]
    if not followed.hindrance:
        gaps = ", ".join(f"{abs(want.gap(x)) * UNITS[want.kind][0]:.3g} {UNITS[want.kind][1]}" for want in far)
        parts = "1 part" if followed.parts == 1 else f"{followed.parts} parts"
        if far:
            tell(f"the start is {gaps} from where the constraints hold: going there in {parts}")
        return
    came = []
    for want in far:
        per, unit = UNITS[want.kind]
        came.append(
            f"{WORDS[want.kind]} {named(want.atoms.tolist())} came from {want.at(x) * per:.4g} to "
            f"{want.at(followed.x) * per:.4g} {unit} on the way to {want.value * per:.4g}"
        )
    raise InputError(
        f"the constraints cannot be met from this start: {'; '.join(came)}, and beyond that {followed.hindrance}; "
        "start from a geometry that is nearer to them, or ask for other values"
    )


def adjust(atoms: Atoms, positions: Array) -> None:
    """Give atoms positions (N, 3) that ASE puts right; its arithmetic warns where it gets lost, and then it raises."""
    with np.errstate(all="ignore"):
        atoms.set_positions(positions)
    if not np.isfinite(atoms.positions).all():
        raise ValueError("positions are not finite")


def adjusted(atoms: Atoms, positions: Array) -> None:
    """The same at the start of a run."""
    try:
        adjust(atoms, positions)
    except FAILURES as error:
        raise InputError(f"the constraints cannot be met from this start: {error}") from error


def settle(atoms: Atoms, start: Array) -> None:
    """Let ASE move atoms to where their constraints hold; InputError if that tears what is bonded in start (N, 3)."""
    before = near_pairs(atoms, BROKEN)
    bonded = near_pairs(atoms, 1.15)
    adjusted(atoms, start)
    asked = {tuple(sorted(pair)) for want in wanted_of(atoms) for pair in want.atoms[:, :2].tolist()}
    broken = bonded - near_pairs(atoms, BROKEN) - asked
    formed = near_pairs(atoms, FORMED) - before - asked
    if broken or formed:
        what = f"the bond {named([list(p) for p in sorted(broken)[:3]])} broke" if broken else "atoms came too close"
        raise InputError(f"the constraints cannot be met from this start: {what}; start from a geometry nearer to them")


def near_pairs(atoms: Atoms, factor: float) -> set[tuple[int, int]]:
    """Atoms i < j nearer than the sum of their covalent radii times a factor, periodic images included."""
    i, j = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=factor))
    return {(int(a), int(b)) for a, b in zip(i, j, strict=True) if a < b}
