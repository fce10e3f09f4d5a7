"""Runs of a study, put together again by their start."""

from collections import defaultdict
from collections.abc import Iterator

from molopt.comparison.cases import Case
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Record

Start = tuple[int, int]  # place of the molecule, seed


class Gathering:
    """Runs that end in any order, put together again by their start."""

    def __init__(self) -> None:
        self.expected: dict[Start, list[tuple[str, OptimizerSpec]]] = {}
        self.came: defaultdict[Start, list[tuple[Case, Record]]] = defaultdict(list)

    def expect(self, start: list[Case]) -> None:
        """All runs of one start, before the first of them ends."""
        self.expected[start[0].place, start[0].seed] = [(case.potential, case.optimizer) for case in start]

    def keep(self, case: Case, record: Record) -> None:
        """A run that was done before."""
        self.came[case.place, case.seed].append((case, record))

    def add(self, case: Case, record: Record) -> Iterator[list[tuple[Case, Record]]]:
        """One more run; its start, where that is whole with it, in the order in which its runs were expected."""
        self.keep(case, record)
        start = case.place, case.seed
        if len(self.came[start]) == len(self.expected[start]):
            order = self.expected.pop(start)
            yield sorted(self.came.pop(start), key=lambda came: order.index((came[0].potential, came[0].optimizer)))
