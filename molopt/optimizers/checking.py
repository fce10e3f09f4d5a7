"""The check of the curvature as part of a run."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from ase import Atoms

from molopt.control.drive import Arrival, Memory
from molopt.convergence import auto
from molopt.coordinates.base import Linearization
from molopt.directions import Checked
from molopt.directions.base import Direction
from molopt.directions.checks import MARKS, Checks, Found
from molopt.molecules import Molecule
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.internals import Recipe
from molopt.optimizers.pushed import Left
from molopt.optimizers.stopping import Stopping
from molopt.optimizers.watched import Remembered
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature

log = logging.getLogger("molopt")


class Settled(NamedTuple):
    """What a check says of a run at the present geometry."""

    over: bool  # whether the run ends
    arrival: Arrival[Linearization, Checks, Any] | None = None  # what the run has learned there, and the check with it
    back: Remembered | None = None  # the geometry at which it ends, or from which it goes on


@dataclass
class Checking:
    """Whether a run looks at its softest direction before it is done, and what it found.

    After each force call it is asked with `settled`, and told with `stopped` when the run has ended. It moves nothing:
    where a run is to end at an earlier geometry, it says so.

    Attributes
    ----------
    asked : CheckRequest
    stopping : Stopping
        The criteria of the run.
    natoms : int
    molecule : Molecule or None
        What the run began with.
    tell : callable
        Called with what it has to say of the run, for a log.
    why_not : str
        Why a check is not possible; empty where it is.
    found : Found or None
        What the last look said.
    linearization, state : Linearization, Checks, or None
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

    asked: CheckRequest
    stopping: Stopping
    natoms: int
    molecule: Molecule | None = None
    tell: Callable[[str], object] = log.info
    why_not: str = "not asked for"
    found: Found | None = None
    linearization: Linearization | None = None
    state: Checks | None = None
    kept: Remembered | None = None
    hidden: bool = False
    left: Left | None = None
    undone: Curvature | None = None

    @classmethod
    def of(
        cls,
        asked: CheckRequest,
        recipe: Recipe | None,
        sees: str,
        atoms: Any,
        stopping: Stopping,
        tell: Callable[[str], object] = log.info,
    ) -> Self:
        """The check of a run of these atoms, whose coordinates are called `sees`."""
        why_not = "" if asked.kind else "not asked for"
        if asked.kind and recipe is None:
            why_not = f"the run is in {sees} coordinates, and a check needs internal ones"
        elif asked.kind and recipe is not None and not recipe.held.freedoms(atoms.positions):
            why_not = "no atom is free to move"
        if asked.kind and why_not:
            log.info("the curvature of the end is not checked: %s", why_not)
        natoms = len(atoms) if isinstance(atoms, Atoms) else 0
        return cls(asked, stopping, natoms, None if recipe is None else recipe.molecule, tell, why_not)

    @property
    def possible(self) -> bool:
        return not self.why_not

    def direction(self, inner: Direction[Any, Any]) -> Checked:
        """The direction, with probes."""
        limit = self.stopping.limit if np.isfinite(self.stopping.limit) else auto(self.natoms)
        return Checked(inner, limit, self.asked.kind == "auto", self.asked.calls, self.asked.pushes)

    def settled(
        self,
        met: bool,
        x: Array,
        looking: bool,
        direction: Checked,
        arrive: Callable[[], Arrival[Linearization, Checks, Any]],
        remember: Callable[[], Remembered],
    ) -> Settled:
        """Whether the run may end.

        Parameters
        ----------
        met : bool
            Whether its criteria are met at x.
        x : (3N,) array
            The present geometry, Angstrom.
        looking : bool
            Whether it is being checked already.
        direction : Checked
        arrive : callable
            The run's `Arrival` at x, which need not be there where the step is taken back.
        remember : callable
            What it takes to go back to x.
        """
        self.hidden = met and self.stopping.at_noise_floor
        if self.hidden:
            self.found = self.kept = None
            return Settled(True)
        if met and self.ended_at(x):
            return Settled(True)
        if not met and not looking:
            self.found = self.kept = None
            return Settled(False)
        arrival = arrive()
        here = np.array_equal(arrival.here.x, x)
        found, state = direction.examine(arrival.linearization, arrival.state, met if here else None)
        arrival = arrival._replace(state=state)
        self.found, self.linearization, self.state = found, arrival.linearization, state
        if found is None:
            self.kept = None
            return Settled(False, arrival)
        self.report(found, state)
        if here and met:
            if self.undo(x):
                return self.ended(arrival, self.kept_for_good())
            self.kept = remember()
        if found.over:
            return self.ended(arrival, None if here else self.kept)
        if found.ridge and self.kept is not None:
            self.left = Left.at(self.kept, self.seen(found))
            if self.asked.kind == "report" and found.known.witnessed:  # its probes have led above the criteria
                self.end_on_ridge("")
                return self.ended(arrival, self.kept_for_good())
        return Settled(False, arrival)

    def ended(self, arrival: Arrival[Linearization, Checks, Any], back: Remembered | None) -> Settled:
        """The run ends, here or at an earlier geometry that met its criteria."""
        self.stopping.met = True
        return Settled(True, arrival, back)

    def kept_for_good(self) -> Remembered | None:
        """The geometry that the run goes back to, as its end."""
        back, self.kept = self.kept, None
        return back

    def ended_at(self, x: Array) -> bool:
        """Whether the run has ended at x (3N,) before."""
        if self.undone is not None and self.left is not None:
            return np.array_equal(self.left.place.positions.ravel(), x)
        return self.found is not None and self.found.over and self.was_looked_at(x)

    def was_looked_at(self, x: Array) -> bool:
        """Whether x (3N,) is the geometry of the last look."""
        return self.linearization is not None and np.array_equal(self.linearization.x, x)

    def undo(self, x: Array) -> bool:
        """Whether a push has led to another molecule, at x (3N,): then the run ends on the ridge."""
        if self.left is None or self.molecule is None:
            return False
        changed = self.left.changed(self.molecule, x.reshape(-1, 3))
        if not changed:
            return False
        self.tell(f"a push changed {changed}; the run goes back, and ends on the ridge")
        self.end_on_ridge(f"a push changed {changed}")
        return True

    def end_on_ridge(self, why: str) -> None:
        """The last ridge is the end of the run."""
        assert self.left is not None
        calls, pushes = self.spent
        self.undone = replace(self.left.curvature, calls=calls, pushes=pushes, why=why)
        self.kept, self.found = self.left.place, None

    def report(self, found: Found, state: Checks) -> None:
        """A line in the log for each look."""
        known = found.known
        if not known.products:
            said = "criteria are met; the curvature is checked"
        else:
            what = "a ridge" if found.ridge else "a minimum" if found.passed and found.small else "not clear yet"
            said = (
                f"lowest curvature {known.softest[0]:.2f} of the model's from {known.products} probes, "
                f"{known.bound:.2f} at worst, {1e3 * known.energy_left:.2g} meV left: {what}"
            )
        self.tell(f"check {int(state.tries[0])} of {self.asked.calls}: {said}")

    def stopped(self) -> Remembered | None:
        """The run has ended: where it was being checked, the geometry that met its criteria, to which it goes back."""
        if self.kept is None or (self.found is not None and self.found.over):
            return None
        self.found = None
        return self.kept

    @property
    def interrupted(self) -> bool:
        """Whether the run ended while it was checked, at a geometry that met its criteria."""
        return self.kept is not None and self.found is None

    def mark(self, memory: Memory | None) -> str:
        """What the last step was besides a step; empty where it was nothing else."""
        if memory is None or not self.possible:
            return ""
        return MARKS.get(int(memory.after.kind[0]), "")

    def curvature(self, x: Array) -> Curvature | None:
        """What is known of the present geometry x (3N,); None where no check was asked for."""
        if self.asked.kind is None:
            return None
        if self.undone is not None and self.ended_at(x):
            return self.undone
        if self.found is not None and not self.was_looked_at(x):
            return Curvature.unknown("the atoms have moved since they were checked", *self.spent)
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
        assert self.state is not None
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
        pushes = self.spent[1]
        if word == "saddle" and self.asked.kind == "auto" and pushes >= self.asked.pushes:
            return f"{pushes} pushes did not lead away from it"
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
        like = np.zeros((self.natoms if self.possible else 0, 3))
        for name, kind in (("kept", Remembered), ("left", Left)):
            part = plain[name]
            setattr(self, name, None if part is None else kind.from_plain(part, like))


def afresh(state: Checks) -> Checks:
    """What a checked run remembers where its atoms were moved to: nothing of a check."""
    names = ("steps", "lacks", "offsets", "met", "checking", "tries", "rejected", "spent", "kind")
    return state._replace(**{name: np.zeros_like(getattr(state, name)) for name in names})
