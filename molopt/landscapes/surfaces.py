"""The model surfaces: each has one trait of a molecule's, and nothing else. Coordinates in Angstrom, energies in eV."""

from collections.abc import Sequence

import numpy as np

from molopt.landscapes.surface import Surface
from molopt.rules.partition import Array


def quadratic(stiffness: Sequence[float] | Array, start: Sequence[float] | Array) -> Surface:
    """E = sum k x^2 / 2 with the stiffness k (n,), eV/A^2."""
    k = np.asarray(stiffness, dtype=float)
    far = 1.2 * float(np.abs(start).max())
    return Surface("quadratic", lambda x: float(0.5 * k @ (x * x)), lambda x: k * x, start, ((-far, far), (-far, far)))


def ravine(condition: float, angle: float = 0.0) -> Surface:
    """A ravine: curvature `condition` across and 1 eV/A^2 along, turned by an angle (radians) in its plane.

    It starts on the wall, where the gradients along and across are far apart.
    """
    k, turn = np.array([1.0, condition]), rotation(angle)
    hessian = turn @ np.diag(k) @ turn.T
    return Surface(
        "ravine",
        lambda x: float(0.5 * x @ hessian @ x),
        lambda x: hessian @ x,
        turn @ np.array([-1.0, 0.3]),
        ((-1.2, 0.4), (-0.5, 0.5)),
    )


