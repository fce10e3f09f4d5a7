"""A model Hessian corrected by the last steps, and its minimum within a trust radius: the algebra of one system."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from molopt.rules.partition import Array

if TYPE_CHECKING:
    from molopt.coordinates.base import Linearization

FLATTEST = 1e-3  # eigenvalue of the corrected over the model Hessian; damping keeps all positive but for rounding
STIFFEST = 1e12  # shift at which any step is next to nothing
HALVINGS = 4  # of the interval that holds the shift; it is then known within 5 %


class SecantStep(NamedTuple):
    """A step of S systems, and what the corrected model says of it."""

    displacement: Array  # (nq,) in u
    predicted: Array  # (S,) change of the energy, eV
    energy_left: Array  # (S,) eV
    length: Array  # (S,) in the metric of the model Hessian, sqrt(eV)
    limited: Array  # (S,) 1 where a limit shortened it, else 0


def secant_step(
    linearization: "Linearization",
    steps: Array,
    lacks: Array,
    damping: float,
    radius: float,
    maxstep: float,
    maxchange: float,
) -> SecantStep:
    """The minimum of one system's corrected model: arguments as in `Linearization.secant_step`."""
    used = steps.any(axis=1)
    spectrum = Spectrum.of(linearization, corrections(linearization, steps[used], lacks[used], damping))

    whole = spectrum.step(0.0)
    displacement = linearization.to_internal(whole)

    def fits(shift: float) -> bool:
        move = spectrum.step(shift) if shift else whole
        if not linearization.longest_move(move)[0] <= maxstep:
            return False
        return bool(linearization.change(linearization.to_internal(move) if shift else displacement)[0] <= maxchange)

    shift = spectrum.shift(fits, radius)
    if shift:
        displacement = linearization.to_internal(spectrum.step(shift))
    numbers = (spectrum.change(shift), spectrum.energy_left, spectrum.length(shift), float(shift > 0))
    return SecantStep(displacement, *(np.array([number]) for number in numbers))


class Corrections(NamedTuple):
    """V diag(c) V^T, what is added to a model Hessian, with V = `parts` times `combinations`."""

    parts: Array  # (3N, k) of which H s and the wanted H' s of each secant are the columns
    combinations: Array  # (k, k)
    signs: Array  # (k,) c


def corrections(linearization: "Linearization", steps: Array, lacks: Array, damping: float) -> Corrections:
    """What makes a model Hessian keep the secants (m, nq), oldest first: damped BFGS.

    It is done on the coefficients of 2 m vectors, whose inner products are all that it needs.
    """
    count = len(steps)
    combinations, signs = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
    if not count:
        return Corrections(np.zeros((linearization.x.size, 0)), combinations, signs)
    pulled = linearization.pull_back(np.concatenate([steps, lacks]).T)  # (3N, 2 m)
    moves = linearization.solve_metric(pulled[:, :count])  # (3N, m) s
    model = linearization.apply_cartesian(moves)  # (3N, m) H s
    parts = np.concatenate([model, pulled[:, count:] + model], axis=1)  # (3N, 2 m)
    products = moves.T @ parts  # (m, 2 m)
    for n, row in enumerate(products):
        earlier = combinations[:, : 2 * n]
        hs = earlier @ (signs[: 2 * n] * (row @ earlier))
        hs[n] += 1.0
        y = np.zeros(2 * count)
        y[count + n] = 1.0
        shs, sy = float(row @ hs), float(row[count + n])
        if shs <= 0:  # only by rounding, for a step of almost nothing
            continue
        if sy < damping * shs:
            part = (1 - damping) * shs / (shs - sy)
            y = part * y + (1 - part) * hs
            sy = damping * shs
        combinations[:, 2 * n], signs[2 * n] = y, 1 / sy
        combinations[:, 2 * n + 1], signs[2 * n + 1] = hs, -1 / shs
    return Corrections(parts, combinations, signs)


def eigen(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues (k,), ascending, and eigenvectors (k, k) of a small symmetric matrix."""
    if not matrix.size:
        return np.zeros(0), matrix
    values, vectors, failed = lapack.dsyevd(matrix, lower=1)
    if failed:
        raise linalg.LinAlgError("the eigenvalues of a correction do not converge")
    return values, vectors


@dataclass(frozen=True)
class Spectrum:
    """The corrected Hessian in the metric of the model's: eigenvalues along k directions, and 1 along all others.

    Attributes
    ----------
    eigenvalues, slopes : (k,) arrays
        Along each direction, and the gradient along it.
    directions : (3N, k) array
        Orthonormal in the metric of H, Angstrom.
    rest : (3N,) array
        What the model's Newton step has outside of them; its squared norm is `slope`, eV.
    """

    eigenvalues: Array
    slopes: Array
    directions: Array
    rest: Array
    slope: float

    @classmethod
    def of(cls, linearization: "Linearization", found: Corrections) -> "Spectrum":
        """That of H with these corrections."""
        gradient, newton = linearization.cartesian_gradient, linearization.newton
        parts, combinations, signs = found
        slope = float(gradient @ newton)
        if not signs.size:
            return cls(signs, signs, parts, -newton, max(slope, 0.0))
        images = linearization.solve_cartesian(parts)  # (3N, 2 m)
        values, basis = eigen(combinations.T @ (parts.T @ images) @ combinations)
        kept = values > 1e-12 * values.max(initial=0.0)
        roots, basis = np.sqrt(values[kept]), basis[:, kept]
        scaled = basis * roots
        eigenvalues, turned = eigen(scaled.T @ (signs[:, None] * scaled))
        coefficients = combinations @ ((basis / roots) @ turned)
        slopes = coefficients.T @ (parts.T @ newton)
        directions = images @ coefficients
        rest = directions @ slopes - newton
        return cls(
            np.maximum(1 + eigenvalues, FLATTEST), slopes, directions, rest, max(slope - float(slopes @ slopes), 0.0)
        )

    def step(self, shift: float) -> Array:
        """(3N,) -(H' + shift H)^+ g, H' the corrected Hessian."""
        return self.rest / (1 + shift) - self.directions @ (self.slopes / (self.eigenvalues + shift))

    def length(self, shift: float) -> float:
        """Norm of the step in the metric of the model Hessian, sqrt(eV)."""
        parts = self.slopes / (self.eigenvalues + shift)
        return float(np.sqrt(parts @ parts + self.slope / (1 + shift) ** 2))

    def change(self, shift: float) -> float:
        """Change of the energy that the quadratic model predicts for the step, eV; never positive."""
        parts = self.slopes / (self.eigenvalues + shift)
        along = -self.slopes @ parts + 0.5 * (self.eigenvalues * parts) @ parts
        return float(along) - self.slope * (0.5 + shift) / (1 + shift) ** 2

    @property
    def energy_left(self) -> float:
        """g . H'^+ g / 2, eV."""
        return 0.5 * (float(self.slopes @ (self.slopes / self.eigenvalues)) + self.slope)

    def shift(self, fits: Callable[[float], bool], radius: float) -> float:
        """The smallest mu >= 0 whose step fits and is no longer than the radius, within 5 %."""

        def good(mu: float) -> bool:
            return self.length(mu) <= radius and fits(mu)

        if good(0.0):
            return 0.0
        high = 0.01
        while high < STIFFEST and not good(high):
            high *= 2
        low = high / 2
        for _ in range(HALVINGS):
            middle = np.sqrt(low * high)
            low, high = (low, middle) if good(middle) else (middle, high)
        return float(high)
