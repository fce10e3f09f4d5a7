"""The schema of a run: every field of its result and its record, and what each output shows, each said once.

A field is an entry of `Plan`, `Measured` or `Outcome`: name, type, default, and an `Entry` with its meaning, unit,
heading, format and how it is read from a finished run. Records have it from there: the store keeps it, reads records
from before it was there with its default, and refuses values that are not of its type. An output shows it once its name
stands in the list of that output, at the end of this file.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Annotated, NamedTuple, Self

import numpy as np
from ase.units import kcal, mol

from molopt.columns import UNKNOWN, Cell, Column, Entry, Finished, chosen, column, documented, entries
from molopt.rules.partition import Array
from molopt.stationary.verdict import (
    ENDED,
    MEV,
    MOLECULE,
    STATIONARY,
    Verdict,
    left_text,
    meanings,
    require_word,
    short,
    without_check,
    word_of,
)

KEY = 32  # hexadecimal digits of a key: two runs in 10^19 share them
MOST = 10**12  # of a whole number, whatever its sign: it is exact as a float
NAN = math.nan
EMPTY: dict[str, Array] = {
    "energies": np.zeros(0),
    "forces": np.zeros(0),
    "frames": np.zeros((0, 0, 3), dtype=np.float32),
    "frame_calls": np.zeros(0, dtype=np.int64),
    "end": np.zeros((0, 3)),
    "floor": np.zeros((0, 3)),
}


@documented
@dataclass(frozen=True)
class Plan:
    """Everything that determines a run, in plain values; equal plans are the same run."""

    source: Annotated[str, Entry("where the molecule came from: a file, a set, a name")]
    molecule: Annotated[str, Entry("its name: any text at all")]
    place: Annotated[int, Entry("of the molecule in the study, from 0: two molecules may share a name")]
    seed: Annotated[int, Entry("which start of this molecule, from 0; 0 is the geometry that was given")]
    smiles: Annotated[str, Entry("as of `Molecule`")]
    charge: Annotated[int, Entry("of the molecule", "e", least=-MOST)]
    spin: Annotated[int, Entry("its multiplicity", least=1)]
    numbers: list[int]  # (natoms,)
    bonds: list[list[int]]  # (nbonds, 2)
    start: list[list[float]]  # (natoms, 3) A
    potential: Annotated[str, Entry("what gave energies and forces")]
    optimizer: Annotated[str, Entry("with every hyper-parameter")]
    tuned: Annotated[bool, Entry("whether an argument of the optimizer was given: other than its defaults")]
    fmax_limit: Annotated[float, Entry("criterion on the forces, as in `molopt.relax`", "eV/A")]
    energy_left_limit: Annotated[float | str | None, Entry("criterion on the energy left, as in `molopt.relax`", "eV")]
    step_limit: Annotated[int, Entry("cap of steps, as in `molopt.relax`", least=1)]
    versions: dict[str, str]  # of the packages that determine the run

    @property
    def key(self) -> str:
        """A hash of all of it."""
        text = json.dumps(vars(self), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a result and its record have alike."""

    energy: Annotated[float, Entry("with what constraints add; NaN where it is not known", "eV", digits=6)] = NAN
    fmax: Annotated[
        float, Entry("the longest force on an atom, constraints applied; NaN as the energy", "eV/A", digits=4)
    ] = NAN
    force_calls: Annotated[
        int, Entry("evaluations of energy and forces at a new geometry, a failed one included", narrow="calls")
    ] = 0
    steps: Annotated[int, Entry("of the optimizer")] = 0
    seconds: Annotated[
        float, Entry("wall time, without writing the trajectory and `on_call`", "s", shown="", digits=2)
    ] = NAN
    optimizer_seconds: Annotated[float, Entry("of these, outside the potential and the surrogate", "s", digits=2)] = NAN
    at_noise_floor: Annotated[bool, Entry("whether it converged because noise in the forces is all that is left")] = (
        False
    )
    bonds_kept: Annotated[bool | None, Entry("whether the bonds are those of the start; None: not known")] = None
    stereo_kept: Annotated[bool | None, Entry("the same of stereocentres; None: not known, or there are none")] = None
    surrogate: Annotated[str | None, Entry("the cheap potential that guided the run")] = None
    surrogate_calls: Annotated[int, Entry("evaluations of the surrogate")] = 0
    surrogate_seconds: Annotated[float, Entry("inside the surrogate, which are part of `seconds`", "s", digits=2)] = 0.0
    surrogate_setup_seconds: Annotated[float, Entry("to set it up, which are not", "s", digits=2)] = 0.0
    error: Annotated[str | None, Entry("why the run stopped before its end, in one line")] = None


def left_in(run: Finished) -> float:
    return NAN if run.energy_left is None else float(run.energy_left)


