"""What --verbose says of the signs of work."""

import math

from molopt.signs import Sign

Stage = tuple[int, int]  # worker and number


class Narrator:
    """Picks the signs that are worth a line.

    A stage begins, a force call has found a lower energy, or the run has estimated how much is left.
    """

    def __init__(self) -> None:
        self.lowest: dict[Stage, float] = {}  # eV, of the stages that are under way

    def line(self, sign: Sign) -> str:
        """The line for a sign; empty where it has none."""
        stage = (sign.worker, sign.number)
        if sign.over:
            self.lowest.pop(stage, None)
            return ""
        if stage in self.lowest:
            told = sign.calls and not sign.of and (sign.energy < self.lowest[stage] or not math.isnan(sign.left))
            if not told:
                return ""
        known = math.inf if math.isnan(sign.energy) else sign.energy
        self.lowest[stage] = min(self.lowest.get(stage, math.inf), known)
        return str(sign)
