"""Find the conformers of a molecule: one function from a molecule to an ensemble of certified minima."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
from rdkit import Chem

from molopt.ensembles.crew import Crew, Kept
from molopt.ensembles.effort import Effort
from molopt.ensembles.ensemble import Ensemble, Round
from molopt.ensembles.jobs import Answer, Job, Potential, Workshop
from molopt.ensembles.moves import Moves
from molopt.ensembles.polishing import polished
from molopt.ensembles.refinement import Refinement
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.survey import Survey
from molopt.errors import InputError
from molopt.execution import Finished, Pool, SerialExecutor
from molopt.molecules import Molecule
from molopt.rules.partition import Array

PER_CONFORMER = 9  # force calls that polishing and the check take, on average


def conformers(
    target: Molecule | Chem.Mol | str,
    potential: Potential | None = None,
    refine: Potential | None = None,
    *,
    count: int | None = None,
    window: float = 6.0,
    temperature: float = 298.15,
    seed: int = 7,
    threshold: float = 0.125,
    mirror: str = "merge",
    until_no_new: int | None = None,
    max_calls: int | None = None,
    early_stops: bool = True,
    conforge: int | None = None,
    workers: int = 1,
    journal: Kept | None = None,
    on_round: Callable[[Round], object] | None = None,
) -> Ensemble:
    """The low conformers of a molecule."""
    molecule, given = molecule_of(target, seed)
    moves, shapes = Moves(molecule), Shapes(molecule, mirror)
    cheap = potential or "mmff94s"
    effort = Effort(count or count_for(moves, refine is not None), window, until_no_new or 50, max_calls, early_stops)
    told = on_round or (lambda _: None)
    rng = np.random.default_rng(seed)
    shop = Workshop(molecule, cheap, refine)
    if conforge is None:
        conforge = default_conforge()
    with doing(shop, workers) as outcomes:
        crew = Crew(outcomes, journal)
        survey = Survey(molecule, crew, moves, shapes, effort, rng)
        patience = max(effort.until_no_new, effort.count // 4)
        stopped = survey.go(given, conforge, patience, told if refine is None else lambda _: None)
        searched: Survey | Refinement = survey
        if refine is not None:
            searched = Refinement(survey, crew, moves, shapes, effort, rng)
            stopped = searched.go(told, lambda minima: minima * PER_CONFORMER)
        if not len(searched.minima):
            why = [each.why for each in searched.aside][-1:] or searched.notes[-1:] or [stopped]
            raise InputError(f"{molecule.name}: no conformer was found: {why[0]}")
        end = polished(searched.minima, molecule, crew, shapes, threshold, effort, 16 if refine is None else 1)
    calls = {name_of(cheap): survey.calls}
    ranking = cheap if refine is None else refine
    calls[name_of(ranking)] = searched.calls + end.calls
    return Ensemble(
        molecule,
        end.conformers,
        name_of(ranking),
        temperature,
        window,
        [*(searched.aside if refine is not None else ()), *survey.aside, *end.aside],
        searched.rounds,
        {source: starts for source, (starts, _) in survey.tried.items()},
        calls,
        stopped,
        survey.unseen(),
        [*survey.notes, *(searched.notes if refine is not None else ()), *end.notes],
    )


def molecule_of(target: Molecule | Chem.Mol | str, seed: int) -> tuple[Molecule, list[Array]]:
    """The molecule, and the geometries that came with it."""
    if isinstance(target, str):
        return Molecule.from_smiles(target, seed=seed), []
    if isinstance(target, Chem.Mol):
        target = Molecule.from_rdkit(target)
    if not isinstance(target, Molecule):
        raise InputError(f"conformers takes a Molecule, an RDKit molecule or a SMILES, got {target!r:.60}")
    return target, [target.positions]


def count_for(moves: Moves, refined: bool) -> int:
    """How many starts are enough, from how many bonds turn and how many parts of rings swing."""
    freedom = len(moves.turnable) + len(moves.cranks) ** 0.5
    return int(100 * (1 + freedom))


def default_conforge() -> int:
    """Seeds of CONFORGE: 100 take about a second; none where it is not installed."""
    if find_spec("CDPL") is None:
        return 0
    return 100


def name_of(potential: Potential) -> str:
    return potential if isinstance(potential, str) else getattr(potential, "name", type(potential).__name__)


@contextmanager
def doing(shop: Workshop, workers: int) -> Iterator[Callable[[Iterable[Job]], Iterable[Finished[Job, Answer]]]]:
    """Who does the jobs: this process, or others that live as long as the search."""
    if workers == 1:
        yield lambda jobs: SerialExecutor().outcomes(shop, jobs)
        return
    with Pool(workers).standing(shop) as crew:
        yield crew
