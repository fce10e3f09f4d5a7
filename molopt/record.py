"""One run of a study in plain values: what determined it, and what came out."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from molopt.rules.partition import Array
from molopt.stationary.verdict import ENDED, MOLECULE, STATIONARY, Verdict, require_word, without_check

NOT_RUN = "not run"  # how the error of a run begins that could not even start
KEY = 32  # hexadecimal digits: two runs in 10^19 share them
EMPTY: dict[str, Array] = {
    "energies": np.zeros(0),
    "forces": np.zeros(0),
    "frames": np.zeros((0, 0, 3), dtype=np.float32),
    "frame_calls": np.zeros(0, dtype=np.int64),
    "end": np.zeros((0, 3)),
    "floor": np.zeros((0, 3)),
}


@dataclass(frozen=True)
class Plan:
    """Everything that determines a run, in plain values; equal plans are the same run.

    Attributes
    ----------
    source : str
        Where the molecule came from: a file, a set, a name.
    molecule : str
        Its name: any text at all.
    place : int
        Of the molecule in the study, counted from 0: two molecules may share a name.
    seed : int
        Which start of this molecule, counted from 0; 0 is the geometry that was given.
    smiles, charge, spin
        As of `Molecule`.
    numbers : (natoms,) list of int
    bonds : (nbonds, 2) list of int
    start : (natoms, 3) list of float
        Angstrom.
    potential, optimizer : str
        With every hyper-parameter.
    tuned : bool
        Whether an argument of the optimizer was given in its name: other than its defaults.
    fmax_limit, energy_left_limit, step_limit
        Criteria and cap, as in `molopt.relax`.
    versions : dict
        Of the packages that determine the run.
    """

    source: str
    molecule: str
    place: int
    seed: int
    smiles: str
    charge: int
    spin: int
    numbers: list[int]
    bonds: list[list[int]]
    start: list[list[float]]
    potential: str
    optimizer: str
    tuned: bool
    fmax_limit: float
    energy_left_limit: float | str | None
    step_limit: int
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """A hash of all of it."""
        text = json.dumps(vars(self), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:KEY]


@dataclass(frozen=True)
class Outcome:
    """What a run gave. Of a run that crashed or was timed out only `ended`, `error` and `seconds` are known.

    Attributes
    ----------
    ended, stationary, identity : str
        As `ended`, `stationary` and `molecule` of a `Verdict`; a plan has its molecule's name. Where the last two are
        not given, as in records of earlier versions, they follow from the rest, and no end was looked at.
    why : str
        The evidence for it.
    error : str or None
        Why it exploded, failed, timed out or crashed, in one line.
    seconds, optimizer_seconds : float
        Wall time, and of it what was spent outside potential and surrogate.
    step_seconds : float
        Of that, the median between two force calls: peers compile at their first steps.
    force_calls, steps : int
    energy, fmax, energy_left : float
        eV and eV/A at the end, NaN where not known; the energy left of a saddle is not.
    curvature, stiffness : float
        The lowest that the run's own check found, relative to the model and in eV/A^2; NaN where there was none.
    check_calls, pushes : int
        Force calls of that check, and ridges that were left.
    at_noise_floor, bonds_kept, stereo_kept, surrogate, surrogate_calls, surrogate_seconds, surrogate_setup_seconds
        As of `Result`.
    energies, forces : (ncalls,) arrays
        Energy (eV) and fmax (eV/A) of each force call that worked.
    frames : (nframes, natoms, 3) array of float32
        Geometries on the way, A: first, last, and some of those between.
    frame_calls : (nframes,) array of int
        The entry of `energies` that each frame belongs to.
    end : (natoms, 3) array
        The geometry of the result, A.
    floor_energy : float
        eV where the run's end, relaxed on with care and without counting, comes to rest; NaN where it does not.
    floor : (natoms, 3) array
        That geometry, A; no rows where there is none.
    end_stationary : str
        What the run's end is, by a look that was not counted (`molopt.comparison.ends`); "unchecked" where there was
        none.
    end_stiffness : float
        The lowest curvature that it found, eV/A^2.
    """

    ended: str
    error: str | None = None
    seconds: float = math.nan
    optimizer_seconds: float = math.nan
    step_seconds: float = math.nan
    force_calls: int = 0
    steps: int = 0
    energy: float = math.nan
    fmax: float = math.nan
    energy_left: float = math.nan
    at_noise_floor: bool = False
    bonds_kept: bool | None = None
    stereo_kept: bool | None = None
    surrogate: str | None = None
    surrogate_calls: int = 0
    surrogate_seconds: float = 0.0
    surrogate_setup_seconds: float = 0.0
    energies: Array = field(default_factory=lambda: EMPTY["energies"])
    forces: Array = field(default_factory=lambda: EMPTY["forces"])
    frames: Array = field(default_factory=lambda: EMPTY["frames"])
    frame_calls: Array = field(default_factory=lambda: EMPTY["frame_calls"])
    end: Array = field(default_factory=lambda: EMPTY["end"])
    floor_energy: float = math.nan
    floor: Array = field(default_factory=lambda: EMPTY["floor"])
    stationary: str = ""
    identity: str = ""
    why: str = ""
    curvature: float = math.nan
    stiffness: float = math.nan
    check_calls: int = 0
    pushes: int = 0
    end_stationary: str = "unchecked"
    end_stiffness: float = math.nan

    def __post_init__(self) -> None:
        require_word(self.ended, ENDED, "ended")
        if not self.stationary:
            object.__setattr__(self, "stationary", without_check(self.converged, self.fmax))
        if not self.identity:
            object.__setattr__(self, "identity", word_of(self.bonds_kept, self.stereo_kept))
        for name, table in (("stationary", STATIONARY), ("identity", MOLECULE), ("end_stationary", STATIONARY)):
            require_word(getattr(self, name), table, name)
        for name, empty in EMPTY.items():
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=empty.dtype))

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


def word_of(bonds_kept: bool | None, stereo_kept: bool | None) -> str:
    """What became of the molecule, as far as truth values say it.

    >>> word_of(True, None), word_of(True, False), word_of(False, None), word_of(None, None)
    ('kept', 'inverted', 'rearranged', 'unknown')
    """
    if bonds_kept is None:
        return "unknown"
    if not bonds_kept:
        return "rearranged"
    return "kept" if stereo_kept is None or stereo_kept else "inverted"


@dataclass(frozen=True)
class Record:
    """A finished run."""

    plan: Plan
    outcome: Outcome

    @property
    def key(self) -> str:
        return self.plan.key

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON; NaN is None."""
        said = {part.name: plain(getattr(self.outcome, part.name)) for part in fields(Outcome)}
        return {"plan": asdict(self.plan), "outcome": said}


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and not math.isfinite(value) else value
