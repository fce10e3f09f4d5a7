"""The check of the curvature as part of a run of an optimizer."""

import logging
import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from molopt.convergence import auto
from molopt.directions import Checked
from molopt.directions.checked import Found
from molopt.errors import InputError
from molopt.names import offer
from molopt.optimizers.watched import Remembered, WatchedAtoms
from molopt.rules.base import check as check_number
from molopt.rules.partition import Array
from molopt.specification import parse
from molopt.stationary.curvature import Curvature

log = logging.getLogger("molopt")

KINDS = ("auto", "report")
MARKS = ("probe", "check", "push")  # of a step in the log


@dataclass(frozen=True)
class Asked:
    """What a run is asked to look at: `check=` of an optimizer, as text or None.

    Attributes
    ----------
    kind : str or None
        "auto", which leaves ridges; "report", which names them and stays; None, which does not look.
    calls, pushes : int
        Largest number of force calls of one check, and of pushes in a run.
    """

    kind: str | None = None
    calls: int = 8
    pushes: int = 3

    @classmethod
    def of(cls, text: Any) -> Self:
        """What a text such as "auto" or "auto?calls=12&pushes=5" asks for.

        >>> Asked.of("auto?calls=12")
        Asked(kind='auto', calls=12, pushes=3)
        """
        if isinstance(text, cls):
            return text
        if text is None or text == "none":
            return cls()
        name, numbers = parse(text) if isinstance(text, str) else (text, {})
        if name not in KINDS:
            raise InputError(f'check must be "auto", "report" or None, got {text!r}')
        for key, value in numbers.items():
            if key not in ("calls", "pushes"):
                raise InputError(f"check has no argument {key!r}{offer(key, ('calls', 'pushes'))}")
            check_number(f"{key} of check", value, "positive")
            if int(value) != value:
                raise InputError(f"{key} of check must be a whole number, got {value}")
        return cls(name, **{key: int(value) for key, value in numbers.items()})


@dataclass
class Checking:
    """Whether a run looks at its softest direction before it is done, and what it found.

    Attributes
    ----------
    optimizer : DirectionOptimizer
    asked : Asked
    why_not : str
        Why a check is not possible; empty where it is.
    found : Found or None
        What the last look said.
    kept : Remembered or None
        The last geometry at which the criteria of the run were met, while it is checked.
    hidden : bool
        Whether noise in the forces is all that is left, which hides the curvature.
    """

    optimizer: Any
    asked: Asked = field(default_factory=Asked)
    why_not: str = "not asked for"
    found: Found | None = None
    frame: Any = None
    state: Any = None
    kept: Remembered | None = None
    hidden: bool = False

    @classmethod
    def of(cls, optimizer: Any, asked: Asked) -> Self:
        why_not = "" if asked.kind else "not asked for"
        if asked.kind and optimizer.recipe is None:
            why_not = f"the run is in {optimizer.sees} coordinates, and a check needs internal ones"
        elif asked.kind and not optimizer.recipe.held.freedoms(optimizer.atoms.positions):
            why_not = "nothing is free to move"
        return cls(optimizer, asked, why_not)

    @property
    def possible(self) -> bool:
        return not self.why_not

    def direction(self, inner: Any) -> Checked:
        """The direction, with probes."""
        limit = self.optimizer.stopping.limit
        if not np.isfinite(limit):
            limit = auto(len(self.optimizer.atoms))
        return Checked(inner, limit, self.asked.kind == "auto", self.asked.calls, self.asked.pushes)

    def settled(self, met: bool, gradient: Array) -> bool:
        """Whether the run may end, where its criteria are met or not at the present geometry."""
        optimizer = self.optimizer
        memory = optimizer.memory
        if optimizer.direction.fmax != optimizer.fmax:
            optimizer.direction = replace(optimizer.direction, fmax=float(optimizer.fmax))
        self.hidden = met and optimizer.stopping.at_noise_floor
        if self.hidden:
            self.found = self.kept = None
            return True
        if not met and (memory is None or not memory.after.checking[0]):
            return False
        x = optimizer.optimizable.get_x()
        arrival = optimizer.arrived(x, gradient)
        here = np.array_equal(arrival.here.x, x)
        found, state = optimizer.direction.examine(arrival.frame, arrival.state, met if here else None)
        optimizer.arrival = (x, arrival._replace(state=state))
        self.found, self.frame, self.state = found, arrival.frame, state
        if found is None:
            self.kept = None
            return False
        self.tell(found, state)
        if here and met:
            self.kept = optimizer.optimizable.remember()
        if found.over and not here:
            self.go_back()
            optimizer.stopping.met = True
        return found.over

    def tell(self, found: Found, state: Any) -> None:
        """A line in the log for each look."""
        known = found.known
        if not known.products:
            said = "criteria are met; the curvature is looked at"
        else:
            what = "a ridge" if found.ridge else "a minimum" if found.passed and found.small else "not clear yet"
            said = (
                f"lowest curvature {known.first[0]:.2f} of the model's from {known.products} probes, "
                f"{known.bound:.2f} at worst, {1e3 * known.energy_left:.2g} meV left: {what}"
            )
        log.info("step %d, check %d of %d: %s", self.optimizer.nsteps, state.tries[0], self.asked.calls, said)

    def stopped(self) -> None:
        """The run has ended: where it was being checked, it goes back to where its criteria were met."""
        if self.kept is not None and not (self.found is not None and self.found.over):
            self.go_back()
            self.found = None

    def go_back(self) -> None:
        assert self.kept is not None
        optimizable = self.optimizer.optimizable
        if np.array_equal(optimizable.atoms.positions, self.kept.positions):
            return
        optimizable.go_back(self.kept)
        self.optimizer.call_observers()

    @property
    def interrupted(self) -> bool:
        """Whether the run ended while it was checked, at a geometry that met its criteria."""
        return self.kept is not None and self.found is None

    @property
    def mark(self) -> str:
        """What the last step was besides a step; empty where it was nothing else."""
        memory = self.optimizer.memory
        if memory is None or not self.possible:
            return ""
        kind = int(memory.after.kind[0])
        return MARKS[kind - 1] if kind else ""

    @property
    def curvature(self) -> Curvature | None:
        """What is known of the present geometry; None where no check was asked for."""
        if self.asked.kind is None:
            return None
        state = self.state
        spent = (0, 0) if state is None else (int(state.calls[0]), int(state.pushes[0]))
        if self.found is None or not isinstance(self.optimizer.optimizable, WatchedAtoms):
            return Curvature.unknown("noise in the forces hides it" if self.hidden else self.why_not, *spent)
        found, known, frame = self.found, self.found.known, self.frame
        value, _, direction = known.first
        move = np.zeros(frame.x.size)
        move[frame.coordinates.movable] = frame.lower(known.basis @ direction)
        size = max(float(np.linalg.norm(move)), 1e-300)
        word = found.word(bool(state.met[0]))
        return Curvature(
            float(value), float(value) / size**2, (move / size).reshape(-1, 3), known.bound, *spent,
            math.nan if word == "saddle" else known.energy_left, word, self.why(found, word),
        )  # fmt: skip

    def why(self, found: Found, word: str) -> str:
        """In a few words, what is still open; empty where nothing is."""
        state = self.state
        if word == "saddle" and self.asked.kind == "auto":
            return f"{int(state.pushes[0])} pushes did not lead off it"
        if word == "unchecked":
            return f"the {self.asked.calls} force calls of its check did not decide"
        return ""
