"""What an ensemble is made of: conformers, what was set aside, and how far the search was after each round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from molopt.rules.partition import Array
from molopt.stationary.verdict import Verdict

SOURCES = {
    "etkdg": "embedded by RDKit's ETKDGv3",
    "conforge": "built by CONFORGE",
    "given": "the geometry that was given",
    "turn": "another conformer with bonds turned",
    "crankshaft": "another conformer with a part of a ring swung out",
    "flip": "another conformer with an amide, an acid, a double bond or an atom turned over",
    "cross": "torsions of two other conformers",
    "pose": "another pose of the fragments",
}


@dataclass(frozen=True, eq=False)
class Conformer:
    """A geometry of the molecule that was relaxed and kept.

    Attributes
    ----------
    positions : (N, 3) array
        Angstrom.
    energy : float
        eV, of the potential that ranks.
    source : str
        Where its start came from: a key of `SOURCES`.
    seed : int or None
        Of the embedding, or of the random move.
    calls : int
        Force calls spent on it, of the potential that ranks.
    verdict : Verdict
        What its end is, and whether it is still the molecule.
    fmax : float
        eV/A.
    energy_left : float or None
        eV; None where it is not known.
    degeneracy : int
        How many conformers it stands for beside the others of its ensemble: those that differ from it by an exchange of
        equal atoms, or by a reflection where the molecule is achiral.
    images : int
        2 where it stands for its mirror image, too, 1 otherwise.
    free_energy : float or None
        eV, the electronic energy included, without the entropy of `images`; None where it was not computed.
    dipole : float or None
        e A, the length of the dipole moment; None where the potential has none.
    """

    positions: Array
    energy: float
    source: str = "given"
    seed: int | None = None
    calls: int = 0
    verdict: Verdict = field(default_factory=lambda: Verdict("converged", "unchecked", "unknown"))
    fmax: float = float("nan")
    energy_left: float | None = None
    degeneracy: int = 1
    images: int = 1
    free_energy: float | None = None
    dipole: float | None = None

    def __post_init__(self) -> None:
        coerced(self, positions, "positions")
        coerced(self, float, "energy", "fmax", "energy_left", "free_energy", "dipole")
        coerced(self, int, "seed", "calls", "degeneracy", "images")

    @property
    def populated(self) -> bool:
        """Whether molecules live there: a saddle is on the way between two conformers, and is none."""
        return self.verdict.stationary != "saddle"


@dataclass(frozen=True, eq=False)
class SetAside:
    """What was relaxed and not kept.

    Attributes
    ----------
    positions : (N, 3) array
        Angstrom.
    energy : float
        eV; NaN where it is not known.
    source : str
        As of a `Conformer`.
    why : str
        In one line: changed bonds or stereo, a saddle, a failure.
    """

    positions: Array
    energy: float
    source: str
    why: str

    def __post_init__(self) -> None:
        coerced(self, positions, "positions")
        coerced(self, float, "energy")


@dataclass(frozen=True)
class Round:
    """How far a search was after one of its rounds.

    Attributes
    ----------
    calls : int
        Force calls of the potential that ranks, so far.
    lowest : float
        eV, the lowest energy so far.
    minima : int
        Distinct ones so far, within the window.
    by_source : dict of str to (int, int)
        How many starts of each source were tried so far, and how many of these led to a new conformer.
    """

    calls: int
    lowest: float
    minima: int
    by_source: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        coerced(self, int, "calls", "minima")
        coerced(self, float, "lowest")
        counts = {source: (int(tried), int(new)) for source, (tried, new) in self.by_source.items()}
        object.__setattr__(self, "by_source", counts)


def positions(given: Array) -> Array:
    """A copy as floats, which whoever gave them may change without harm."""
    return np.array(given, dtype=float)


def coerced(one: object, kind: Callable[..., object], *names: str) -> None:
    """Make attributes that are not None plain values, which JSON knows and NumPy's numbers are not."""
    for name in names:
        if (value := getattr(one, name)) is not None:
            object.__setattr__(one, name, kind(value))
