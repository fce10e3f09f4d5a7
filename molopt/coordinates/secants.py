"""A model Hessian corrected by the last steps, and its minimum within a trust radius: the algebra of one system."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import linalg

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
    vectors, signs = corrections(linearization, steps[used], lacks[used], damping)
    spectrum = Spectrum.of(linearization, vectors, signs)

    def fits(move: Array) -> bool:
        return bool(linearization.longest_move(move)[0] <= maxstep) and bool(
            linearization.change(linearization.to_internal(move))[0] <= maxchange
        )

    shift = spectrum.shift(fits, radius)
    numbers = (spectrum.change(shift), spectrum.energy_left, spectrum.length(shift), float(shift > 0))
    displacement = linearization.to_internal(spectrum.step(shift))
    return SecantStep(displacement, *(np.array([number]) for number in numbers))


def corrections(linearization: "Linearization", steps: Array, lacks: Array, damping: float) -> tuple[Array, Array]:
    """v (3N, 2 m) and c (2 m,) such that H + v diag(c) v^T keeps the secants (m, nq), by damped BFGS, oldest first."""
    if not len(steps):
        return np.zeros((linearization.x.size, 0)), np.zeros(0)
    moves = linearization.to_cartesian(steps.T)  # (3N, m) s
    model = linearization.apply_cartesian(moves)  # (3N, m) H s
    wanted = linearization.pull_back(lacks.T) + model
    vectors, signs = np.zeros((len(moves), 2 * len(steps))), np.zeros(2 * len(steps))
    for n, (s, ms, y) in enumerate(zip(moves.T, model.T, wanted.T, strict=True)):
        earlier = vectors[:, : 2 * n]
        hs = ms + earlier @ (signs[: 2 * n] * (s @ earlier))
        shs, sy = float(s @ hs), float(s @ y)
        if shs <= 0:  # only by rounding, for a step of almost nothing
            continue
        if sy < damping * shs:
            part = (1 - damping) * shs / (shs - sy)
            y = part * y + (1 - part) * hs
            sy = damping * shs
        vectors[:, 2 * n], signs[2 * n] = y, 1 / sy
        vectors[:, 2 * n + 1], signs[2 * n + 1] = hs, -1 / shs
    return vectors, signs


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
    def of(cls, linearization: "Linearization", vectors: Array, signs: Array) -> "Spectrum":
        """That of H + v diag(c) v^T, from v (3N, 2 m) and c (2 m,)."""
        gradient, newton = linearization.cartesian_gradient, linearization.newton
        slope = float(gradient @ newton)
        if not signs.size:
            return cls(signs, signs, vectors, -newton, max(slope, 0.0))
        images = linearization.solve_cartesian(vectors)  # (3N, 2 m)
        values, basis = linalg.eigh(vectors.T @ images, check_finite=False)
        kept = values > 1e-12 * values.max(initial=0.0)
        roots, basis = np.sqrt(values[kept]), basis[:, kept]
        small = (basis * roots).T @ (signs[:, None] * (basis * roots))
        eigenvalues, turned = linalg.eigh(small, check_finite=False) if roots.size else (roots, np.zeros((0, 0)))
        coefficients = (basis / roots) @ turned
        slopes = coefficients.T @ (vectors.T @ newton)
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

    def shift(self, fits: Callable[[Array], bool], radius: float) -> float:
        """The smallest mu >= 0 whose step fits and is no longer than the radius, within 5 %."""

        def good(mu: float) -> bool:
            return self.length(mu) <= radius and fits(self.step(mu))

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
