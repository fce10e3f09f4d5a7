"""Whether runs still get anywhere."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from molopt.errors import RunStopped
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array
from molopt.rules.state import PerSystem


class Gains(NamedTuple):
    """What S runs have gained so far."""

    energy: PerSystem  # (S,) eV, the lowest at the last gain
    fmax: PerSystem  # (S,) eV/A, the smallest then
    gained: PerSystem  # (S,) force call of the last gain
    unmoved: PerSystem  # (S,) steps in succession that went nowhere


@dataclass(frozen=True)
class Patience:
    """When S runs have stalled: nothing more can come of them.

    A run gains where the lowest energy falls by `fall`, or the smallest fmax by the part `share`. Slow runs gain,
    too: at the least gain a meV takes 100,000 force calls. A run has stalled where it gained nothing in `window` force
    calls; or where `still` steps in succession moved no atom by `resolution` or more, as steps do that are rejected
    again and again, or lost in rounding. One that has used up its steps is said to have stalled where it gained nothing
    in the last `tail` of them.

    No run of those measured that converged would have been ended (docs/notes/guards.md): they went at most 16
    force calls without a gain where forces are smooth, 714 under noise of 20 meV/A, and 482 with a textbook rule that
    circles for long before it settles.
    """

    window: int = 1000  # force calls
    tail: int = 100  # force calls
    fall: float = 1e-6  # eV
    share: float = 0.01
    resolution: float = 1e-8  # Angstrom; the shortest step of those runs was 3e-6
    still: int = 50  # steps

    def begin(self, count: int) -> Gains:
        """Before the first force call of so many runs."""
        nothing = np.zeros(count)
        return Gains(np.full(count, np.inf), np.full(count, np.inf), nothing, nothing)

    def see(self, gains: Gains, calls: Array, energy: Array, fmax: Array, moved: Array) -> Gains:
        """After a step of each run.

        Parameters
        ----------
        gains : Gains
        calls : (S,) array
            Force calls so far.
        energy, fmax : (S,) arrays
            Of the last, eV and eV/A.
        moved : (S,) array
            The longest move of an entry since the one before, Angstrom; infinite before there was one.
        """
        lower, smaller = energy < gains.energy - self.fall, fmax < gains.fmax * (1 - self.share)
        return Gains(
            np.where(lower, energy, gains.energy),
            np.where(smaller, fmax, gains.fmax),
            np.where(lower | smaller, calls, gains.gained),
            np.where(moved < self.resolution, gains.unmoved + 1, 0.0),
        )

    def stalled(self, gains: Gains, calls: Array) -> Array:
        """(S,) which runs are to be ended."""
        return (gains.unmoved >= self.still) | (calls - gains.gained >= self.window)

    def idle_at_last(self, gains: Gains, calls: Array) -> Array:
        """(S,) which runs, their steps used up, gained nothing of late."""
        return calls - gains.gained >= self.tail

    def why(self, gains: Gains, calls: Array, run: int = 0) -> RunStopped:
        """What is said of one run that has stalled."""
        if gains.unmoved[run] >= self.still:
            return RunStopped("stalled", f"{self.still} steps moved no atom by {self.resolution:g} A")
        idle = int(calls[run] - gains.gained[run])
        return RunStopped("stalled", f"neither the lowest energy nor the smallest fmax fell in {idle} force calls")


@dataclass
class Progress:
    """Watches the steps of one run, and ends it as stalled.

    Raises
    ------
    RunStopped
        From `see`, with "stalled".
    """

    patience: Patience = field(default_factory=Patience)
    start: Evaluated | None = None
    last: Evaluated | None = None

    def __post_init__(self) -> None:
        self.gains = self.patience.begin(1)
        self.calls = np.zeros(1)

    def watch(self, optimizer: Any, sense: Sense) -> None:
        """Look at each step of an ASE optimizer at which it has not converged; `sense` knows its force calls."""
        converged = optimizer.gradient_converged

        def asked(gradient: Array) -> bool:
            met = bool(converged(gradient))
            if not met:
                self.see(sense)
            return met

        optimizer.gradient_converged = asked

    def see(self, sense: Sense) -> None:
        """After a step."""
        here = sense.last
        if here is None:
            return
        if sense.start is not self.start:  # the run is measured again, from where its constraints hold
            self.start, self.last = sense.start, None
            self.gains = self.patience.begin(1)._replace(gained=self.gains.gained, unmoved=self.gains.unmoved)
        moved = np.inf if self.last is None else np.abs(here.positions - self.last.positions).max(initial=0.0)
        self.calls = np.array([float(here.number)])
        self.gains = self.patience.see(
            self.gains, self.calls, np.array([here.energy]), np.array([here.fmax]), np.array([moved])
        )
        self.last = here
        if self.patience.stalled(self.gains, self.calls)[0]:
            raise self.patience.why(self.gains, self.calls)

    def over(self) -> RunStopped | None:
        """What is said of a run that has used up its steps; None where it still gained."""
        idle = self.patience.idle_at_last(self.gains, self.calls)[0]
        return self.patience.why(self.gains._replace(unmoved=np.zeros(1)), self.calls) if idle else None
