"""Sweeping a hyper-parameter: `lr=0.003:0.3:9` as optimizers."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from molopt.errors import InputError
from molopt.optimizers.spec import OptimizerSpec
from molopt.specification import literal

MOST = 100  # values
DIGITS = 4  # of a swept value: what a reader wants to see in a legend


class Sweep(NamedTuple):
    """Values of one hyper-parameter, equal factors apart."""

    key: str
    lowest: float
    highest: float
    points: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `key=lowest:highest:count`; InputError where it is none.

        >>> Sweep.parse("lr=0.003:0.3:9").values[:3]
        [0.003, 0.005335, 0.009487]
        """
        key, _, rest = text.partition("=")
        parts = rest.split(":")
        try:
            lowest, highest, count = float(parts[0]), float(parts[1]), int(parts[2])
        except (IndexError, ValueError):
            raise InputError(f"a sweep is key=lowest:highest:count, such as lr=0.003:0.3:9, got {text!r}") from None
        if len(parts) != 3 or not (0 < lowest < highest < np.inf and 2 <= count <= MOST):
            raise InputError(f"a sweep goes from a positive value to a larger one in 2 to {MOST} steps, got {text!r}")
        return cls(key.strip(), lowest, highest, count)

    @property
    def values(self) -> list[float]:
        grid = np.geomspace(self.lowest, self.highest, self.points)
        return [float(f"{value:.{DIGITS}g}") for value in grid]

    def over(self, optimizers: Sequence[OptimizerSpec]) -> list[OptimizerSpec]:
        """Each with every value, of those that have the hyper-parameter and were not given it; the others as they are.

        >>> given = [OptimizerSpec.of(text) for text in ("adam?b1=0.8", "bfgs")]
        >>> [spec.abbreviated for spec in Sweep("lr", 0.01, 0.1, 2).over(given)]
        ['adam?lr=0.01&b1=0.8', 'adam?lr=0.1&b1=0.8', 'bfgs']
        """
        swept: list[OptimizerSpec] = []
        for spec in optimizers:
            if self.key in spec.keywords and self.key not in spec.said:
                swept += [spec.having(**{self.key: literal(f"{value:g}")}) for value in self.values]
            else:
                swept.append(spec)
        if len(swept) == len(optimizers):
            names = ", ".join(spec.abbreviated for spec in optimizers)
            raise InputError(f"none of {names} has an argument {self.key!r} that could be swept")
        return swept
