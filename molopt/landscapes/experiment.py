"""A claim about optimizers, and what shows whether it holds: on a model surface, and on a molecule."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from molopt.errors import MissingExtra
from molopt.landscapes.chart import Drawing

log = logging.getLogger("molopt")

SEED = 7  # of what is drawn by chance, unless the user says otherwise


@dataclass(frozen=True)
class Number:
    """A figure that was measured, beside what the claim makes of it.

    Attributes
    ----------
    what : str
    measured : float
    predicted : float, optional
        What theory says; the claim holds where `measured` is within `within` of it, relative to it.
    within : float
        0 asks for the same bits.
    least, most : float, optional
        Where the claim is an inequality. Without any of the three the figure is there to be read, and claims nothing.
    unit : str

    Examples
    --------
    >>> Number("speed, in that of gradient descent", 9.97, predicted=10, within=0.02).holds
    True
    >>> Number("steps", 12.0, most=10).expected, Number("steps", 12.0, most=10).holds
    ('at most 10', False)
    """

    what: str
    measured: float
    predicted: float | None = None
    within: float = 0.05
    least: float | None = None
    most: float | None = None
    unit: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the claim holds; None where nothing is claimed."""
        asked: list[bool] = []
        if self.predicted is not None:
            asked.append(self.measured == self.predicted or self.off <= self.within)
        if self.least is not None:
            asked.append(self.measured >= self.least)
        if self.most is not None:
            asked.append(self.measured <= self.most)
        return all(asked) if asked else None

    @property
    def off(self) -> float:
        """How far the measured figure is from the predicted one, relative to it."""
        if self.predicted is None or not math.isfinite(self.measured):
            return math.inf
        return abs(self.measured - self.predicted) / (abs(self.predicted) or 1.0)

    @property
    def expected(self) -> str:
        """What the claim says of the figure."""
        found = []
        if self.predicted is not None:
            found.append(
                f"{self.predicted:.4g}" + (f" within {100 * self.within:.3g} %" if self.within else " exactly")
            )
        if self.least is not None:
            found.append(f"at least {self.least:.4g}")
        if self.most is not None:
            found.append(f"at most {self.most:.4g}")
        return " and ".join(found)


@dataclass(frozen=True)
class Outcome:
    """What was seen.

    Attributes
    ----------
    figures : sequence of Chart or SurfaceMap
    numbers : sequence of Number
    says : str
        What was seen, in a sentence or two that follow from the numbers.

    Examples
    --------
    >>> print(Outcome((), [Number("speed", 9.0, predicted=10)], "It moves.").verdict)
    Does not hold as stated: speed is 9, and 10 within 5 % was expected. It moves.
    """

    figures: Sequence[Drawing]
    numbers: Sequence[Number]
    says: str

    @property
    def holds(self) -> bool:
        return all(number.holds is not False for number in self.numbers)

    @property
    def verdict(self) -> str:
        """Whether the claim holds, with each figure that is not as it says, and what was seen."""
        missed = [
            f"{number.what} is {number.measured:.4g}, and {number.expected} was expected"
            for number in self.numbers
            if number.holds is False
        ]
        return f"{'Does not hold as stated: ' + '; '.join(missed) if missed else 'Holds'}. {self.says}".strip()


@dataclass(frozen=True)
class Experiment:
    """A claim, why it should hold, and the functions that look whether it does.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
    claim : str
        What is said of the optimizers.
    theory : str
        Why, with the equation.
    model : callable
        Seed to Outcome, on a model surface.
    molecule : callable, optional
        Seed to Outcome, on a molecule.
    sources : sequence of str
        Of claim and theory.
    """

    name: str
    title: str
    claim: str
    theory: str
    model: Callable[[int], Outcome]
    molecule: Callable[[int], Outcome] | None = None
    sources: Sequence[str] = ()

    def run(self, seed: int = SEED) -> "Finding":
        """Look at the model surface, and at the molecule if there is one and its potential is installed."""
        begun = time.process_time()
        outcomes = {"model surface": self.model(seed)}
        if self.molecule is not None:
            try:
                outcomes["molecule"] = self.molecule(seed)
            except MissingExtra as error:
                log.warning("%s: the molecule is left out: %s", self.name, error)
        return Finding(self, outcomes, time.process_time() - begun)


@dataclass(frozen=True)
class Finding:
    """An experiment that was run.

    Attributes
    ----------
    experiment : Experiment
    outcomes : mapping of str to Outcome
        Of the "model surface" and of the "molecule".
    seconds : float
        CPU time.
    """

    experiment: Experiment
    outcomes: Mapping[str, Outcome]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every figure is as the claim says."""
        return all(outcome.holds for outcome in self.outcomes.values())
