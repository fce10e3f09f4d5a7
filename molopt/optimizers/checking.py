"""The check of the curvature as part of a run of an optimizer."""

import logging
import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from molopt.control.drive import Memory
from molopt.convergence import auto
from molopt.coordinates.linearization import Linearized
from molopt.directions import Checked
from molopt.directions.checks import MARKS, Checks, Found
from molopt.optimizers.asked import Asked
from molopt.optimizers.pushed import Left
from molopt.optimizers.watched import Remembered
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature

log = logging.getLogger("molopt")


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
    linearization, state : Linearized, Checks, or None
        Where that was, and the memory of the check then.
    kept : Remembered or None
        The last geometry at which the criteria of the run were met, while it is checked.
    hidden : bool
        Whether noise in the forces is all that is left, which hides the curvature.
    left : Left or None
        The last ridge that was seen where the criteria were met.
    undone : Curvature or None
        What is said of that ridge, where the run went back to it.
    """

    optimizer: Any
    asked: Asked = field(default_factory=Asked)
    why_not: str = "not asked for"
    found: Found | None = None
    linearization: Linearized | None = None
    state: Any = None
    kept: Remembered | None = None
    hidden: bool = False
    left: Left | None = None
    undone: Curvature | None = None

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
        x = optimizer.optimizable.get_x()
        if met and self.ended_at(x):
            return True
        if not met and (memory is None or not memory.after.checking[0]):
            self.found = self.kept = None
            return False
        arrival = optimizer.arrived(x, gradient)
        here = np.array_equal(arrival.here.x, x)
        found, state = optimizer.direction.examine(arrival.linearization, arrival.state, met if here else None)
        optimizer.arrival = (x, arrival._replace(state=state))
        self.found, self.linearization, self.state = found, arrival.linearization, state
        if found is None:
            self.kept = None
            return False
        self.tell(found, state)
        if here and met:
            if self.undo():
                return True
            self.kept = optimizer.optimizable.remember()
        if found.over and not here:
            self.go_back()
            optimizer.arrival = (arrival.here.x, arrival._replace(state=state))
            optimizer.stopping.met = True
        elif found.ridge and not found.over and self.kept is not None:
            self.left = Left.at(self.kept, self.seen(found))
            if self.asked.kind == "report" and found.known.witnessed:  # its probes have led above the criteria
                self.end_on_ridge("")
                optimizer.stopping.met = True
                return True
        return found.over

    def ended_at(self, x: Array) -> bool:
        """Whether the run has ended at x (3N,) before."""
        if self.undone is not None and self.left is not None:
            return np.array_equal(self.left.place.positions.ravel(), x)
        return self.found is not None and self.found.over and self.was_looked_at(x)

    def was_looked_at(self, x: Array) -> bool:
        """Whether x (3N,) is the geometry of the last look."""
        return self.linearization is not None and np.array_equal(self.linearization.x, x)

    def undo(self) -> bool:
        """Where a push has led to another molecule, go back to the ridge: there the run ends."""
        if self.left is None:
            return False
        optimizer = self.optimizer
        changed = self.left.changed(optimizer.recipe.molecule, optimizer.atoms.positions)
        if not changed:
            return False
        log.info("step %d: a push changed %s; the run goes back, and ends on the ridge", optimizer.nsteps, changed)
        self.end_on_ridge(f"a push changed {changed}")
        return True

    def end_on_ridge(self, why: str) -> None:
        """Go back to the last ridge, as the end of the run."""
        assert self.left is not None
        calls, pushes = self.spent
        self.undone = replace(self.left.curvature, calls=calls, pushes=pushes, why=why)
        self.kept, self.found = self.left.place, None
        self.go_back()
        self.kept = None

    def tell(self, found: Found, state: Any) -> None:
        """A line in the log for each look."""
        known = found.known
        if not known.products:
            said = "criteria are met; the curvature is looked at"
        else:
            what = "a ridge" if found.ridge else "a minimum" if found.passed and found.small else "not clear yet"
            said = (
                f"lowest curvature {known.softest[0]:.2f} of the model's from {known.products} probes, "
                f"{known.bound:.2f} at worst, {1e3 * known.energy_left:.2g} meV left: {what}"
            )
        log.info("step %d, check %d of %d: %s", self.optimizer.nsteps, state.tries[0], self.asked.calls, said)

    def stopped(self) -> None:
        """The run has ended: where it was being checked, it goes back to where its criteria were met."""
        if self.kept is not None and not (self.found is not None and self.found.over):
            self.found = None
            self.go_back()

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
        return MARKS.get(int(memory.after.kind[0]), "")

    @property
    def curvature(self) -> Curvature | None:
        """What is known of the present geometry; None where no check was asked for."""
        if self.asked.kind is None:
            return None
        here = self.optimizer.optimizable.get_x()
        if self.undone is not None and self.ended_at(here):
            return self.undone
        if self.found is not None and not self.was_looked_at(here):
            return Curvature.unknown("the atoms have moved since they were looked at", *self.spent)
        if self.found is None:
            stopped = "the run was stopped while it was checked" if self.interrupted else ""
            hidden = "noise in the forces hides it" if self.hidden else ""
            return Curvature.unknown(self.why_not or hidden or stopped, *self.spent)
        return self.seen(self.found)

    @property
    def spent(self) -> tuple[int, int]:
        """Force calls of checks, and pushes, so far."""
        return (0, 0) if self.state is None else (int(self.state.calls[0]), int(self.state.pushes[0]))

    def seen(self, found: Found) -> Curvature:
        known, here = found.known, self.linearization
        assert here is not None
        word = found.word(bool(self.state.met[0]))
        if not known.products:
            return replace(Curvature.unknown(self.why(found, word), *self.spent), stationary=word)
        value, direction = known.softest
        move = here.to_cartesian(known.basis @ direction)
        size = float(np.linalg.norm(move))
        stiffness, direction = (value / size**2, (move / size).reshape(-1, 3)) if size else (math.nan, np.zeros((0, 3)))
        return Curvature(
            float(value), float(stiffness), direction, known.bound, *self.spent,
            math.nan if word == "saddle" else known.energy_left, word, self.why(found, word),
        )  # fmt: skip

    def why(self, found: Found, word: str) -> str:
        """In a few words, what is still open; empty where nothing is."""
        if not found.over:
            return "its check is under way"
        pushes = int(self.state.pushes[0])
        if word == "saddle" and self.asked.kind == "auto" and pushes >= self.asked.pushes:
            return f"{pushes} pushes did not lead off it"
        if found.over and (word == "unchecked" or (word == "saddle" and self.asked.kind == "auto")):
            return f"the {self.asked.calls} force calls of its check did not decide"
        return ""

    def moved(self, memory: Memory) -> Memory:
        """The memory of a run whose atoms were moved from outside: what was seen of the curvature is not of here."""
        if not isinstance(memory.after, Checks):
            return memory
        self.found = self.kept = self.left = self.undone = None
        return memory._replace(before=afresh(memory.before), after=afresh(memory.after))

    def plain(self) -> dict[str, Any]:
        """What a restart file keeps of it."""
        return {
            name: None if part is None else part.plain() for name, part in (("kept", self.kept), ("left", self.left))
        }

    def recall(self, plain: dict[str, Any]) -> None:
        """Know again what `plain` wrote; ValueError, KeyError or TypeError where it is not."""
        like = self.optimizer.atoms.positions if self.possible else np.zeros((0, 3))
        for name, kind in (("kept", Remembered), ("left", Left)):
            part = plain[name]
            setattr(self, name, None if part is None else kind.from_plain(part, like))


def afresh(state: Checks) -> Checks:
    """What a checked run remembers where its atoms were moved to: nothing of a check."""
    names = ("steps", "lacks", "offsets", "met", "checking", "tries", "rejected", "spent", "kind")
    return state._replace(**{name: np.zeros_like(getattr(state, name)) for name in names})