@documented
@dataclass(frozen=True)
class Outcome(Measured):
    """What a run gave, in plain values. Of one that crashed or was timed out, `ended`, `error` and `seconds` are known.

    Where `stationary` and `identity` are not given, as in records of earlier versions, they follow from the rest, and
    no end was looked at.
    """

    ended: Annotated[str, Entry("how the run ended", words=ENDED, good="converged", read=lambda run: run.verdict.ended)]
    _: KW_ONLY
    stationary: Annotated[
        str, Entry("what the run says its end is", words=STATIONARY, read=lambda run: run.verdict.stationary)
    ] = ""
    identity: Annotated[
        str,
        Entry(
            "whether the end is still the molecule of the start",
            heading="molecule",
            words=MOLECULE,
            good="kept",
            read=lambda run: run.verdict.molecule,
        ),
    ] = ""
    why: Annotated[str, Entry("the evidence for the verdict", read=lambda run: run.verdict.why)] = ""
    energy_left: Annotated[
        float,
        Entry("as the run estimated it for its end; NaN where it is not known, as on a saddle", "eV", read=left_in),
    ] = NAN
    curvature: Annotated[
        float,
        Entry(
            "the lowest that the run's check found, relative to the model",
            digits=3,
            read=lambda run: NAN if run.curvature is None else run.curvature.lowest,
        ),
    ] = NAN
    stiffness: Annotated[
        float,
        Entry(
            "that curvature in absolute terms",
            "eV/A^2",
            digits=4,
            read=lambda run: NAN if run.curvature is None else run.curvature.stiffness,
        ),
    ] = NAN
    check_calls: Annotated[
        int,
        Entry("force calls of the check", read=lambda run: 0 if run.curvature is None else run.curvature.calls),
    ] = 0
    pushes: Annotated[
        int, Entry("ridges that were left", read=lambda run: 0 if run.curvature is None else run.curvature.pushes)
    ] = 0
    step_seconds: Annotated[
        float, Entry("own time between two force calls, the median: peers compile at their first steps", "s")
    ] = NAN
    floor_energy: Annotated[
        float,
        Entry("where the end, relaxed on with care and without counting, comes to rest; NaN where it does not", "eV"),
    ] = NAN
    end_stationary: Annotated[
        str, Entry("what the end is, by a check that was not counted (`molopt.comparison.ends`)", words=STATIONARY)
    ] = "unchecked"
    end_stiffness: Annotated[float, Entry("the lowest curvature that this check found", "eV/A^2", digits=4)] = NAN
    energies: Annotated[
        Array,  # (ncalls,)
        Entry("of each force call that worked", "eV", read=lambda run: np.array([call.energy for call in run.trace])),
    ] = field(default_factory=lambda: EMPTY["energies"])
    forces: Annotated[
        Array,  # (ncalls,)
        Entry("fmax of each", "eV/A", read=lambda run: np.array([call.fmax for call in run.trace])),
    ] = field(default_factory=lambda: EMPTY["forces"])
    frames: Annotated[
        Array,  # (nframes, natoms, 3) of float32
        Entry("geometries on the way: first, last, and some of those between", "A"),
    ] = field(default_factory=lambda: EMPTY["frames"])
    frame_calls: Annotated[
        Array,  # (nframes,) of int
        Entry("the place in `energies` that each frame belongs to"),
    ] = field(default_factory=lambda: EMPTY["frame_calls"])
    end: Annotated[
        Array,  # (natoms, 3)
        Entry("the geometry of the result", "A", read=lambda run: run.atoms.positions if run.trace else EMPTY["end"]),
    ] = field(default_factory=lambda: EMPTY["end"])
    floor: Annotated[
        Array,  # (natoms, 3)
        Entry("that of `floor_energy`; no rows where there is none", "A"),
    ] = field(default_factory=lambda: EMPTY["floor"])

    def __post_init__(self) -> None:
        require_word(self.ended, ENDED, "ended")
        if not self.stationary:
            object.__setattr__(self, "stationary", without_check(self.converged, self.fmax))
        if not self.identity:
            object.__setattr__(self, "identity", word_of(self.bonds_kept, self.stereo_kept))
        for name, entry in entries(Outcome).items():
            if entry.words is not None:
                require_word(getattr(self, name), entry.words, name)
        for name, empty in EMPTY.items():
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=empty.dtype))

    @classmethod
    def of(cls, run: Finished, **besides: object) -> Self:
        """The outcome of a finished run, whose `Measured` fields are its own; `besides` are what it does not know."""
        measured = {part.name: getattr(run, part.name) for part in fields(Measured)}
        read = {name: entry.read(run) for name, entry in entries(Outcome).items() if entry.read is not None}
        return cls(**(measured | read | besides))

    @property
    def converged(self) -> bool:
        return ENDED[self.ended].converged

    @property
    def verdict(self) -> Verdict:
        left = None if math.isnan(self.energy_left) else self.energy_left
        return Verdict(self.ended, self.stationary, self.identity, self.why, left)

    @property
    def end_is(self) -> str:
        """What the end is: as the look that was not counted says it, else as the run's own check does."""
        return self.stationary if self.end_stationary == "unchecked" else self.end_stationary


