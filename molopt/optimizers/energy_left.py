"""Energy left: how far above the floor of its basin a geometry is, from its forces alone."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms

from molopt.control.drive import Point
from molopt.coordinates import Internal
from molopt.coordinates.base import Linearization
from molopt.coordinates.evaluation import outdated
from molopt.coordinates.kinds import KINDS
from molopt.coordinates.member import Member
from molopt.coordinates.primitives import Primitives
from molopt.directions import Limits, QuasiNewton
from molopt.directions.quasi_newton import Secants
from molopt.errors import InputError, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers.estimate import Estimate, Part
from molopt.optimizers.hessian_models import LARGE
from molopt.optimizers.internals import Recipe
from molopt.potentials.answers import checked_forces
from molopt.rules.partition import Array
from molopt.rules.state import from_plain, to_plain

MOST = 3  # coordinates that are named
DIRECTION = QuasiNewton()
REMEMBERED = DIRECTION.memory + 1  # geometries of a run that correct the model
UNLIMITED = Limits(np.array([np.inf]), np.inf, np.inf)


def energy_left(atoms: Atoms, molecule: Molecule | None = None) -> Estimate:
    r"""Estimate how far above the floor of its basin a molecule is, without a force call.

    .. math:: E_{left} = \frac{1}{2} g_x \cdot (P H P)^+ g_x

    with the gradient g_x (eV/A) and a model Hessian H (eV/A^2) of this geometry (`molopt.coordinates`): learned
    springs, in a mean with MMFF94's force constants where it knows the molecule, of which torsions and contacts count
    0.7 (`molopt.coordinates.metric.yielding`); P takes rigid motions and what constraints forbid out. On a ridge, or
    where a direction is nearly flat, no such estimate can know how deep the valley is: there it is too low.
    `energy_left` of an optimizer of molopt, and of a `Result`, also uses what the run showed.

    Parameters
    ----------
    atoms : ase.Atoms
        With forces: a calculator that has just been asked for them, or the stored ones of any program and optimizer
        (`ase.io.read` of an output, a trajectory, `SinglePointCalculator`).
    molecule : Molecule, optional
        What these atoms are; by default that is perceived (`Molecule.from_atoms`).

    Returns
    -------
    Estimate
        `float()` of it is in eV.

    Raises
    ------
    InputError
        The forces of this geometry are not known, atoms are periodic, or under a constraint that is not understood.

    Examples
    --------
    >>> import molopt
    >>> molecule = molopt.Molecule.named("aladip")
    >>> atoms = molecule.atoms()
    >>> atoms.calc = molopt.potential("mmff94", molecule)
    >>> forces = atoms.get_forces()
    >>> left = molopt.energy_left(atoms)
    >>> 0.5 < float(left) < 2.0, max(left.shares, key=left.shares.get)
    (True, 'angles')
    """
    estimator = Estimator(recipe_for(atoms, molecule))
    estimator.see(Point(atoms.positions.ravel(), -known_forces(atoms).ravel()))
    return estimator.at()[0]


def recipe_for(atoms: Any, molecule: Molecule | None = None) -> Recipe:
    """The recipe of atoms whose energy left is to be estimated; InputError where that cannot be."""
    if not isinstance(atoms, Atoms) or atoms.pbc.any():
        what = "these are periodic" if isinstance(atoms, Atoms) else f"got a {type(atoms).__name__}"
        raise InputError(f"energy left is estimated for ase.Atoms that are not periodic, with a calculator; {what}")
    try:
        recipe = Recipe.of(atoms, molecule=molecule)
    except InputError as error:
        raise InputError(f"energy left cannot be estimated: {str(error).partition(': use')[0]}") from error
    if not recipe.held.movable.any():
        raise InputError("energy left cannot be estimated: all atoms are fixed")
    return recipe


def recipe_of_estimate(recipe: Recipe | None, atoms: Any, molecule: Molecule | None) -> Recipe:
    """That of a run: its own recipe where this has the model of the estimate, with all that was built of it so far."""
    if recipe is not None and recipe.model.name == "blend" and recipe.held.movable.any():
        return replace(recipe, surface=None)
    return recipe_for(atoms, molecule if recipe is None else recipe.molecule)


def known_forces(atoms: Atoms) -> Array:
    """(N, 3) constraints applied, eV/A; InputError where a force call would be needed."""
    if atoms.calc is None:
        raise InputError("these atoms have no forces: set atoms.calc and ask for atoms.get_forces() first")
    try:
        known = atoms.calc.get_property("forces", atoms, allow_calculation=False)
    except (NotImplementedError, RuntimeError):  # what a calculator that stores results says at another geometry
        known = None
    if known is None:
        raise InputError("the forces of this geometry are not known: ask for atoms.get_forces() first")
    try:
        checked_forces(known, atoms, "nothing can be said from these forces")
    except PotentialFailed as error:
        raise InputError(str(error)) from None
    return atoms.get_forces()


def estimate(primitives: Primitives, gradient: Array, natural: Array) -> Estimate:
    """The estimate where the gradient in u is `gradient` (nq,), and `natural` H^+ times it with the best H at hand."""
    each = 0.5 * gradient * natural  # (nq,) eV
    shares = dict.fromkeys((kind.group for kind in KINDS), 0.0)
    for kind, part in primitives.present:
        shares[kind.group] += float(each[part].sum())
    return Estimate(float(each.sum()), shares, largest(primitives, each))


def largest(primitives: Primitives, each: Array) -> tuple[Part, ...]:
    """What holds most, of coordinates whose entries belong together."""
    together = together_in(primitives)
    sums = np.bincount(together, weights=each)
    found = []
    for group in np.argsort(-sums, kind="stable")[:MOST]:
        members = np.flatnonzero(together == group)
        found.append(Part(*primitives.atoms_of(int(members[np.argmax(each[members])])), float(sums[group])))
    return tuple(found)


def together_in(primitives: Primitives) -> Array:
    """(nq,) which entries are one coordinate to a chemist, counted from 0."""
    parts, begin = [], 0
    for kind, _ in primitives.present:
        parts.append(kind.together(primitives) + begin)
        begin = int(parts[-1].max()) + 1
    return np.concatenate(parts)


class Estimator:
    """Energy left along a run of any optimizer: what its last geometries showed of the surface corrects the model.

    The internal coordinates are built once and kept up; the correction is that of `molopt.directions.QuasiNewton`.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = replace(recipe, model=replace(recipe.model, yielding=True))
        self.coordinates: Member | None = None
        self.linearization: Linearization | None = None  # at the last point that was learned
        self.state: Secants | None = None  # what was learned
        self.new: deque[Point] = deque(maxlen=REMEMBERED)  # points since, the newest last

    def see(self, here: Point) -> None:
        """Remember a geometry whose forces are known; nothing is computed yet."""
        self.new.append(here)

    def at(self) -> tuple[Estimate, Linearization]:
        """The estimate at the last geometry, and the linearization that it was made with."""
        self.keep_up()
        assert self.coordinates is not None
        internal = Internal([self.coordinates])
        while self.new:
            self.learn(internal, internal.linearize(*self.new.popleft()))
        here = self.linearization
        assert here is not None
        assert self.state is not None
        proposal = DIRECTION.proposal(here, self.state, UNLIMITED)
        return estimate(self.coordinates.primitives, here.gradient, -proposal.displacement), here

    def learn(self, internal: Internal, new: Linearization) -> None:
        old = self.linearization
        if old is None or self.state is None:
            self.state = DIRECTION.empty(new.gradient.size)
        else:
            self.state = DIRECTION.learn(self.state, old, new, internal.between(old, new))
        self.linearization = new

    def keep_up(self) -> None:
        """Build coordinates that describe the last geometry, where there are none; what came before is forgotten."""
        if not self.new:
            return
        here = self.new[-1]
        if self.coordinates is not None and len(here.x) > 3 * LARGE:  # learning would cost more than it gives
            self.linearization, self.new = None, deque([here], maxlen=REMEMBERED)
        if self.coordinates is not None and not self.recipe.outdated(self.coordinates, here.x):
            return
        if self.coordinates is not None:
            self.recipe = self.recipe.rebonded(self.coordinates, here.x)
            self.linearization, self.new = None, deque([here], maxlen=REMEMBERED)
        self.coordinates = self.recipe.build(here.x, here.gradient)
        while any(outdated(self.coordinates.primitives, point.x) for point in list(self.new)[:-1]):
            self.new.popleft()  # flat centres and straight angles of before, of which these coordinates say nothing

    def plain(self) -> dict[str, Any]:
        """What was learned, for a restart file."""
        coordinates, here = self.coordinates, self.linearization
        internal = None if coordinates is None else self.recipe.plain(coordinates)
        learned = None
        if here is not None and self.state is not None:
            point = Point(here.x, here.cartesian_gradient)
            learned = {"point": to_plain(point), "state": to_plain(self.state)}
        return {"internal": internal, "learned": learned, "new": stacked(self.new)}

    def recall(self, plain: dict[str, Any], size: int) -> None:
        """Know what `plain` wrote, of `size` entries; ValueError or KeyError where it is not of these atoms."""
        if plain["internal"] is not None:
            self.recipe, self.coordinates = self.recipe.from_plain(plain["internal"])
            if plain["learned"] is not None:
                nowhere = np.zeros(size)
                point = from_plain(Point(nowhere, nowhere), plain["learned"]["point"])
                self.linearization = Internal([self.coordinates]).linearize(*point)
                empty = DIRECTION.empty(self.coordinates.primitives.count)
                self.state = from_plain(empty, plain["learned"]["state"])
        self.new.extend(points_of(plain["new"], size))


def stacked(points: Iterable[Point]) -> dict[str, Array]:
    """Points as arrays, for a file."""
    rows = list(points)
    return {name: np.array([getattr(point, name) for point in rows], dtype=float) for name in Point._fields}


def points_of(plain: dict[str, Array], size: int) -> list[Point]:
    """The points that `stacked` wrote, of `size` entries each."""
    x, gradient = (np.asarray(plain[name], dtype=float).reshape(-1, size) for name in Point._fields)
    if x.shape != gradient.shape or not (np.isfinite(x).all() and np.isfinite(gradient).all()):
        raise ValueError("points of the criteria are incomplete, or not finite")
    return [Point(*rows) for rows in zip(x, gradient, strict=True)]
