"""Relax many molecules: one function from a stream of starts to a stream of results."""

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import NamedTuple

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike

from molopt.batch.potentials import AnyPotential, evaluator
from molopt.batch.results import BatchedResult
from molopt.batch.round import Terms
from molopt.batch.stream import Stream, default_potential, drawn
from molopt.batch.workers import Work, in_processes
from molopt.errors import InputError
from molopt.execution import Pool
from molopt.execution.finished import pickled_function
from molopt.molecules import Molecule
from molopt.optimizers.spec import Guide, OptimizerLike, OptimizerSpec
from molopt.optimizers.stopping import check_criteria
from molopt.potentials.budget import Budget
from molopt.rules.base import check as check_number
from molopt.rules.partition import Array

WIDTH = 128  # where a step costs as little as with more, within a tenth


class Relaxed(NamedTuple):
    """What a batch of conformers gave, in their order."""

    energies: Array  # (S,) eV, NaN where not even the first force call worked
    positions: Array  # (S, N, 3) Angstrom
    converged: Array  # (S,) bool
    force_calls: Array  # (S,) int
    verdicts: list[str]  # (S,) how each run ended


class Batch:
    """Results of many runs, made as they are asked for: an iterator, or arrays with `collect`."""

    def __init__(self, results: Iterator[BatchedResult]) -> None:
        self.results = results

    def __iter__(self) -> Iterator[BatchedResult]:
        return self

    def __next__(self) -> BatchedResult:
        return next(self.results)

    def collect(self) -> Relaxed:
        """All results of conformers of one molecule as arrays, in the order of the stream.

        Raises
        ------
        InputError
            They have different numbers of atoms.
        """
        found = sorted(self, key=lambda one: one.number)
        if len({one.positions.shape for one in found}) > 1:
            raise InputError("collect() makes arrays of conformers of one molecule: take these results one by one")
        return Relaxed(
            np.array([one.energy for one in found]),
            np.array([one.positions for one in found]),
            np.array([one.converged for one in found], dtype=bool),
            np.array([one.force_calls for one in found], dtype=int),
            [one.ended for one in found],
        )


def relax_batch(
    targets: Molecule | Iterable[Molecule | Atoms],
    optimizer: OptimizerLike = "default",
    potential: AnyPotential | None = None,
    fmax: float = 0.05,
    energy_left: float | str | None = "auto",
    steps: int = 1000,
    *,
    positions: Iterable[ArrayLike] | None = None,
    coordinates: str | None = None,
    surrogate: Guide | None = "auto",
    check: str | None = "auto",
    max_calls: int | None = None,
    time_limit: float | None = None,
    width: int = WIDTH,
    workers: int = 1,
    ordered: bool = False,
    on_result: Callable[[BatchedResult], object] | None = None,
) -> Batch:
    """Relax many molecules together, each as `molopt.relax` would alone.

    Systems are in flight, `width` at a time: one that is done leaves, and the next takes its place, so that memory does
    not grow with their number. Each takes the steps of a run of its own, whoever is beside it. One that explodes, or
    whose potential fails, leaves with its verdict and harms no other.

    Parameters
    ----------
    targets : iterable of Molecule or ase.Atoms; or Molecule
        Any iterable: it is drawn from as there is room, and where it raises, so does the batch, once those drawn
        before have ended. Atoms are without constraints. A single molecule is relaxed from each of the `positions`.
    optimizer, potential, fmax, energy_left, steps, coordinates, surrogate, check, max_calls, time_limit
        As in `molopt.relax`, with optimizers of molopt alone. The seconds of a time limit are counted from when a
        run enters the batch. `potential` may also be a function that evaluates many systems at once
        (`molopt.potentials.batched.BatchedPotential`), for which "auto" means none. A calculator is shared by all.
    positions : (S, N, 3) array, or iterable of (N, 3) arrays, optional
        Angstrom; the conformers of the one molecule, whose bonds, coordinates and force field are found out once.
    width : int
        Systems in flight.
    workers : int
        Processes. RDKit's force fields and tblite use one core each: as many workers as cores.
    ordered : bool
        Give results in the order of the targets, and keep those that are done before their turn.
    on_result : callable, optional
        Called with each result as it comes, for progress.

    Returns
    -------
    Batch
        An iterator of results, in the order in which they end; `number` is their place among the targets. A target
        that cannot be relaxed has a result that says so. `collect()` gives arrays.

    Raises
    ------
    InputError
        An argument cannot be used, or the optimizer cannot be batched.

    Examples
    --------
    >>> ethanol = Molecule.from_smiles("CCO")
    >>> [result.converged for result in relax_batch([ethanol, Molecule.from_smiles("CO")], potential="mmff94s")]
    [True, True]
    >>> x = [conformer.positions for conformer in ethanol.conformers(3)]
    >>> relax_batch(ethanol, positions=x, fmax=0.01).collect().energies.shape
    (3,)
    """
    check_criteria(fmax, energy_left, steps)
    Budget(max_calls, time_limit)
    for name, value in (("width", width), ("workers", workers)):
        check_number(name, value, "positive")
        if int(value) != value:
            raise InputError(f"{name} must be a whole number, got {value}")
    spec = OptimizerSpec.of(optimizer, coordinates).guided_by(surrogate)
    if spec.coordinates is None:
        raise InputError(f"{spec.label} cannot be batched: use default or a rule of molopt, or molopt.relax")
    terms = Terms(fmax, int(steps), max_calls, time_limit)
    if on_result is not None and not callable(on_result):
        raise InputError(f"on_result must be a function of one result, or None, got {on_result!r}")
    targets = drawn(targets, positions)
    if potential is None:
        potential, targets = default_potential(targets)
    evaluating = evaluator(potential)
    if evaluating.shared and spec.surrogate not in (None, "auto"):
        raise InputError(
            f"a batch on {evaluating.name} takes no surrogate, got {spec.surrogate!r}: give surrogate=None"
        )
    stream = Stream(targets)
    work = Work(spec, spec.checked_by(check), potential, fmax, energy_left, terms, int(width))
    results: Iterator[BatchedResult]
    if workers > 1:
        pickled_function(potential)  # says what is wrong with it before anything is drawn
        part = part_of(positions, int(width), int(workers))
        results = in_processes(work, iter(stream), Pool(int(workers)), part)
    else:
        results = work.in_flight(stream).results()
    return Batch(told(in_order(results) if ordered else results, stream, on_result))


def part_of(positions: object, width: int, workers: int) -> int:
    """How many systems a process gets at a time: twice as many as run together, or an equal part of fewer."""
    known = len(positions) if isinstance(positions, Sized) else 2 * width * workers
    return max(1, min(2 * width, -(-known // workers)))


def in_order(results: Iterator[BatchedResult]) -> Iterator[BatchedResult]:
    """The results by their numbers; those that are early wait."""
    early: dict[int, BatchedResult] = {}
    turn = 0
    for result in results:
        early[result.number] = result
        while turn in early:
            yield early.pop(turn)
            turn += 1


def told(
    results: Iterator[BatchedResult], stream: Stream, on_result: Callable[[BatchedResult], object] | None
) -> Iterator[BatchedResult]:
    """The results, and then what the stream raised."""
    for result in results:
        if on_result is not None:
            on_result(result)
        yield result
    if stream.broken is not None:
        raise stream.broken
