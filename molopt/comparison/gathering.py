"""Runs of a study, put together again by their start."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from molopt.comparison.cases import Case
from molopt.record import Record
from molopt.store import Store

Start = tuple[int, int]  # place of the molecule, seed


class Gathering:
    """Runs that end in any order, put together again by their start."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.plan: defaultdict[Start, dict[str, Case]] = defaultdict(dict)  # by key, in the order of the study
        self.under_way: Counter[Start] = Counter()  # runs that have not ended; starts without new runs are not here
        self.drawing: Start | None = None

    def expect(self, case: Case, key: str, done: bool) -> None:
        """One more run is of the plan, done before or on its way."""
        start = case.place, case.seed
        if start != self.drawing:
            self.drawn()
            self.drawing = start
        self.plan[start][key] = case
        if not done:
            self.under_way[start] += 1

    def drawn(self) -> None:
        """All runs of the present start were expected; where none is new, it is forgotten."""
        if self.drawing is not None and self.drawing not in self.under_way:
            del self.plan[self.drawing]
        self.drawing = None

    def ended(self, case: Case) -> Iterator[list[tuple[Case, Record]]]:
        """The starts that are complete now that a run has ended and is stored."""
        self.under_way[case.place, case.seed] -= 1
        return self.complete()

    def complete(self) -> Iterator[list[tuple[Case, Record]]]:
        for start in [start for start, left in self.under_way.items() if not left and start != self.drawing]:
            del self.under_way[start]
            found = [(case, self.store.get(key)) for key, case in self.plan.pop(start).items()]
            yield [(case, record) for case, record in found if record is not None]
