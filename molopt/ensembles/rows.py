"""Arrays that grow row by row."""

import numpy as np

from molopt.rules.partition import Array


class Rows:
    """Rows of one shape; room doubles where it is used up, so that adding n rows costs n.

    >>> rows = Rows((2,))
    >>> for k in range(100):
    ...     rows.append(np.array([k, 2 * k]))
    >>> rows.view[99].tolist(), len(rows)
    ([99.0, 198.0], 100)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._room = np.zeros((16, *shape))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, row: Array) -> None:
        if self._count == len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self._count] = row
        self._count += 1

    def replace(self, number: int, row: Array) -> None:
        self.view[number] = row

    @property
    def view(self) -> Array:
        """(count, ...) the rows, not copied."""
        return self._room[: self._count]
