"""What --verbose says of the signs of work."""

import math

from molopt.signs import Sign


class Narrator:
    """Picks the signs that are worth a line.

    A stage begins, a force call has found a lower energy, or the run has estimated how much is left.
    """

    def __init__(self) -> None:
        self.stages: dict[int, tuple[str, str]] = {}  # the last of each worker
        self.lowest: dict[int, float] = {}  # eV, in that stage

    def line(self, sign: Sign) -> str:
        """The line for a sign; empty where it has none."""
        worker = sign.worker
        if sign.over:
            self.stages.pop(worker, None)
            return ""
        if self.stages.get(worker) != (sign.stage, sign.molecule):
            self.stages[worker] = (sign.stage, sign.molecule)
            self.lowest[worker] = math.inf
        elif not sign.calls or sign.of or (not sign.energy < self.lowest[worker] and math.isnan(sign.left)):
            return ""
        self.lowest[worker] = min(self.lowest[worker], math.inf if math.isnan(sign.energy) else sign.energy)
        return str(sign)
