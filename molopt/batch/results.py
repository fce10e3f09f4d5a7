"""The result of a system that has left the batch."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

from ase import Atoms

from molopt.batch.inputs import Target, started
from molopt.batch.stack import Stack
from molopt.convergence import Fmax
from molopt.ending import Ending, word_of_end
from molopt.errors import RunStopped
from molopt.molecules import Molecule
from molopt.optimizers.energy_left import Estimate
from molopt.potentials.sense import Evaluated
from molopt.result import Result
from molopt.rules.partition import Array
from molopt.stationary.verdict import ENDED, Verdict

NOT_BEGUN = "not begun: "  # how the error of a target begins that cannot be relaxed


class BatchedResult(Result):
    """A `Result` whose expensive fields are found out when they are first asked for.

    Attributes
    ----------
    number : int
        The place of the system in the stream, counted from 0.
    """

    number: int
    ending: Ending

    def __init__(self, number: int, ending: Ending, **known: object) -> None:
        vars(self).update(
            known, number=number, ending=ending, error=ending.error, curvature=ending.curvature,
            energy=ending.energy, fmax=ending.fmax,
        )  # fmt: skip

    @cached_property
    def atoms(self) -> Atoms:
        return self.ending.atoms

    @cached_property
    def molecule(self) -> Molecule | None:
        return self.ending.molecule

    @cached_property
    def verdict(self) -> Verdict:
        return self.ending.verdict

    @cached_property
    def energy_left(self) -> Estimate | None:
        return self.ending.energy_left

    @cached_property
    def bonds_kept(self) -> bool | None:
        return self.ending.became.bonds_kept

    @cached_property
    def stereo_kept(self) -> bool | None:
        return self.ending.became.stereo_kept

    @property
    def ended(self) -> str:
        return self.ending.ended

    @property
    def converged(self) -> bool:
        return ENDED[self.ending.ended].converged

    @property
    def positions(self) -> Array:
        """(N, 3) of the result, Angstrom; those of the start where not even the first force call worked."""
        return self.ending.positions

    def __getstate__(self) -> dict[str, object]:
        """All fields found out: what they are found out from, coordinates and calculators, does not travel."""
        given = self.ending.start.given
        start = replace(self.ending.start, given=None if given is None else given.copy())
        found = {part.name: getattr(self, part.name) for part in fields(Result)}
        return {**found, "number": self.number, "ending": replace(self.ending, start=start, stopping=None)}

    def whole(self) -> Result:
        """The same with every field found out."""
        return Result(**{part.name: getattr(self, part.name) for part in fields(Result)})

    def as_dict(self) -> dict[str, object]:
        return self.whole().as_dict()


@dataclass(frozen=True)
class Clock:
    """Seconds of a batch, a system.

    Attributes
    ----------
    spent, asked : float
        Since it began, and of them inside the potential.
    """

    spent: float
    asked: float


def result_of(
    clock: Clock,
    potential: str,
    stack: Stack,
    s: int,
    last: Evaluated | None,
    *,
    met: bool = False,
    exploded: str = "",
    stopped: RunStopped | None = None,
    failure: Exception | None = None,
    cut: bool = False,
) -> BatchedResult:
    """The result of system s of a stack.

    Parameters
    ----------
    last : Evaluated or None
        The force call at which it ended; None where that is the one before the last, which did not work.
    met : bool
        Whether all criteria are met there.
    exploded : str
        How it exploded; empty where it did not.
    stopped, failure
        What else ended it.
    cut : bool
        Whether its last step was not completed.
    """
    one, places, guarded = stack.runs[s], stack.places, stack.guarded
    checking = one.checking
    if last is None and one.trace:
        x, call = guarded.last_x[places.part(s)].reshape(-1, 3), one.trace[-1]
        last = Evaluated(len(one.trace), x, call.energy, call.fmax, {})
    kept = None if checking is None else checking.stopped()
    interrupted = checking is not None and checking.interrupted
    last = last if kept is None else kept.call
    arrived = interrupted or (met and not exploded and stopped is None and failure is None)
    end, blown = one.sense.end(s, places, guarded, last, not exploded and stopped is None, arrived)
    exploded = exploded or blown
    at = one.start.positions if end is None else end.positions
    curvature = (one.plan.checking if checking is None else checking).curvature(at.ravel())
    saddle = one.plan.checking.asked.kind == "auto" and curvature is not None and curvature.stationary == "saddle"
    word = word_of_end(
        bool(exploded), "" if stopped is None else stopped.ended, failure is not None, met or interrupted, saddle
    )
    steps = int(guarded.steps[s]) - int(cut and stack.kind.control.retries and stack.memory is not None)
    reason = failure if stopped is None else stopped
    error = None
    if exploded or reason is not None:
        said = exploded or " ".join(str(reason).split()) or type(reason).__name__
        error = f"stopped at step {steps}: {said}"
    ending = Ending(
        start=one.start,
        end=end,
        ended=word,
        met=word == "converged" or interrupted,
        curvature=curvature,
        unlooked="",
        stopping=None if exploded else one.remembered(),
        error=error,
    )
    surrogate = one.plan.surrogate
    seconds = clock.spent - one.entered.waited
    return BatchedResult(
        one.number,
        ending,
        name=one.start.name,
        potential=potential,
        optimizer=one.plan.optimizer,
        criteria=(Fmax(one.plan.fmax), *one.plan.criteria),
        at_noise_floor=arrived and one.stopping is not None and one.stopping.at_noise_floor,
        force_calls=int(guarded.calls[s]),
        steps=steps,
        seconds=seconds,
        optimizer_seconds=seconds - (clock.asked - one.entered.asked) - (surrogate.seconds if surrogate else 0.0),
        surrogate=surrogate.name if surrogate else None,
        surrogate_calls=surrogate.calls if surrogate else 0,
        surrogate_seconds=surrogate.seconds if surrogate else 0.0,
        surrogate_setup_seconds=one.plan.surrogate_setup_seconds,
        trace=one.trace,
    )


def refused(number: int, target: Target, potential: str, why: str, ended: str = "failed") -> BatchedResult:
    """The result of a run that was not begun, or of which nothing is known."""
    start = started(target, None)
    ending = Ending(start, None, ended, False, None, "", None, why)
    return BatchedResult(
        number, ending, name=start.name, potential=potential, optimizer="", criteria=(), at_noise_floor=False,
        force_calls=0, steps=0, seconds=0.0, optimizer_seconds=0.0, surrogate=None, surrogate_calls=0,
        surrogate_seconds=0.0, surrogate_setup_seconds=0.0, trace=[],
    )  # fmt: skip
