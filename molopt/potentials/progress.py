"""Whether a run still gets anywhere."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from molopt.errors import RunStopped
from molopt.potentials.sense import Evaluated, Sense
from molopt.rules.partition import Array


@dataclass
class Progress:
    """Watches the steps of one run, and ends it as stalled where nothing more can come of it.

    It has stalled where, over `window` force calls, neither the lowest energy fell by `fall` nor the smallest fmax by
    the part `share`; or where `still` steps in succession moved no atom by `resolution` or more, as steps do that are
    rejected again and again, or that are lost in rounding. A slow run is not a stalled one: at the least gain that
    counts, one of a thousand atoms or of three, a meV takes 100,000 force calls.

    What runs need that converge in the end is in docs/stationary/guards.md.

    Raises
    ------
    RunStopped
        From `see`, with "stalled".
    """

    window: int = 100  # force calls; runs that converged in the end went at most 7 without a gain
    fall: float = 1e-6  # eV
    share: float = 0.01
    resolution: float = 1e-8  # Angstrom; the shortest step of those runs was 7e-6
    still: int = 50  # steps
    start: Evaluated | None = None
    last: Evaluated | None = None
    energy: float = np.inf  # eV, the lowest at the last gain
    fmax: float = np.inf  # eV/A, the smallest then
    gained: int = 0  # force call of the last gain
    unmoved: int = 0  # steps in succession

    def after(self, converged: Callable[[Array], bool], sense: Sense) -> Callable[[Array], bool]:
        """The test of convergence of the run that `sense` watches, with a look at each step that does not meet it."""

        def asked(gradient: Array) -> bool:
            met = converged(gradient)
            if not met:
                self.see(sense)
            return met

        return asked

    def see(self, sense: Sense) -> None:
        """After a step."""
        here = sense.last
        if here is None:
            return
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
        if here.number - self.gained >= self.window:
            raise RunStopped(
                "stalled", f"neither the lowest energy nor the smallest fmax fell in {self.window} force calls"
            )
