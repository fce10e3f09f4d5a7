"""What checks were asked for, in plain values."""

import math
from dataclasses import dataclass

from molopt.library.asked import NAME, SWITCH, Asked
from molopt.stationary.frequencies import STEP
from molopt.stationary.thermochemistry import ATMOSPHERE, Conditions
from molopt.store.checking import positive
from molopt.store.settings import Kinds, between, or_none

ABOVE_0 = (lambda value: positive(value) and math.isfinite(value), "a number above 0")
KINDS: Kinds = {
    "potential": NAME,
    "frequencies": SWITCH,
    "fmax": ABOVE_0,
    "temperature": ABOVE_0,
    "pressure": ABOVE_0,
    "symmetry_number": (or_none(between(1)), "a whole number above 0"),
    "even_if_not_a_minimum": SWITCH,
    "displacement": ABOVE_0,
}


@dataclass(frozen=True)
class Request(Asked):
    """What is checked, and how; the arguments are those of `molopt.check`."""

    FILE = "check.json"
    WHAT = "check"
    COMMAND = "molopt check"
    FURTHER = KINDS

    potential: str = "mmff94"
    frequencies: bool = False
    fmax: float = 0.05
    temperature: float = Conditions.temperature
    pressure: float = ATMOSPHERE
    symmetry_number: int | None = None
    even_if_not_a_minimum: bool = False
    displacement: float = STEP

    @property
    def potentials(self) -> list[str]:
        return [self.potential]
