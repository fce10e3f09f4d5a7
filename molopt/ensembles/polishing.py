"""The end of a search: what is kept is relaxed to the floor of its basin, certified, and told apart once more."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from molopt.ensembles.certifying import Certify
from molopt.ensembles.conformer import Conformer, SetAside
from molopt.ensembles.crew import Crew
from molopt.ensembles.distinct import Distinct
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.jobs import Minimise, Polish, stacked
from molopt.ensembles.minima import Minima
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.workshop import Answer, Job
from molopt.molecules import Molecule
from molopt.rules.partition import Array
from molopt.stationary.verdict import LOOKED_AT, Verdict


class Polished(NamedTuple):
    """What polishing gave: conformers by energy, what was set aside, and the force calls it took."""

    conformers: list[Conformer]
    aside: list[SetAside]
    calls: int


def polished(
    minima: Minima, molecule: Molecule, crew: Crew, shapes: Shapes, threshold: float, effort: Effort, together: bool
) -> Polished:
    """The minima in the window at rest, each with its verdict; of those that end in one place, the lowest is kept.

    Where steps are cheap they come to rest first, and what is distinct and in the window then is looked at: by its
    whole Hessian on a force field, unless force calls are counted; what is not a minimum for sure goes on from there.

    Parameters
    ----------
    together : bool
        Whether a job is a chunk of them: where force calls are cheap, steps are cheaper together.
    threshold : float
        Angstrom; nearer ones are the same.
    """
    chosen = minima.within(effort.window + effort.deeper).tolist()
    starts = {k: minima.position(k) for k in chosen}
    spent = {k: minima.calls[k] for k in chosen}
    found: list[Conformer] = []
    aside: list[SetAside] = []
    calls = 0

    def take(job: Callable[[Array, float], Job], size: int) -> Iterator[tuple[int, Answer]]:
        """What a kind of job, of so many together, says of each of the starts; those that are lost are set aside."""
        nonlocal calls
        parts = [list(starts)[k : k + size] for k in range(0, len(starts), size)]
        jobs = [job(stacked([starts[k] for k in part], molecule), effort.polished) for part in parts]
        for part, answer in zip(parts, crew.do(jobs), strict=True):
            for row, k in enumerate(part):
                if isinstance(answer, str):
                    aside.append(SetAside(starts.pop(k), np.nan, minima.origins[k].source, answer))
                    continue
                one = {name: values[row] for name, values in answer.items()}
                calls += int(one["calls"])
                spent[k] += int(one["calls"])
                yield k, one

    def conformer(k: int, one: Answer) -> Conformer:
        left = float(one["left"]) if np.isfinite(one["left"]) else None
        verdict = Verdict(one["ended"], one["stationary"], "kept", one["why"], left)
        origin = minima.origins[k]
        return Conformer(
            one["positions"], float(one["energies"]), origin.source, origin.seed, spent[k], verdict,
            float(one["fmax"]), left,
        )  # fmt: skip

    exact = together and effort.max_calls is None
    if together:
        ends = dict(take(Minimise, effort.chunk))
        rested = {k: one for k, one in ends.items() if settled(one)}
        gone = merged(rested, shapes, threshold, effort.window + effort.deeper)
        starts = {k: rested[k]["positions"] if k in rested else starts[k] for k in starts if k not in gone}
        for nearer in (False, True) if exact else ():  # soft ones leave too much energy at a force that others may have
            if nearer:
                ends = dict(take(lambda positions, _: Minimise(positions, effort.nearer), effort.chunk))
                starts = {k: one["positions"] if settled(one) else starts[k] for k, one in ends.items()}
            sure = {k: one for k, one in take(Certify, effort.chunk) if one["stationary"] == "minimum"}
            found += [conformer(k, one) for k, one in sure.items()]
            starts = {k: positions for k, positions in starts.items() if k not in sure}
    last = dict(take(Polish, effort.chunk if together else 1))
    if exact:
        starts = {k: one["positions"] for k, one in last.items() if settled(one)}
        for k, one in take(Certify, effort.chunk):
            if one["stationary"] in LOOKED_AT:
                last[k] |= {name: one[name] for name in ("stationary", "why", "left")}
    for k, one in last.items():
        why = one["changed"] or ("" if np.isfinite(one["energies"]) else f"{one['ended']} {one['why']}".strip())
        if not why and one["stationary"] == "saddle":
            why = "a saddle that the run could not leave"
        if why:
            aside.append(SetAside(one["positions"], float(one["energies"]), minima.origins[k].source, why))
        else:
            found.append(conformer(k, one))
    return Polished(told_apart(found, shapes, threshold, effort.window), aside, calls)


def settled(one: Answer) -> bool:
    """Whether a run came somewhere, and to the same molecule."""
    return not one["changed"] and bool(np.isfinite(one["energies"]))


def merged(rested: dict[int, Answer], shapes: Shapes, threshold: float, window: float) -> set[int]:
    """Which of those at rest (by number) need no closer look: what is one with a lower one, or above the window."""
    ordered = sorted(rested, key=lambda k: (float(rested[k]["energies"]), k))
    places = Distinct(shapes, threshold=threshold)
    gone = set()
    for k in ordered:
        energy = float(rested[k]["energies"])
        above = energy > float(rested[ordered[0]]["energies"]) + window * KCAL
        if above or not places.add(rested[k]["positions"], energy)[1]:
            gone.add(k)
    return gone


def told_apart(found: Sequence[Conformer], shapes: Shapes, threshold: float, window: float) -> list[Conformer]:
    """By energy, each place once, up to so many kcal/mol above the lowest."""
    ordered = sorted(found, key=lambda each: each.energy)
    places = Distinct(shapes, threshold=threshold)
    kept = [each for each in ordered if places.add(each.positions, each.energy)[1]]
    return [each for each in kept if each.energy <= kept[0].energy + window * KCAL]
