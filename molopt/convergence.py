"""When a run may stop: criteria beside ASE's fmax."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np

from molopt.errors import InputError
from molopt.rules.base import check
from molopt.rules.partition import Array
from molopt.spelling import offer

HARTREE = 27.211386245988  # eV (CODATA 2018)
BOHR = 0.529177210903  # Angstrom (CODATA 2018)
NEGLIGIBLE = 0.01  # of Gaussian's limits of the forces; below, displacements do not matter


class Seen(NamedTuple):
    """What a criterion may look at, after a force call."""

    gradient: Array  # (N,) eV/A, constraints applied
    displacement: Array | None  # (N,) Angstrom, from the last accepted geometry; None before the first step
    change: float  # eV, of the energy over that displacement: the work (g_old + g_new) . displacement / 2
    energy_left: Callable[[], float]  # eV
    at_noise_floor: Callable[[], bool]  # whether noise in the forces is all that is left of it


class Criterion(Protocol):
    """One of the `criteria=` of an optimizer; a run ends when all of them and its fmax are met."""

    def met(self, seen: Seen) -> bool:
        """Whether the run may stop here."""


@dataclass(frozen=True)
class Fmax:
    """No force on an atom is longer than `limit`, eV/A: what `run(fmax)` asks.

    >>> Fmax(0.05)
    Fmax(limit=0.05)
    """

    limit: float

    def __post_init__(self) -> None:
        check("fmax", self.limit, "positive")

    def met(self, seen: Seen) -> bool:
        return float(lengths(seen.gradient).max(initial=0.0)) <= self.limit


@dataclass(frozen=True)
class EnergyLeft:
    """At most `limit` eV above the floor of the basin are left, as `molopt.energy_left` estimates it.

    Or what is left is no more than noise in the forces makes of it, and the run has come to rest there
    (`molopt.noise`); the log says so.
    """

    limit: float

    def __post_init__(self) -> None:
        check("energy left", self.limit, "positive")

    def met(self, seen: Seen) -> bool:
        return seen.energy_left() <= self.limit or seen.at_noise_floor()


class Limits(NamedTuple):
    """A published set, in hartree and bohr."""

    max_force: float
    rms_force: float
    max_displacement: float
    rms_displacement: float
    energy: float = np.inf


@dataclass(frozen=True)
class Published:
    """A set of limits by its name; before the first step it is never met, as there is no displacement yet."""

    name: str
    SETS: ClassVar[dict[str, Limits]]

    def __post_init__(self) -> None:
        if self.name not in self.SETS:
            kind = type(self).__name__
            raise InputError(f"{kind} has no set {self.name!r}{offer(self.name, self.SETS)}")

    @property
    def limits(self) -> Limits:
        """In eV and Angstrom."""
        force, length = HARTREE / BOHR, BOHR
        units = (force, force, length, length, HARTREE)
        return Limits(*(limit * unit for limit, unit in zip(self.SETS[self.name], units, strict=True)))

    @classmethod
    def all(cls) -> list[Self]:
        """One of each set."""
        assert len(fields(cls)) == 1
        return [cls(name) for name in cls.SETS]


@dataclass(frozen=True)
class Gaussian(Published):
    """The limits of Gaussian's keyword Opt: "default", "loose", "tight" or "verytight".

    Maximum and root mean square of the Cartesian components of the forces and of the last step; or forces below a
    hundredth of their limits, whatever the step. Gaussian itself looks at the step that it would take next.

    References
    ----------
    Gaussian 16 manual, https://gaussian.com/opt (IOp(1/7) of https://gaussian.com/overlay1).
    """

    name: str = "default"
    SETS: ClassVar[dict[str, Limits]] = {
        "default": Limits(4.5e-4, 3e-4, 1.8e-3, 1.2e-3),
        "loose": Limits(2.5e-3, 1.7e-3, 1e-2, 6.7e-3),
        "tight": Limits(1.5e-5, 1e-5, 6e-5, 4e-5),
        "verytight": Limits(2e-6, 1e-6, 6e-6, 4e-6),
    }

    def met(self, seen: Seen) -> bool:
        limits = self.limits
        force = Measure.of(np.abs(seen.gradient))
        if force.within(NEGLIGIBLE * limits.max_force, NEGLIGIBLE * limits.rms_force):
            return True
        if seen.displacement is None or not force.within(limits.max_force, limits.rms_force):
            return False
        step = Measure.of(np.abs(seen.displacement))
        return step.within(limits.max_displacement, limits.rms_displacement)


@dataclass(frozen=True)
class GeomeTRIC(Published):
    """The convergence sets of geomeTRIC, e.g. "GAU" (its default), "GAU_TIGHT" or "TURBOMOLE".

    Maximum and root mean square over atoms of the lengths of forces and of moves in the last step, and the change of
    the energy in it. geomeTRIC aligns the two geometries first; here the steps of molopt need no alignment, and ASE's
    hardly any.

    References
    ----------
    L.-P. Wang, C. Song, J. Chem. Phys. 144, 214108 (2016); https://geometric.readthedocs.io, "Convergence criteria".
    """

    name: str = "GAU"
    SETS: ClassVar[dict[str, Limits]] = {
        "GAU": Limits(4.5e-4, 3e-4, 1.8e-3, 1.2e-3, 1e-6),
        "GAU_LOOSE": Limits(2.5e-3, 1.7e-3, 1e-2, 6.7e-3, 1e-6),
        "GAU_TIGHT": Limits(1.5e-5, 1e-5, 6e-5, 4e-5, 1e-6),
        "GAU_VERYTIGHT": Limits(2e-6, 1e-6, 6e-6, 4e-6, 1e-6),
        "NWCHEM_LOOSE": Limits(4.5e-3, 3e-3, 5.4e-3, 3.6e-3, 1e-6),
        "TURBOMOLE": Limits(1e-3, 5e-4, 1e-3, 5e-4, 1e-6),
        "INTERFRAG_TIGHT": Limits(1.5e-5, 1e-5, 6e-4, 4e-4, 1e-6),
    }

    def met(self, seen: Seen) -> bool:
        limits = self.limits
        if seen.displacement is None or not abs(seen.change) <= limits.energy:
            return False
        step = Measure.of(lengths(seen.displacement))
        return Measure.of(lengths(seen.gradient)).within(limits.max_force, limits.rms_force) and step.within(
            limits.max_displacement, limits.rms_displacement
        )


class Wanted(NamedTuple):
    """What a text asks of the end of a run.

    Attributes
    ----------
    fmax : float
        eV/A.
    energy_left : float, "auto" or None
        eV, as in `molopt.relax`.
    sets : tuple of Gaussian and GeomeTRIC
    """

    fmax: float
    energy_left: float | str | None
    sets: tuple[Gaussian | GeomeTRIC, ...] = ()


NAMES: dict[str, Callable[[str], Gaussian | GeomeTRIC]] = {
    "gaussian": lambda name: Gaussian(name.lower() or "default"),
    "geometric": lambda name: GeomeTRIC(name.upper() or "GAU"),
}


def wanted(text: str, fmax: float = 0.05, energy_left: float | str | None = "auto") -> Wanted:
    """Criteria by name: "gaussian:tight", "geometric:GAU", "fmax=0.02,left=0.001", or several, separated by commas.

    A published set says enough: beside one neither fmax (eV/A) nor the energy left (eV) is asked for unless the text
    gives it; `fmax` is then what the set implies.

    Parameters
    ----------
    text : str
    fmax, energy_left
        What is asked for where the text says neither these nor a set.

    Raises
    ------
    InputError
        The text names something else.

    Examples
    --------
    >>> wanted("fmax=0.02,left=0.001")
    Wanted(fmax=0.02, energy_left=0.001, sets=())
    >>> wanted("gaussian:tight,fmax=0.0005").sets
    (Gaussian(name='tight'),)
    """
    said: dict[str, float | str | None] = {}
    sets: list[Gaussian | GeomeTRIC] = []
    for part in map(str.strip, text.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        name, _, which = part.partition(":")
        if equals and key in ("fmax", "left") and key not in said:
            said[key] = limit_of(value) if key == "fmax" or value not in ("auto", "none") else value
        elif not equals and name.lower() in NAMES:
            sets.append(NAMES[name.lower()](which))
        else:
            known = ["fmax=0.02", "left=0.001", *(f"{known}:SET" for known in NAMES)]
            raise InputError(f"{part!r} is not a criterion{offer(part, known)}")
    if sets:
        fmax, energy_left = max(3**0.5 * each.limits.max_force for each in sets), None
    left = said.get("left", energy_left)
    force = said.get("fmax", fmax)
    assert isinstance(force, float)
    return Wanted(force, None if left == "none" else left, tuple(sets))


def limit_of(text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        raise InputError(f"a criterion is a number above 0, got {text!r}") from None
    check("a criterion", limit, "positive")
    return limit


class Measure(NamedTuple):
    """Maximum and root mean square of sizes."""

    largest: float
    rms: float

    @classmethod
    def of(cls, sizes: Array) -> "Measure":
        return cls(float(sizes.max(initial=0.0)), float(np.sqrt(np.mean(sizes**2))) if sizes.size else 0.0)

    def within(self, largest: float, rms: float) -> bool:
        return self.largest <= largest and self.rms <= rms


def lengths(entries: Array) -> Array:
    """Of the rows of three of a flat vector; the absolute entries where there are none."""
    if entries.size % 3:
        return np.abs(entries)
    rows = entries.reshape(-1, 3)
    return np.sqrt((rows * rows).sum(axis=1))


def auto(atoms: int) -> float:
    """The limit of energy left that `molopt.relax` sets by default: the larger of 1 meV and 0.02 meV an atom; eV.

    >>> auto(22), auto(100)
    (0.001, 0.002)
    """
    return max(0.001, 2e-5 * atoms)
