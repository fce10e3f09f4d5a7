"""Whether a run still gets anywhere."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from molopt.errors import RunStopped
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array


@dataclass
class Progress:
    """Watches the steps of one run, and ends it as stalled where nothing more can come of it.

    A run gains where the lowest energy falls by `fall`, or the smallest fmax by the part `share`. Slow runs gain,
    too: at the least gain a meV takes 100,000 force calls. A run has stalled, and is ended, where it gained nothing
    in `window` force calls; or where `still` steps in succession moved no atom by `resolution` or more, as steps do
    that are rejected again and again, or lost in rounding. One that has used up its steps is said to have stalled
    where it gained nothing in the last `tail` of them.

    No run of those measured that converged would have been ended (docs/stationary/guards.md): they went at most 16
    force calls without a gain where forces are smooth, 714 under noise of 20 meV/A, and 482 with a textbook rule that
    circles for long before it settles.

    Raises
    ------
    RunStopped
        From `see`, with "stalled".
    """

    window: int = 1000  # force calls
    tail: int = 100  # force calls
    fall: float = 1e-6  # eV
    share: float = 0.01
    resolution: float = 1e-8  # Angstrom; the shortest step of those runs was 3e-6
    still: int = 50  # steps
    start: Evaluated | None = None
    last: Evaluated | None = None
    energy: float = np.inf  # eV, the lowest at the last gain
    fmax: float = np.inf  # eV/A, the smallest then
    gained: int = 0  # force call of the last gain
    calls: int = 0  # so far
    unmoved: int = 0  # steps in succession

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
        self.calls = here.number
        if sense.start is not self.start:  # the run is measured anew, from where its constraints hold
            self.start, self.last, self.energy, self.fmax = sense.start, None, np.inf, np.inf
        if here.energy < self.energy - self.fall:
            self.energy, self.gained = here.energy, here.number
        if here.fmax < self.fmax * (1 - self.share):
            self.fmax, self.gained = here.fmax, here.number
        moved = np.inf if self.last is None else np.abs(here.positions - self.last.positions).max(initial=0.0)
        self.unmoved = self.unmoved + 1 if moved < self.resolution else 0
        self.last = here
        if self.unmoved >= self.still:
            raise RunStopped("stalled", f"{self.still} steps moved no atom by {self.resolution:g} A")
        if self.calls - self.gained >= self.window:
            raise self.stalled()

    def over(self) -> RunStopped | None:
        """What is said of a run that has used up its steps; None where it still gained."""
        return self.stalled() if self.calls - self.gained >= self.tail else None

    def stalled(self) -> RunStopped:
        idle = self.calls - self.gained
        return RunStopped("stalled", f"neither the lowest energy nor the smallest fmax fell in {idle} force calls")
