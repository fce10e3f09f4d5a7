"""What a search was asked for, in plain values."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from molopt.ensembles.ensemble import Ensemble, Round
from molopt.ensembles.finding import conformers, unsaid
from molopt.library.asked import NAME, SWITCH, Asked
from molopt.molecules import Molecule
from molopt.molecules.entries import Entry
from molopt.store.checking import positive
from molopt.store.settings import Kinds, between, or_none

CONFORGE = "cdpkit"  # which adds seeds where it is installed


def finite(value: Any) -> bool:
    return positive(value) and math.isfinite(value)


ABOVE_0 = "a whole number above 0"
KINDS: Kinds = {
    "potential": (or_none(NAME[0]), NAME[1]),
    "refine": (or_none(NAME[0]), NAME[1]),
    "count": (or_none(between(1)), ABOVE_0),
    "window": (finite, "a number of kcal/mol above 0"),
    "temperature": (finite, "a number of K above 0"),
    "threshold": (finite, "a number of A above 0"),
    "mirror": (lambda value: value in ("merge", "keep"), "merge or keep"),
    "until_no_new": (or_none(between(1)), ABOVE_0),
    "max_calls": (or_none(between(1)), ABOVE_0),
    "early_stops": SWITCH,
    "free_energy": SWITCH,
}


@dataclass(frozen=True)
class Request(Asked):
    """What is searched, and how; the numbers are those of `molopt.conformers`."""

    FILE = "search.json"
    WHAT = "search"
    COMMAND = "molopt conformers"
    FURTHER = KINDS

    potential: str | None = None
    refine: str | None = None
    count: int | None = None
    window: float = 6.0
    temperature: float = 298.15
    threshold: float = 0.125
    mirror: str = "merge"
    until_no_new: int | None = None
    max_calls: int | None = None
    early_stops: bool = True
    free_energy: bool = False

    @property
    def potentials(self) -> list[str]:
        return [name for name in (self.potential, self.refine) if name is not None]

    @property
    def programs(self) -> list[str]:
        return [CONFORGE]

    def search(
        self,
        molecule: Molecule,
        listed: Entry | Molecule,
        workers: int = 1,
        journal: Path | None = None,
        on_round: Callable[[Round], object] | None = None,
    ) -> Ensemble:
        """The conformers of the molecule that was read from what is listed, as they were asked for."""
        found = conformers(
            molecule,
            self.potential,
            self.refine,
            count=self.count,
            window=self.window,
            temperature=self.temperature,
            seed=self.seed,
            threshold=self.threshold,
            mirror=self.mirror,
            until_no_new=self.until_no_new,
            max_calls=self.max_calls,
            early_stops=self.early_stops,
            free_energy=self.free_energy,
            given=not (isinstance(listed, Entry) and listed.is_smiles),
            workers=workers,
            journal=journal,
            on_round=on_round,
        )
        if isinstance(listed, Entry) and listed.is_smiles:
            found.notes += unsaid(listed.text, molecule)
        return found
