"""The verdict on a run: how it ended, what its end is, and whether that is still the molecule."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

MEV = 1e-3  # eV


class Word(NamedTuple):
    """A word of a verdict.

    Attributes
    ----------
    meaning : str
        In one line.
    converged : bool
        Whether a run of which it is said counts as converged, where the curvature of its end was asked for.
    comparable : bool
        Whether the end of such a run says how low the molecule goes, as ends of other runs do.
    """

    meaning: str
    converged: bool
    comparable: bool


ENDED = {
    "converged": Word("all criteria were met", True, True),
    "unconverged": Word("its steps were used up, or it is still on a saddle that it was to leave", False, True),
    "stalled": Word("no progress over a window of steps, or displacements below resolution", False, True),
    "exploded": Word("energy, forces or distances no longer made sense", False, False),
    "failed": Word("the potential or the optimizer raised an error", False, False),
    "timed out": Word("it exceeded its time limit, and was ended", False, False),
    "crashed": Word("its process died", False, False),
    "stopped": Word("by the user, or by a budget of force calls or time", False, True),
}
STATIONARY = {
    "minimum": Word("the lowest curvature was checked, and is positive", True, True),
    "saddle": Word("there is negative curvature: a saddle of order 1 or higher", False, True),
    "flat": Word("the lowest curvature is within the noise of zero", True, True),
    "unchecked": Word("the curvature was not checked, or not far enough to say", True, True),
    "not stationary": Word("forces, or the energy left, are above what was asked for", False, True),
}
LOOKED_AT = ("minimum", "saddle", "flat")  # said of ends whose curvature is known
MOLECULE = {
    "kept": Word("bonds and stereo are those of the start", True, True),
    "rearranged": Word("bonds broke or formed", True, False),
    "inverted": Word("the configuration of a stereocentre or a double bond changed", True, True),
    "dissociated": Word("it fell into more fragments than the start had", True, False),
    "unknown": Word("bonds of the start are in doubt, or atoms are periodic", True, True),
}
WORDS = {"ended": ENDED, "stationary": STATIONARY, "molecule": MOLECULE}


@dataclass(frozen=True)
class Verdict:
    """How a run ended, what its end is, and whether it is the molecule of the start, in the words of `WORDS`.

    Attributes
    ----------
    ended : str
        converged, unconverged, stalled, exploded, failed, timed out, crashed or stopped.
    stationary : str
        minimum, saddle, flat, unchecked or not stationary.
    molecule : str
        kept, rearranged, inverted, dissociated or unknown.
    why : str
        The evidence in a few words: the lowest curvature, the bonds that changed, the failure, the budget.
    energy_left : float or None
        eV; None where it is not known, as on a saddle that was not left.

    Raises
    ------
    ValueError
        A word is not in its table.

    Examples
    --------
    >>> print(Verdict("converged", "unchecked", "kept", energy_left=4e-4))
    converged, unchecked, kept; 0.4? meV left
    >>> print(Verdict("unconverged", "saddle", "rearranged", "broken: C1-C2"))
    unconverged, saddle, rearranged; broken: C1-C2
    """

    ended: str
    stationary: str
    molecule: str
    why: str = ""
    energy_left: float | None = None

    def __post_init__(self) -> None:
        for name, table in WORDS.items():
            require_word(getattr(self, name), table, name)

    @property
    def converged(self) -> bool:
        return ENDED[self.ended].converged

    @property
    def comparable(self) -> bool:
        return comparable(self.ended, self.stationary, self.molecule)

    @property
    def short(self) -> str:
        """One word for a narrow column: what the end of a run that converged is, how others ended."""
        return short(self.ended, self.stationary)

    def __str__(self) -> str:
        words = ", ".join((self.ended, self.stationary, self.molecule))
        left = left_text(self.energy_left, self.stationary)
        return "; ".join(filter(None, (words, "" if left == "-" else f"{left} meV left", self.why)))

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON."""
        return asdict(self)


def without_check(converged: bool, fmax: float) -> str:
    """What can be said of an end whose curvature was not looked at; fmax is NaN where no forces are known.

    >>> without_check(True, 0.01), without_check(False, 0.4), without_check(False, math.nan)
    ('unchecked', 'not stationary', 'unchecked')
    """
    return "unchecked" if converged or not math.isfinite(fmax) else "not stationary"


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


def require_word(word: object, table: Mapping[str, Word], name: str) -> None:
    """Raise ValueError where a word is not in its table."""
    if not isinstance(word, str) or word not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}, got {word!r}")


def comparable(ended: str, stationary: str, molecule: str) -> bool:
    """Whether the end of a run says how low the molecule goes."""
    return all((ENDED[ended].comparable, STATIONARY[stationary].comparable, MOLECULE[molecule].comparable))


def short(ended: str, stationary: str) -> str:
    """A verdict in one word: what the end is, where the run converged or a saddle is left; else how it ended.

    >>> short("converged", "minimum"), short("unconverged", "saddle"), short("crashed", "not stationary")
    ('minimum', 'saddle', 'crashed')
    """
    return stationary if ENDED[ended].converged or stationary == "saddle" else ended


def meanings(table: Mapping[str, Word]) -> str:
    """What each word of a table means, in one line."""
    return "; ".join(f"{word}: {said.meaning}" for word, said in table.items())


def left_text(energy: float | None, stationary: str, digits: int = 1) -> str:
    """Energy left (eV) in meV: a `?` behind it where the curvature was not looked at, no number on a saddle.

    >>> left_text(4e-4, "minimum"), left_text(4e-4, "unchecked"), left_text(0.0, "saddle"), left_text(None, "minimum")
    ('0.4', '0.4?', '-', '-')
    """
    if stationary == "saddle" or energy is None or not math.isfinite(energy):
        return "-"
    number = f"{energy / MEV:.{digits}f}" if energy < 1e6 * MEV else f"{energy / MEV:.1e}"
    return number if stationary in LOOKED_AT else f"{number}?"
