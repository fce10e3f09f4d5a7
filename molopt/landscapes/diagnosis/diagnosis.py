"""What a diagnosis found."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from molopt.landscapes.diagnosis.advice import Advice, median, named
from molopt.landscapes.diagnosis.calls import MOMENTS, Calls
from molopt.landscapes.diagnosis.walk import Walk
from molopt.notebook import beside, html_facts
from molopt.optimizers.estimate import Part
from molopt.spelling import amount

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molopt.molecules import Molecule

CLEAN = "no known trouble"
REACH = {"applied": "rate", "radius": "radius"}  # what controls call how much they take of a proposal


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """A run, call by call, and what is known of the patterns that it shows; as `molopt.diagnose` returns it.

    Attributes
    ----------
    name : str
        Of the molecule, or of the file.
    molecule : Molecule or None
        As the run began; None of periodic atoms, of which nothing is said in bonds, angles and torsions.
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
    """

    name: str
    molecule: "Molecule | None"
    optimizer: str
    calls: Calls
    advice: tuple[Advice, ...]
    top: tuple[Part, ...]
    shares: dict[str, float]
    noted: bool

    @classmethod
    def of(cls, walk: Walk, advice: Sequence[Advice]) -> Self:
        recorded = walk.recorded
        last = walk.estimates[-1] if walk.estimates else None
        return cls(
            name=recorded.name,
            molecule=walk.molecule,
            optimizer=recorded.optimizer,
            calls=walk.calls,
            advice=tuple(advice),
            top=() if last is None else last.top,
            shares={} if last is None else last.shares,
            noted=recorded.is_ours,
        )

    def __repr__(self) -> str:
        calls = amount(len(self.calls), "force call")
        return f"<Diagnosis {self.name}: {calls}, {', '.join(one.pattern for one in self.advice) or CLEAN}>"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @property
    def named(self) -> str:
        """The run in a few words."""
        return ", ".join(filter(None, (self.name, self.optimizer)))

    @property
    def remembers(self) -> set[str]:
        """The classes of coordinates that the rule remembers something of."""
        return {group for groups in self.calls.by_class.values() for group in groups}

    def holding(self) -> list[str]:
        """The coordinates that hold most of the energy left, as "torsion C2-C3-O4-H11 0.42 meV"; atoms count from 0."""
        if self.molecule is None:
            return []
        return [f"{named(part, self.molecule.numbers)} {1e3 * part.energy:.2g} meV" for part in self.top]

    def facts(self) -> Iterator[tuple[str, str]]:
        """What can be said in a line each, by its heading; atoms count from 0."""
        calls = self.calls
        yield "run", f"{self.named}, {amount(len(calls), 'force call')}"
        yield "energy", f"{calls.energy[0]:.4f} to {calls.energy[-1]:.4f} eV"
        yield "fmax", f"{calls.fmax[0]:.3g} to {calls.fmax[-1]:.3g} eV/A"
        if self.shares:
            holds = ", ".join(f"{group} {1e3 * share:.2g}" for group, share in self.shares.items() if share)
            yield "energy left", f"{1e3 * calls.left[-1]:.3g} meV ({holds})"
            yield "most of it in", "; ".join(self.holding())
        rates = [f"{group} {median(rate):.2g}" for group, rate in calls.rates.items() if np.isfinite(rate).any()]
        if rates:
            yield "rates", f"{', '.join(rates)} of the model's Newton step (medians)"
        yield "cosines", ", ".join(self.cosines())
        for name, unit in (("applied", ""), ("radius", " sqrt(eV)")):
            if name in calls.control:
                known = calls.control[name][np.isfinite(calls.control[name])]
                yield REACH[name], f"{known[0]:.2g} to {known[-1]:.2g}{unit}" if len(known) else "unlimited"
        for name, norm in calls.memory.items():
            known = norm[np.isfinite(norm)]
            unit = "eV/A" if "atoms" in self.remembers else "sqrt(eV)"
            yield spelled(name), f"{known[0]:.2g} to {known[-1]:.2g} {unit}"
        if np.isfinite(calls.predicted).any():
            yield "energy change", f"{median(calls.change / calls.predicted):.2f} of what was foretold (median)"
        taken = int(np.isfinite(calls.longest).sum())
        known = f": {self.share(calls.shortened)} capped, {self.share(calls.rejected)} rejected" if self.noted else ""
        yield "steps", f"{taken}{known}"

    def cosines(self) -> Iterator[str]:
        yield f"{median(self.calls.turn):.2f} of successive gradients"
        if np.isfinite(self.calls.against).any():
            yield f"{median(self.calls.against):.2f} of memory and gradient (medians)"

    def share(self, marks: np.ndarray) -> str:
        """As "5 (38 %)"."""
        known = marks[np.isfinite(marks)]
        return f"{int(known.sum())} ({100 * known.mean():.0f} %)" if len(known) else "0"

    def lines(self) -> list[str]:
        """All of it as text; atoms count from 0."""
        facts = dict(self.facts())
        width = max(map(len, facts))
        found = [f"{heading:<{width}}  {fact}" for heading, fact in facts.items()]
        return [*found, *map(str, self.advice)] if self.advice else [*found, CLEAN]

    def as_dict(self) -> dict[str, object]:
        """In plain values, fit for JSON; NaN and infinity are None, and atoms count from 0."""
        from molopt.landscapes.diagnosis.writing import as_dict

        return as_dict(self)

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """Panels over force calls (`molopt.report.figures.diagnosis`); written there, too, where there is a path."""
        from molopt.drawing.saving import saved
        from molopt.report.figures.diagnosis import diagnosis_figure

        return saved(diagnosis_figure(self), path)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it as the ending of the path says: .html is a page, .csv a row a force call, else a figure.

        Atoms in files count from 1.
        """
        from molopt.landscapes.diagnosis.writing import write

        write(self, Path(path))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from molopt.report.figures.diagnosis import small_svg

        facts = {"advice": "; ".join(map(str, self.advice)) or CLEAN} | dict(self.facts())
        table = html_facts(f"diagnosis of {self.name}", facts)
        return beside(table, "" if self.molecule is None else self.molecule.to_svg(), small_svg(self))


def spelled(name: str) -> str:
    """What a rule remembers, as it is written: the norm of m, the root of v."""
    return f"sqrt({name})" if name in MOMENTS else f"|{name}|"