class Standing(NamedTuple):
    """What a row of a table is of: an outcome, and how it stands among the runs of its problem."""

    outcome: Outcome
    lowest: float = NAN  # eV, the lowest of these runs; NaN where this one is not compared with them
    basin: str = UNKNOWN


def of_outcome(name: str) -> Column[Standing]:
    return column(Outcome, name, lambda row: getattr(row.outcome, name))


def above(unit: float, digits: int) -> Callable[[Standing], Cell]:
    entry = Entry("", digits=digits)
    return lambda row: entry.cell((row.outcome.energy - row.lowest) / unit)


def left(row: Standing) -> Cell:
    """The energy left as the run estimated it; none where the end is a saddle, whoever saw that."""
    end = row.outcome
    text = left_text(end.energy_left, "saddle" if end.end_is == "saddle" else end.stationary)
    return Cell(text, end.energy_left / MEV if math.isfinite(end.energy_left) else None)


def lowest_curvature(row: Standing) -> Cell:
    found = row.outcome.stiffness
    return Cell(f"{found:.5g}", found) if math.isfinite(found) else Cell(UNKNOWN)


WORDS = meanings(STATIONARY)
ESTIMATED = "energy left, as the run estimated it; ? where it did not check the curvature of its end"
AT_REST = (
    "where the end came to rest when it was relaxed on: A is the lowest, A-2 another geometry within 1 meV of it, as a "
    "mirror image is"
)
COLUMNS: tuple[Column[Standing], ...] = (
    *(of_outcome(name) for name in entries(Outcome) if name not in EMPTY),
    Column("verdict", "end", lambda row: Cell(short(row.outcome.ended, row.outcome.end_is)), numeric=False),
    Column("end_is", "end", lambda row: Cell(row.outcome.end_is), meaning=WORDS, good="minimum", numeric=False),
    Column("lowest_curvature", "lowest curvature", lowest_curvature, "eV/A^2", "NaN where it was not checked"),
    Column("energy_left", "left", left, "meV", ESTIMATED),
    Column("above_lowest", "above lowest", above(MEV, 1), "meV"),
    Column("above", "above", above(MEV, 1), "meV"),  # beside the next: above best, meV and kcal/mol
    Column("above_best", "best", above(kcal / mol, 2), "kcal/mol"),
    Column("basin", "basin", lambda row: Cell(row.basin), meaning=AT_REST, numeric=False),
)

# What each output shows, in its order; a first column that names the run is the output's own.
RELAXED = chosen(COLUMNS, "verdict", "force_calls", "seconds", "energy", "energy_left", "fmax")
COMPARED = chosen(COLUMNS, "verdict", "force_calls", "seconds", "above", "above_best", "energy_left", "fmax")
PAGE = chosen(COLUMNS, "ended", "end_is", "identity", "force_calls", "above_lowest", "fmax", "basin", "energy_left")
SAID = ("ended", "stationary", "identity", "why")  # of the verdict
SDF = chosen(COLUMNS, *SAID, "energy", "fmax", "energy_left", "lowest_curvature", "force_calls")
STUDY_SDF = (*SDF, *chosen(COLUMNS, "end_stationary"))
EXPORT = (
    *("molecule", "source", "place", "seed", "potential", "optimizer", "tuned"),
    *("force_calls", "steps", "converged", "ended", "stationary", "identity", "energy", "energy_left", "fmax"),
    *("seconds", "optimizer_seconds", "step_seconds", "atoms", "charge", "spin", "smiles"),
    *("floor_energy", "end_stationary", "end_stiffness", "curvature", "stiffness", "check_calls", "pushes"),
    *("at_noise_floor", "bonds_kept", "stereo_kept", "surrogate", "surrogate_calls", "surrogate_seconds"),
    *("why", "error", "fmax_limit", "energy_left_limit", "step_limit", "key", "stop_calls", "floor_calls"),
)
MANY = (  # of `molopt relax`, after which molecule it is
    *("atoms", "charge", "spin", "potential", "optimizer", "force_calls", "steps", "converged", "ended", "stationary"),
    *("identity", "energy", "energy_left", "fmax", "seconds", "optimizer_seconds", "curvature", "stiffness"),
    *("check_calls", "pushes", "at_noise_floor", "bonds_kept", "stereo_kept", "surrogate", "surrogate_calls"),
    *("surrogate_seconds", "why", "error"),
)
SEARCHED = (
    *("molecule", "smiles", "potential", "optimizer", "settings", "ended", "stationary", "identity"),
    *("end_stationary", "error", "place", "seed", "charge", "spin", "tuned", "converged", "force_calls", "steps"),
    *("seconds", "energy_left", "fmax", "floor_energy"),
)
