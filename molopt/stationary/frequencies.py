"""Harmonic frequencies: the Hessian by central differences of forces, and its normal modes."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from ase import units

from molopt.coordinates.rigid import spanned
from molopt.rules.partition import Array

# The error of central differences grows as the square of the step, that of noise in the forces as its inverse: of
# 0.0025 to 0.02 A, this one is nearest to the limit under MMFF94 and under GFN2-xTB (docs/guide/frequencies.md).
STEP = 0.0025  # Angstrom, of one atom
SHORT = 2e-5  # Angstrom, on one side alone: without noise but rounding, the error is 0.002 eV/A^2 along a bond
ALONG = (0.01, 0.02, 0.04)  # Angstrom, of the farthest atom along a mode: as bonds hardly stretch, steps can be longer
USUAL = 1.5  # standard deviations in the median of absolute values, of normal errors
BEYOND = 3.0  # standard deviations, where it is the step that two estimates differ by
SHORTER = 5.0  # times less than that, the error of the one with the shorter steps: by their fourth power, 15 times
STRAIGHT = 0.1  # Angstrom from a line
DOUBT = 2.0  # times the wavenumber of its error, up to which one is looked at again; soft ones miss by up to 1.5 of it
QUANTUM = units._hbar * units.m / math.sqrt(units._e * units._amu)  # eV per sqrt(eV/A^2/amu): hbar omega
PER_CM = QUANTUM / units.invcm  # cm^-1 per sqrt(eV/A^2/amu)

# Of points (3N,) the forces (3N,), each with its place among them, in any order.
Answers = Callable[[Iterable[Array]], Iterable[tuple[int, Array]]]


def central_differences(forces: Answers, x: Array, movable: Array, step: float = STEP) -> Array:
    r"""The Hessian of the entries that may move, not symmetrized.

    .. math:: H_{ij} = -\frac{F_j(x + h e_i) - F_j(x - h e_i)}{2h}

    Constraints that bend, as on a bond length, need nothing more than forces that have them applied: these turn as the
    constraint does, and the derivative holds that too, once both sides are projected (`NormalModes.of`).

    Parameters
    ----------
    forces : callable
        Gives the forces (3N,) in eV/A, constraints applied, at each of many points (3N,), with its place among them;
        in any order, so that several may be under way.
    x : (3N,) array
        Angstrom.
    movable : (3N,) array of bool
        Entries to displace, n of them: 2n force calls.
    step : float
        h, Angstrom.

    Returns
    -------
    (n, n) array
        eV/A^2; what it lacks in symmetry is the error of the forces and of the step.

    Examples
    --------
    >>> springs = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 5.0]])
    >>> def forces(points):
    ...     return enumerate(-springs @ point for point in points)
    >>> central_differences(forces, np.zeros(3), np.array([True, True, False])).round(9)
    array([[3., 1.],
           [1., 2.]])
    """
    entries = np.flatnonzero(movable)
    rows = np.zeros((len(entries), len(entries)))
    for place, found in forces(displaced(x, entries, step)):
        rows[place // 2] += (-found if place % 2 == 0 else found)[entries] / (2.0 * step)
    return rows


def forward_differences(forces: Answers, at_rest: Array, x: Array, movable: Array, step: float = SHORT) -> Array:
    r"""The same in half the calls, for forces without noise: those at x are known.

    .. math:: H_{ij} = -\frac{F_j(x + h e_i) - F_j(x)}{h}

    The error grows as the step, and is then as large as that of central differences at a step ten times as long.

    Parameters
    ----------
    forces, x, movable, step
        As of `central_differences`; n force calls.
    at_rest : (3N,) array
        The forces at x, eV/A.

    Examples
    --------
    >>> springs = np.array([[3.0, 1.0], [1.0, 2.0]])
    >>> def forces(points):
    ...     return enumerate(-springs @ point for point in points)
    >>> forward_differences(forces, np.zeros(2), np.zeros(2), np.array([True, True])).round(6)
    array([[3., 1.],
           [1., 2.]])
    """
    entries = np.flatnonzero(movable)
    rows = np.zeros((len(entries), len(entries)))
    for place, found in forces(forward(x, entries, step)):
        rows[place] = (at_rest - found)[entries] / step
    return rows


def forward(x: Array, entries: Array, step: float) -> Iterator[Array]:
    """x (3N,) with each of the entries farther on by a step."""
    for entry in entries:
        there = x.copy()
        there[entry] += step
        yield there


def displaced(x: Array, entries: Array, step: float) -> Iterator[Array]:
    """x (3N,) with each of the entries farther on by a step, and farther back."""
    for entry in entries:
        for move in (step, -step):
            there = x.copy()
            there[entry] += move
            yield there


@dataclass(frozen=True, eq=False)
class NormalModes:
    r"""Vibrations of a molecule, without its rigid motions.

    With D = diag(sqrt(m)) and Q an orthonormal basis of what is orthogonal to rigid motions times D and to forbidden
    directions times D^-1, the eigenvalues of Q^T D^-1 H D^-1 Q are the squares of the frequencies. There are exactly as
    many as there are vibrations: six fewer than movable entries, five on a line, as many as
    movable entries where constraints hold the molecule.

    The antisymmetric part of the differences is nothing but error, of the potential and of the step, and as large as
    the error that stays in the symmetric part: N, mass-weighted as H is, says that the eigenvalue of a mode v is known
    to about |N v|. What is no more than a few times that is measured along the modes themselves (`looked_at_again`).

    Attributes
    ----------
    values : (m,) array
        Eigenvalues, ascending, eV/A^2/amu.
    errors : (m,) array
        To which they are known; a mode is flat where its eigenvalue is no more.
    vectors : (n, m) array
        Orthonormal, mass-weighted, of the n entries that may move.
    roots : (n,) array
        Of the masses of these entries, sqrt(amu).
    movable : (3N,) array of bool
    """

    values: Array
    errors: Array
    vectors: Array
    roots: Array
    movable: Array

    @classmethod
    def of(cls, differences: Array, masses: Array, movable: Array, rigid: Array, forbidden: Array) -> Self:
        """The modes of a Hessian.

        Parameters
        ----------
        differences : (n, n) array
            From `central_differences`, eV/A^2.
        masses : (N,) array
            amu.
        movable : (3N,) array of bool
            Its n entries that move.
        rigid : (3N, r) array
            Rigid motions that are left to the molecule.
        forbidden : (3N, k) array
            Directions in which constraints allow no move.
        """
        roots = np.sqrt(np.repeat(masses, 3)[movable])
        held = spanned([roots[:, None] * rigid[movable], forbidden[movable] / roots[:, None]])
        basis = complement(held)  # (n, m)
        seen = basis.T @ (differences / np.outer(roots, roots)) @ basis
        values, vectors = np.linalg.eigh((seen + seen.T) / 2)
        errors = np.linalg.norm((seen - seen.T) / 2 @ vectors, axis=0)
        return cls(values, errors, basis @ vectors, roots, movable)

    def looked_at_again(self, forces: Answers, x: Array) -> Self:
        r"""The modes, where some could be flat with the Hessian along all of these measured once more.

        .. math:: h_{ij}(s) = -\frac{(F(x + s v_i) - F(x - s v_i)) \cdot v_j}{2s}
        .. math:: R(s) = \frac{4 h(s) - h(2s)}{3}

        for each such mode i and every mode j; six force calls a mode. What R(s) and R(2s) differ by is noise in the
        forces, and then R(2s) is better known; or, where they differ far more for i = j than is usual for this i, it is
        the step, whose error in R(s) is a fifteenth of that. Errors of what couples other modes count to second order.
        """
        doubtful = np.flatnonzero(np.abs(self.values) <= DOUBT**2 * self.errors)
        if not len(doubtful):
            return self
        pairs = [self.along(int(number), forces, x) for number in doubtful]
        found, apart = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])  # (k, m)
        whole = np.diag(self.values)
        whole[doubtful], whole[:, doubtful] = found, found.T
        whole[np.ix_(doubtful, doubtful)] = (found[:, doubtful] + found[:, doubtful].T) / 2
        values, turns = np.linalg.eigh(whole)
        sure = np.setdiff1d(np.arange(len(values)), doubtful)
        errors = np.linalg.norm(apart[:, doubtful].T @ turns[doubtful], axis=0)
        errors += (1 / np.abs(self.values[sure])) @ (apart[:, sure].T @ turns[doubtful]) ** 2
        errors += self.errors[sure] @ turns[sure] ** 2
        return replace(self, values=values, errors=errors, vectors=self.vectors @ turns)

    def along(self, number: int, forces: Answers, x: Array) -> tuple[Array, Array]:
        """(m,) the mass-weighted Hessian between one mode and each, and its error."""
        move = self.modes[number].ravel()
        reach = np.array(ALONG) / np.linalg.norm(self.modes[number], axis=1).max()
        works = np.zeros((2 * len(reach), len(self.values)))
        for place, found in forces(x + far * move for far in np.concatenate([reach, -reach])):
            works[place] = (found[self.movable] / self.roots) @ self.vectors
        steps = reach * np.sqrt(self.reduced_masses[number])  # sqrt(amu) A
        once, twice, far = (works[len(reach) :] - works[: len(reach)]) / (2.0 * steps[:, None])
        near, other = (4.0 * once - twice) / 3.0, (4.0 * twice - far) / 3.0
        apart = np.abs(near - other)
        noise = USUAL * np.median(apart)
        if apart[number] > BEYOND * noise:
            return near, np.maximum(apart / SHORTER, noise)
        return other, np.maximum(apart, noise)  # one could be small by chance

    @cached_property
    def wavenumbers(self) -> Array:
        """(m,) cm^-1, ascending; imaginary ones are negative."""
        return per_cm(self.values)

    @cached_property
    def noise(self) -> Array:
        """(m,) cm^-1; a wavenumber up to this cannot be told from zero."""
        return per_cm(self.errors)

    @cached_property
    def modes(self) -> Array:
        """(m, N, 3) Cartesian displacements, each of norm 1."""
        moves = np.zeros((self.movable.size, len(self.values)))
        moves[self.movable] = self.vectors / self.roots[:, None]
        return (moves * np.sqrt(self.reduced_masses)).T.reshape(len(self.values), self.movable.size // 3, 3)

    @cached_property
    def reduced_masses(self) -> Array:
        """(m,) 1 / |D^-1 v|^2 of each, amu."""
        return 1.0 / ((self.vectors / self.roots[:, None]) ** 2).sum(axis=0)

    @cached_property
    def hessian(self) -> Array:
        """(n, n) symmetric, rigid motions and forbidden directions projected out, eV/A^2."""
        back = self.roots[:, None] * self.vectors
        return (back * self.values) @ back.T

    @cached_property
    def stiffness(self) -> Array:
        """(m,) along each of `modes`, eV/A^2: the curvature of the energy, negative for imaginary ones."""
        return self.reduced_masses * self.values

    @cached_property
    def flat(self) -> Array:
        """(m,) which modes cannot be told from zero."""
        return np.abs(self.values) <= self.errors

    @cached_property
    def imaginary(self) -> Array:
        """(m,) which modes are imaginary beyond doubt."""
        return (self.values < 0) & ~self.flat

    @property
    def order(self) -> int:
        """Number of imaginary modes: the order of the saddle, 0 where it is not one."""
        return int(self.imaginary.sum())

    @property
    def stationary(self) -> str:
        """What a geometry without forces is: minimum, saddle or flat."""
        return "saddle" if self.order else "flat" if self.flat.any() else "minimum"


def per_cm(values: Array) -> Array:
    """Wavenumbers, cm^-1, of eigenvalues in eV/A^2/amu; negative of negative ones."""
    return PER_CM * np.sign(values) * np.sqrt(np.abs(values))


def straightened(positions: Array) -> Array:
    """Positions (N, 3), put on a line where none is farther than 0.1 Angstrom from it, as few relaxed atoms are on it.

    A molecule on a line turns in two ways; the third turn of one that is bent by a hair is a vibration.

    >>> straightened(np.array([[0.0, 0.01, -1.2], [0.0, 0.0, 0.0], [0.0, 0.01, 1.2]])).round(4)[:, 1]
    array([0.0067, 0.0067, 0.0067])
    """
    centre = positions.mean(axis=0)
    axis = np.linalg.svd(positions - centre)[2][0]
    line = centre + np.outer((positions - centre) @ axis, axis)
    return line if np.linalg.norm(positions - line, axis=1).max() < STRAIGHT else positions


def complement(held: Array) -> Array:
    """(n, n - r) orthonormal columns that are orthogonal to those of `held` (n, r), themselves orthonormal."""
    return np.linalg.qr(held, mode="complete")[0][:, held.shape[1] :]
