"""Find the conformers of a molecule: one function from a molecule to an ensemble of certified minima."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from molopt.ensembles.crew import Crew
from molopt.ensembles.degeneracy import with_degeneracies
from molopt.ensembles.effort import Effort, count_for
from molopt.ensembles.ensemble import Ensemble, Round, SetAside
from molopt.ensembles.free_energies import name_of, with_dipoles, with_free_energies
from molopt.ensembles.journal import Journal
from molopt.ensembles.moves import Moves
from molopt.ensembles.polishing import Polished, polished
from molopt.ensembles.refinement import Refinement
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.survey import LARGEST_SEED, Survey
from molopt.ensembles.workshop import Answer, Job, Workshop
from molopt.errors import InputError, PotentialFailed
from molopt.execution import Finished, Pool, SerialExecutor
from molopt.molecules import Molecule
from molopt.molecules.identity import listed
from molopt.molecules.single import Described, single
from molopt.molecules.smiles import open_stereo
from molopt.potentials import potential as calculator_of
from molopt.rules.base import check
from molopt.system import Potential, require_agreement

__all__ = ["conformers"]

PACKAGES = ("molopt", "rdkit", "ase", "numpy", "scipy", "numba", "tblite", "cdpkit")  # that may change what is found
BY_CONFORGE = 100  # seeds: about a second


def conformers(
    target: Described,
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
    conforge: bool | None = None,
    given: bool = True,
    free_energy: bool = False,
    workers: int = 1,
    journal: str | Path | None = None,
    on_round: Callable[[Round], object] | None = None,
) -> Ensemble:
    """The low conformers of a molecule, each relaxed, certified to be a minimum, and ranked.

    Embeddings, and turns, crankshafts, flips and crossings of what they led to, are relaxed on a force field. With
    `refine`, one point of that potential each says in which order they are relaxed on it, and the search goes on there:
    many of its basins do not exist on the force field. What lies in the window is then relaxed to 0.01 eV/A and its
    curvature is looked at. Nothing is decided by the clock or by who was done first: one seed gives one ensemble,
    whatever the number of workers.

    Parameters
    ----------
    target : Molecule, rdkit.Chem.Mol, ase.Atoms, str or Path
        A geometry that comes with it is a start among others, and where RDKit cannot embed the molecule, as most metal
        complexes, it is the first start of all moves. A str is a SMILES, or what else names one molecule
        (`molopt.Molecule.of`). Fragments keep together as far as the
        potential lets them: how they lie to each other is searched by random moves alone, as in a small cluster.
    potential : str or ASE calculator, optional
        On which thousands are relaxed; by default MMFF94s, or UFF where that has no parameters. Where neither has, as
        for many metals, all of the search is on `refine`.
    refine : str or ASE calculator, optional
        That ranks, as "gfn2-xtb" or "gfn2-xtb?solvent=water"; by default `potential` does.
    count : int, optional
        Starts relaxed on the force field at most; by default 100 for each soft degree of freedom and 100 more, and
        with `refine` three times that.
    window : float
        kcal/mol above the lowest.
    temperature : float
        K, of populations.
    seed : int
        Of embeddings and moves.
    threshold : float
        RMSD in Angstrom of heavy atoms and polar hydrogens, best over symmetry, below which two are one; the default is
        CREST's. Hydrogens that only change places do not count.
    mirror : str
        "merge": of an achiral molecule, mirror images are one, of which the degeneracy tells; "keep" lists both.
    until_no_new : int, optional
        Relaxations in a row after which the search is done if none has led to a new minimum in the lowest 3 kcal/mol;
        by default 50 with `refine`, and a quarter of `count` without.
    max_calls : int, optional
        Force calls of the potential that ranks at most, those that certify included as far as can be foretold.
    early_stops : bool
        Whether relaxations that can hardly end in the window are given up; without, nothing is lost by that.
    conforge : bool, optional
        Whether CONFORGE adds 100 seeds; by default where CDPKit is installed.
    given : bool
        Whether the geometry of a molecule is a start: one that was embedded from a SMILES is none of its own.
    free_energy : bool
        Rank by free energies, from all frequencies of each: 6 N further force calls a conformer.
    workers : int
        Processes.
    journal : path, optional
        A file that keeps what was done, so that the same search goes on after it was killed.
    on_round : callable, optional
        Called with the `Round` after each.

    Returns
    -------
    Ensemble
        Sorted by energy; `set_aside` has what changed its bonds or stereo, with the reason, `rounds` how it went.

    Raises
    ------
    InputError
        An argument cannot be used; no start could be made or relaxed.

    Examples
    --------
    >>> ensemble = conformers("CCCC", seed=1)
    >>> ensemble.relative.round(1), [one.degeneracy for one in ensemble], ensemble.verdicts[0].stationary
    (array([0. , 0.8]), [1, 2], 'minimum')

    References
    ----------
    P. Pracht, F. Bohle, S. Grimme, Phys. Chem. Chem. Phys. 22, 7169 (2020), CREST, which this is compared with in
    docs/results/conformers.md.
    """
    molecule, smiles = single(target, seed=seed)
    starts = [molecule.positions] if given and not smiles else []
    for name, value in (("temperature", temperature), ("threshold", threshold), ("workers", workers)):
        check(name, value, "positive")
    if not 0 <= seed < LARGEST_SEED:
        raise InputError(f"seed must be at least 0 and less than 2^31, got {seed!r}")
    moves, shapes = Moves(molecule), Shapes(molecule, mirror)
    cheap = potential if potential is not None else affordable(molecule, refine)
    refine = None if refine == cheap else refine
    ranking = cheap if refine is None else refine
    for each in (cheap, ranking):
        if isinstance(each, str):
            require_agreement(molecule, each)
            calculator_of(each, molecule)  # an InputError before anything is begun
        elif workers > 1:
            raise InputError("a calculator works in one process: give the name of a potential, or workers=1")
        elif journal is not None:
            raise InputError("a journal cannot tell calculators apart: give the name of a potential, or journal=None")
    count = count_for(moves, refine is not None) if count is None else count
    if until_no_new is None:
        until_no_new = max(50, count // 4) if refine is None else 50
    effort = Effort(count, window, until_no_new, max_calls, early_stops)
    use_conforge = find_spec("CDPL") is not None if conforge is None else conforge
    told = on_round or (lambda _: None)
    rng = np.random.default_rng(seed)
    with one_thread(), ExitStack() as stack:
        outcomes = stack.enter_context(doing(Workshop(molecule, cheap, refine), workers))
        kept = None
        if journal is not None:
            settings = (cheap, refine, effort, threshold, mirror, seed, use_conforge)
            kept = stack.enter_context(Journal(journal, said(molecule, settings)))
        crew = Crew(outcomes, kept)
        survey = Survey(molecule, crew, moves, shapes, effort, rng)
        searched: Survey | Refinement = survey
        stopped = survey.go(starts, BY_CONFORGE if use_conforge else 0, told if refine is None else None)
        if refine is not None:
            searched = refinement = Refinement(survey, crew, moves, shapes, effort, rng)
            stopped = refinement.go(starts, told)
        if not len(searched.minima):
            aside = [*survey.aside, *(searched.aside if searched is not survey else ())]
            raise nothing_found(molecule, aside, survey.notes[-1:] or [stopped])
        end = polished(searched.minima, molecule, crew, shapes, threshold, effort, together=refine is None)
        if not end.conformers:
            raise nothing_found(molecule, end.aside, [stopped])
    found = ensemble_of(molecule, end, survey, searched, stopped, (cheap, ranking), temperature, window)
    if smiles:
        found.notes += unsaid(smiles, molecule)
    with one_thread():
        found = with_degeneracies(found, threshold, mirror)
        if free_energy:
            found = with_free_energies(found, ranking, workers=workers)
        try:
            return with_dipoles(found, ranking)
        except PotentialFailed as error:  # nothing else is lost by that
            found.notes.append(f"no dipole moments: {error}")
            return found


def nothing_found(molecule: Molecule, aside: Sequence[SetAside], otherwise: Sequence[str]) -> InputError:
    """Why: what was said of the last that was set aside, or else."""
    why = [each.why for each in aside][-1:] or otherwise
    return InputError(f"{molecule.name}: no conformer was found: {why[0]}")


def ensemble_of(
    molecule: Molecule,
    end: Polished,
    survey: Survey,
    searched: Survey | Refinement,
    stopped: str,
    potentials: tuple[Potential, Potential],
    temperature: float,
    window: float,
) -> Ensemble:
    """What the parts of a search say together."""
    cheap, ranking = map(name_of, potentials)
    calls = {cheap: survey.calls}
    apart = searched is not survey
    calls[ranking] = (searched.calls if apart else survey.calls) + end.calls
    return Ensemble(
        molecule,
        end.conformers,
        ranking,
        temperature,
        window,
        [*survey.aside, *(searched.aside if apart else ()), *end.aside],
        searched.rounds,
        {source: starts for source, (starts, _) in survey.tried.items()},
        calls,
        stopped,
        survey.unseen(),
        [*survey.notes, *(searched.notes if apart else ())],
    )


def unsaid(smiles: str, molecule: Molecule) -> list[str]:
    """A note on the stereo that a SMILES leaves open: of all isomers the one that was embedded is searched."""
    found = open_stereo(smiles)
    isomer = f"the isomer {molecule.smiles} was searched, and no other"
    return [f"its SMILES leaves {listed(found)} open: {isomer}"] if found else []


def affordable(molecule: Molecule, refine: Potential | None) -> Potential:
    """The force field that has parameters for a molecule; where none has, the potential that ranks, if there is one."""
    for name in ("mmff94s", "uff"):
        try:
            calculator_of(name, molecule)
            return name
        except (InputError, PotentialFailed):
            if name == "uff" and refine is None:
                raise
    assert refine is not None
    return refine


def said(molecule: Molecule, settings: tuple[object, ...]) -> dict[str, str]:
    """What tells a search from others, for its journal."""
    geometry = hashlib.sha256(molecule.graph + molecule.positions.tobytes()).hexdigest()
    found = {"molecule": f"{molecule.name} {geometry[:16]}", "settings": repr(settings)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def one_thread() -> AbstractContextManager[object]:
    """One thread for each BLAS, as workers have.

    With more, sums are in another order, and the ensemble would depend on the number of workers; and on a busy machine
    threads that wait for each other take most of the time.
    """
    return threadpool_limits(1)


@contextmanager
def doing(shop: Workshop, workers: int) -> Iterator[Callable[[Iterable[Job]], Iterable[Finished[Job, Answer]]]]:
    """Who does the jobs: this process, or others that live as long as the search."""
    executor = SerialExecutor() if workers == 1 else Pool(workers)
    with executor.standing(shop) as crew:
        yield crew