def rotation(angle: float) -> Array:
    """(2, 2) by an angle in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def plateau(steep: float = 1.0, flat: float = 0.01, length: float = 2.0, width: float = 0.05) -> Surface:
    """A slope, a plateau, a slope, and a valley: what a torsion far from its minimum sees.

    The gradient along x is -`steep` (eV/A) before 0 and behind `length` (A), and -`flat` between; behind that follows a
    harmonic valley whose floor is 1.5 A behind the plateau. Each change takes about `width` (A). Across, along y, there
    is a spring of 1 eV/A^2.
    """
    edge, bottom, wall = length, length + 1.5, 4.0  # A, A, eV/A^2 of the last rise

    def along(x: float) -> tuple[float, float]:
        """Energy and its derivative, from softened ramps."""
        energy, slope = -flat * x, -flat
        for sign, place, height in ((-1.0, 0.0, steep - flat), (1.0, edge, steep - flat)):
            z = sign * (x - place) / width
            energy -= (
                sign * height * width * np.logaddexp(0.0, z) if sign > 0 else -height * width * np.logaddexp(0.0, z)
            )
            slope -= height * expit(z)
        z = (x - bottom) / width
        ramp = width * np.logaddexp(0.0, z)
        energy += steep * ramp + 0.5 * wall * ramp * ramp
        slope += (steep + wall * ramp) * expit(z)
        return float(energy), float(slope)

    return Surface(
        "plateau",
        lambda x: along(x[0])[0] + 0.5 * x[1] * x[1],
        lambda x: np.array([along(x[0])[1], x[1]]),
        [-0.3, 0.3],
        ((-0.6, bottom + 0.6), (-0.6, 0.6)),
    )


def expit(z: float) -> float:
    """1 / (1 + exp(-z)), for any z."""
    return float(0.5 * (1.0 + np.tanh(0.5 * z)))


def double_well(narrow: float = 0.08, wide: float = 0.5, apart: float = 1.6) -> Surface:
    """Two Gaussian wells, 1 eV deep, in a shallow bowl: a narrow one at -`apart` / 2 and a wide one at +`apart` / 2.

    `narrow` and `wide` are their standard deviations, A: the curvature at the bottom is 1 / width^2 eV/A^2.
    """
    centres, widths, bowl = np.array([-apart / 2, apart / 2]), np.array([narrow, wide]), 0.05  # A, A, eV/A^2

    def parts(x: Array) -> tuple[Array, Array]:
        from_centres = x[0] - centres
        return from_centres, np.exp(-0.5 * (from_centres**2 + x[1] ** 2) / widths**2)

    def gradient(x: Array) -> Array:
        from_centres, depth = parts(x)
        pull = depth / widths**2
        return np.array([pull @ from_centres, pull.sum() * x[1]]) + bowl * x

    return Surface(
        "double well",
        lambda x: float(-parts(x)[1].sum() + 0.5 * bowl * x @ x),
        gradient,
        [-1.9, 0.0],
        ((-2.2, 2.2), (-1.0, 1.0)),
    )


def slope_then_valley(
    length: float | Array = 5.0,
    steepness: float | Array = 1.0,
    depth: float | Array = 1.0,
    wave: float | Array = 2.0,
) -> Surface:
    """A straight slope of some length (A) and steepness (eV/A) down to x = 0, then E = depth cos(2 pi x / wave).

    Slope and cosine are joined at the maximum at x = 0; the first valley is at wave / 2, and valleys repeat. With
    arrays (n,) there are as many coordinates that know nothing of each other.
    """
    number = 2 * np.pi / wave

    def energy(x: Array) -> float:
        return float(np.where(x < 0, depth - steepness * x, depth * np.cos(number * x)).sum())

    def gradient(x: Array) -> Array:
        return np.where(x < 0, -steepness, -depth * number * np.sin(number * x))

    return Surface("slope, then valley", energy, gradient, -np.atleast_1d(length))


def rosenbrock() -> Surface:
    """E = (1 - x)^2 + 100 (y - x^2)^2: a ravine that bends; its floor is at (1, 1)."""
    return Surface(
        "Rosenbrock",
        lambda x: float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2),
        lambda x: np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]),
        [-1.2, 1.0],
        ((-1.6, 1.6), (-0.5, 1.6)),
    )


def muller_brown() -> Surface:
    """Müller's and Brown's surface of three minima and two saddles, in hundredths of its published height.

    References
    ----------
    K. Müller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979), eq. 5.
    """
    height = np.array([-2.0, -1.0, -1.7, 0.15])  # eV
    a, b, c = np.array([-1.0, -1.0, -6.5, 0.7]), np.array([0.0, 0.0, 11.0, 0.6]), np.array([-10.0, -10.0, -6.5, 0.7])
    x0, y0 = np.array([1.0, 0.0, -0.5, -1.0]), np.array([0.0, 0.5, 1.5, 1.0])

    def parts(x: Array) -> tuple[Array, Array, Array]:
        dx, dy = x[0] - x0, x[1] - y0
        return dx, dy, height * np.exp(a * dx * dx + b * dx * dy + c * dy * dy)

    def gradient(x: Array) -> Array:
        dx, dy, terms = parts(x)
        return np.array([terms @ (2 * a * dx + b * dy), terms @ (b * dx + 2 * c * dy)])

    return Surface(
        "Müller-Brown", lambda x: float(parts(x)[2].sum()), gradient, [-0.8, 0.6], ((-1.7, 1.2), (-0.4, 2.1))
    )


def torsion_chain(torsions: int = 10, barrier: float = 0.12, coupling: float = 0.03, start: float = 1.0) -> Surface:
    """A chain of torsions t, radians: E = sum barrier (1 + cos 3 t) / 2 + sum coupling (1 - cos(t_i - t_(i+1))).

    Threefold barriers as in an alkane (0.12 eV), and neighbours that prefer to turn together. All start near the tops
    of their barriers: t_i = 0.1 `start` cos(i).
    """

    def energy(t: Array) -> float:
        return float(0.5 * barrier * (1 + np.cos(3 * t)).sum() + coupling * (1 - np.cos(np.diff(t))).sum())

    def gradient(t: Array) -> Array:
        found = -1.5 * barrier * np.sin(3 * t)
        between = coupling * np.sin(np.diff(t))
        found[1:] += between
        found[:-1] -= between
        return found

    return Surface("torsion chain", energy, gradient, 0.1 * start * np.cos(np.arange(torsions)))


ALL = (ravine, plateau, double_well, slope_then_valley, rosenbrock, muller_brown, torsion_chain)
