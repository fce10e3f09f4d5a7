"""What a diagnosis found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from molopt.landscapes.diagnosis.advice import Advice, median, named
from molopt.landscapes.diagnosis.calls import Calls, Walk
from molopt.optimizers.estimate import Part


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """A run, call by call, and what is known of the patterns that it shows; as `molopt.diagnose` returns it.

    Attributes
    ----------
    name : str
        Of the molecule, or of the file.
    optimizer : str
        As the trajectory names it; empty where it does not.
    calls : Calls
        Arrays of one value a force call.
    advice : tuple of Advice
        One line for each pattern that the run shows; empty where it shows none.
    top : tuple of Part
        The coordinates that hold most of the energy left at the last call; atoms count from 0.
    shares : dict of str to float
        The energy left at the last call in each class of coordinates, eV.
    noted : bool
        Whether an optimizer of molopt noted its steps in the trajectory: else nothing is known of its memory, and of
        caps only what equal lengths show.
    numbers : tuple of int
        Atomic numbers.
    """

    name: str
    optimizer: str
    calls: Calls
    advice: tuple[Advice, ...]
    top: tuple[Part, ...]
    shares: dict[str, float]
    noted: bool
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, walk: Walk, advice: Sequence[Advice]) -> Self:
        recorded = walk.recorded
        last = walk.estimates[-1] if walk.estimates else None
        return cls(
            name=recorded.name,
            optimizer=recorded.optimizer,
            calls=walk.calls,
            advice=tuple(advice),
            top=() if last is None else last.top,
            shares={} if last is None else last.shares,
            noted=recorded.is_ours,
            numbers=tuple(recorded.atoms.numbers.tolist()),
        )

    def __repr__(self) -> str:
        patterns = ", ".join(advice.pattern for advice in self.advice) or "no known trouble"
        return f"<Diagnosis {self.name}: {len(self.calls)} force calls, {patterns}>"

    def facts(self) -> Iterator[tuple[str, str]]:
        """What can be said in a line each, by its heading."""
        calls = self.calls
        yield "run", ", ".join(filter(None, (self.name, self.optimizer, f"{len(calls)} force calls")))
        yield (
            "energy",
            f"{calls.energy[0]:.4f} to {calls.energy[-1]:.4f} eV, "
            f"fmax {calls.fmax[0]:.3g} to {calls.fmax[-1]:.3g} eV/A",
        )
        if self.shares:
            holds = ", ".join(f"{group} {1e3 * share:.2g}" for group, share in self.shares.items())
            yield "energy left", f"{1e3 * calls.left[-1]:.3g} meV ({holds})"
            yield (
                "most of it in",
                "; ".join(f"{named(part, np.array(self.numbers))} {1e3 * part.energy:.2g} meV" for part in self.top),
            )
        for group, rate in calls.rates.items():
            if np.isfinite(rate).any():
                yield f"rate of {group}", f"{median(rate):.3g} of the model's Newton step (median)"
        yield "gradients", f"cosine of successive ones {median(calls.turn):.2f} (median)"
        if np.isfinite(calls.against).any():
            yield "memory", f"cosine with the gradient {median(calls.against):.2f} (median)"
        for name, norm in calls.memory.items():
            what = f"sqrt({name})" if name in ("v", "s") else f"|{name}|"
            yield what, f"{norm[np.isfinite(norm)][0]:.3g} at first, {norm[np.isfinite(norm)][-1]:.3g} at the end"
        yield "energy change", f"{median(calls.change / calls.predicted):.2f} of what was foretold (median)"
        if self.noted:
            taken = int(np.isfinite(calls.longest).sum())
            counts = (int((calls.shortened == 1).sum()), int((calls.rejected == 1).sum()))
            yield "steps", f"{taken}: {counts[0]} capped, {counts[1]} rejected"

    def lines(self) -> list[str]:
        """All of it as text; atoms count from 0."""
        width = max(len(heading) for heading, _ in self.facts())
        found = [f"{heading:<{width}}  {fact}" for heading, fact in self.facts()]
        return (
            [*found, *(f"advice: {advice}" for advice in self.advice)] if self.advice else [*found, "no known trouble"]
        )

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, object]:
        """In plain values, fit for JSON; NaN is None, and atoms count from 0."""
        plain = {
            name: [None if value != value else float(value) for value in column]
            for name, column in self.calls.columns().items()
        }
        return {
            "name": self.name,
            "optimizer": self.optimizer,
            "force_calls": len(self.calls),
            "advice": [advice.as_dict() for advice in self.advice],
            "energy_left": plain["left"][-1],
            "shares": self.shares,
            "top": [part._asdict() for part in self.top],
            "noted": self.noted,
            "calls": plain,
        }
