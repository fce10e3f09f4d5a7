"""A model energy surface that every ASE optimizer can run on."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from ase.optimize.optimize import Optimizable

from molopt.rules.partition import Array

ROW = 3  # ASE's optimizers reshape x into rows of three, as if each were an atom


class Surface(Optimizable):
    """An energy as a function of n coordinates, at one point of it; optimizers move that point.

    The optimizer classes of molopt and of ASE take it where they take atoms. They see rows of three, filled up with
    coordinates that have no gradient and do not move: a point (x, y) is an atom at (x, y, 0). Every point whose
    gradient was asked for is kept in `seen`: that is a force call.

    Parameters
    ----------
    name : str
    energy : callable
        (n,) array to float, eV.
    gradient : callable
        (n,) array to (n,) array, eV/A.
    start : (n,) array
        Angstrom.
    window : pair of pairs of float, optional
        The range of the first two coordinates that a map of it shows.

    Examples
    --------
    >>> import molopt
    >>> bowl = Surface("bowl", lambda x: float(x @ x), lambda x: 2 * x, [1.0, -2.0])
    >>> molopt.GradientDescent(bowl, lr=0.25, control=None, logfile=None).run(fmax=1e-6, steps=100)
    True
    >>> bowl.x.round(5), len(bowl.seen)
    (array([ 0., -0.]), 24)
    """

    def __init__(
        self,
        name: str,
        energy: Callable[[Array], float],
        gradient: Callable[[Array], Array],
        start: Any,
        window: tuple[tuple[float, float], tuple[float, float]] | None = None,
    ) -> None:
        self.name = name
        self.energy = energy
        self.gradient = gradient
        self.start: Array = np.array(start, dtype=float)
        self.window = window
        self.x = self.start.copy()
        self.seen: list[tuple[Array, float, Array]] = []  # x, energy, gradient of each force call

    def at(self, x: Any = None) -> Self:
        """The same surface at another point, by default its start, with nothing seen yet."""
        return type(self)(self.name, self.energy, self.gradient, self.start if x is None else x, self.window)

    def scaled(self, factor: Any) -> Self:
        """The surface whose gradient is `factor` times as long, a number or (n,) one for each coordinate.

        With a number the energy is scaled, too. With several there is no such energy; it stays as it is.
        """
        times = float(factor) if np.ndim(factor) == 0 else 1.0
        return type(self)(
            self.name, lambda x: times * self.energy(x), lambda x: factor * self.gradient(x), self.start, self.window
        )

    # What ASE's optimizers ask for

    def ndofs(self) -> int:
        return self.x.size + -self.x.size % ROW

    def get_x(self) -> Array:
        return self.padded(self.x)

    def set_x(self, x: Array) -> None:
        self.x = np.array(x[: self.x.size], dtype=float)

    def get_gradient(self) -> Array:
        return self.padded(self.looked_at()[2])

    def get_value(self) -> float:
        return self.looked_at()[1]

    def iterimages(self) -> Iterator[Any]:
        return iter(())

    def looked_at(self) -> tuple[Array, float, Array]:
        """Point, energy and gradient here; counted once."""
        if not self.seen or not np.array_equal(self.seen[-1][0], self.x):
            self.seen.append(
                (self.x.copy(), float(self.energy(self.x)), np.asarray(self.gradient(self.x), dtype=float))
            )
        return self.seen[-1]

    def padded(self, values: Array) -> Array:
        return np.concatenate([values, np.zeros(-values.size % ROW)])
