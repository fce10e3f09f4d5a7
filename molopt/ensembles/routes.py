"""By which routes a search on an expensive potential gets its starts, and what each route has given."""

import numpy as np

ROUTES = {
    "survey": "a minimum of the cheap potential",
    "child": "a child of a minimum of the ranking potential, relaxed on the cheap one",
    "freed": "such a child, only freed of clashes: for basins that the cheap potential does not have",
    "neighbour": "one change of a low minimum of the ranking potential, each once, freed of clashes",
}
TOUCHED = ("freed", "neighbour")  # whose starts are not at rest on the cheap potential


class Yield:
    """What a route has given for its force calls.

    Attributes
    ----------
    calls : int
    new : int
        Minima within the window that were new.
    """

    def __init__(self) -> None:
        self.calls, self.new = 0, 0

    @property
    def rate(self) -> float:
        """New minima a force call; a route begins as if 100 calls had given it four."""
        return (self.new + 4.0) / (self.calls + 100.0)


def shares(yields: dict[str, Yield], batch: int) -> dict[str, int]:
    """How many of `batch` starts come by each route: in proportion to what it gives for its calls, and at least two.

    >>> shares({"survey": Yield(), "child": Yield()}, 16)
    {'survey': 8, 'child': 8}
    """
    if not yields:
        return {}
    rates = np.array([each.rate for each in yields.values()])
    parts = 2 + np.floor((batch - 2 * len(rates)) * rates / rates.sum()).astype(int)
    parts[np.argmax(rates)] += batch - parts.sum()
    return dict(zip(yields, parts.tolist(), strict=True))
