"""The end of a search: what is kept is relaxed to the floor of its basin, certified, and told apart once more."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from molopt.ensembles.conformer import Conformer, SetAside
from molopt.ensembles.crew import Crew
from molopt.ensembles.distinct import Distinct
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.jobs import Polish, stacked
from molopt.ensembles.minima import Minima
from molopt.ensembles.shapes import Shapes
from molopt.molecules import Molecule
from molopt.stationary.verdict import Verdict

DEEPER = 0.5  # kcal/mol; minima so far above the window are polished too, as they may come down into it


class Polished(NamedTuple):
    """What polishing gave: conformers by energy, what was set aside, and the force calls it took."""

    conformers: list[Conformer]
    aside: list[SetAside]
    calls: int


def polished(
    minima: Minima, molecule: Molecule, crew: Crew, shapes: Shapes, threshold: float, effort: Effort, together: bool
) -> Polished:
    """The minima in the window at rest, each with its verdict; of those that end in one place, the first is kept.

    Parameters
    ----------
    together : bool
        Whether a job is a chunk of them: where force calls are cheap, steps are cheaper together.
    threshold : float
        Angstrom; nearer ones are the same.
    """
    chosen = minima.within(effort.window + DEEPER).tolist()
    size = effort.chunk if together else 1
    parts = [chosen[k : k + size] for k in range(0, len(chosen), size)]
    jobs = [Polish(stacked([minima.position(k) for k in part], molecule), effort.polished) for part in parts]
    found: list[Conformer] = []
    aside: list[SetAside] = []
    calls = 0
    for part, answer in zip(parts, crew.do(jobs), strict=True):
        if isinstance(answer, str):
            aside += [SetAside(minima.position(k), np.nan, minima.origins[k].source, answer) for k in part]
            continue
        for row, k in enumerate(part):
            origin, energy, changed = minima.origins[k], float(answer["energies"][row]), answer["changed"][row]
            ended, stationary = answer["ended"][row], answer["stationary"][row]
            calls += int(answer["calls"][row])
            why = changed or ("" if np.isfinite(energy) else f"{ended} {answer['why'][row]}".strip())
            if not why and stationary == "saddle":
                why = "a saddle that the run could not leave"
            if why:
                aside.append(SetAside(answer["positions"][row], energy, origin.source, why))
                continue
            left = float(answer["left"][row])
            found.append(
                Conformer(
                    answer["positions"][row],
                    energy,
                    origin.source,
                    origin.seed,
                    minima.calls[k] + int(answer["calls"][row]),
                    Verdict(ended, stationary, "kept", answer["why"][row], left if np.isfinite(left) else None),
                    float(answer["fmax"][row]),
                    left if np.isfinite(left) else None,
                )
            )
    return Polished(told_apart(found, shapes, threshold, effort.window), aside, calls)


def told_apart(found: Sequence[Conformer], shapes: Shapes, threshold: float, window: float) -> list[Conformer]:
    """By energy, each place once, up to so many kcal/mol above the lowest."""
    ordered = sorted(found, key=lambda each: each.energy)
    places = Distinct(shapes, threshold=threshold)
    kept = [each for each in ordered if places.add(each.positions, each.energy)[1]]
    return [each for each in kept if each.energy <= kept[0].energy + window * KCAL]
