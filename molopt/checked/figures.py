"""What is said of a check, and of a mode, in files and tables, each said once: name, meaning, unit and format."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from molopt.checked.check import Check
from molopt.columns import Field, Value, known
from molopt.stationary.thermochemistry import Thermochemistry
from molopt.stationary.verdict import MOLECULE, STATIONARY, meanings


def gas(name: str) -> Callable[[Check], Value]:
    """A number of the thermochemistry; None where there is none."""

    def value(check: Check) -> Value:
        thermo: Thermochemistry | None = check.thermochemistry
        return None if thermo is None else getattr(thermo, name)

    return value


def lowest_wavenumber(check: Check) -> float | None:
    normal = check.frequencies
    return None if normal is None or not len(normal.wavenumbers) else float(normal.wavenumbers[0])


# Those that a relaxation has too are called as in `molopt.schema`.
FIELDS: tuple[Field[Check], ...] = (
    Field("atoms", "how many", lambda check: len(check.atoms)),
    Field("charge", "of the molecule", lambda check: check.charge, "e"),
    Field("spin", "its multiplicity", lambda check: check.spin),
    Field("potential", "what gave energies and forces", lambda check: check.potential, numeric=False),
    Field("force_calls", "evaluations of energy and forces", lambda check: check.force_calls, heading="calls"),
    Field("converged", "whether it counts as a minimum: minimum, flat or unchecked",
          lambda check: check.verdict.converged, numeric=False),
    Field("stationary", meanings(STATIONARY), lambda check: check.stationary, numeric=False, heading="it is"),
    Field("identity", meanings(MOLECULE), lambda check: check.verdict.molecule, numeric=False),
    Field("energy", "of the geometry", lambda check: known(check.energy), "eV", 6),
    Field("energy_left", "above the floor of its basin, as estimated",
          lambda check: known(check.verdict.energy_left), "eV", 1, heading="left", shown="meV"),
    Field("fmax", "the longest force on an atom", lambda check: known(check.fmax), "eV/A", 4),
    Field("curvature", "the lowest, relative to the model", lambda check: known(check.curvature.lowest), digits=3),
    Field("stiffness", "that curvature in absolute terms", lambda check: known(check.curvature.stiffness), "eV/A^2", 3,
          heading="curvature"),
    Field("imaginary", "how many modes are imaginary beyond doubt: the order of a saddle",
          lambda check: None if check.frequencies is None else check.frequencies.order),
    Field("lowest_wavenumber", "negative where it is imaginary", lowest_wavenumber, "cm^-1", 1),
    Field("temperature", "of the gas", gas("temperature"), "K"),
    Field("pressure", "of the gas", gas("pressure"), "Pa"),
    Field("symmetry_number", "rotations that bring the molecule onto itself", gas("symmetry_number")),
    Field("zero_point", "half the quanta of all vibrations", gas("zero_point"), "eV", 6),
    Field("enthalpy", "H, the electronic energy included", gas("enthalpy"), "eV", 6),
    Field("entropy", "S", gas("entropy"), "eV/K", 8),
    Field("gibbs", "the free energy G = H - T S", gas("gibbs"), "eV", 6),
    Field("why", "the evidence for what it is", lambda check: check.verdict.why, numeric=False),
    Field("no_thermochemistry", "why there is none", lambda check: check.refused, numeric=False),
)  # fmt: skip
NAMED = {field.name: field for field in FIELDS}
SENTENCES = ("why", "no_thermochemistry", "moved_most")  # fields that may name atoms, counted from 0


class Mode(NamedTuple):
    """One of the modes of a check."""

    number: int  # from 1, by wavenumber
    wavenumber: float  # cm^-1
    noise: float  # cm^-1
    reduced_mass: float  # amu
    stiffness: float  # eV/A^2
    kind: str  # real, flat or imaginary
    moved: str
    animation: str  # the file; empty where there is none

    @property
    def imaginary(self) -> bool:
        return self.kind == "imaginary"


def modes(check: Check, stem: str) -> Iterator[Mode]:
    """All modes of a check; imaginary ones are in files that begin with `stem`."""
    normal = check.frequencies
    if normal is None:
        return
    for place, moved in enumerate(check.names):
        kind = "imaginary" if normal.imaginary[place] else "flat" if normal.flat[place] else "real"
        yield Mode(
            number=place + 1,
            wavenumber=float(normal.wavenumbers[place]),
            noise=float(normal.noise[place]),
            reduced_mass=float(normal.reduced_masses[place]),
            stiffness=float(normal.stiffness[place]),
            kind=kind,
            moved=moved,
            animation=f"{stem}_mode{place + 1}.xyz" if kind == "imaginary" else "",
        )


MODE_FIELDS: tuple[Field[Mode], ...] = (
    Field("mode", "by wavenumber, from 1", lambda mode: mode.number),
    Field("wavenumber", "negative where it is imaginary", lambda mode: mode.wavenumber, "cm^-1", 1),
    Field("noise", "up to this a wavenumber cannot be told from zero", lambda mode: mode.noise, "cm^-1", 1),
    Field("kind", "real, imaginary, or flat: not to be told from zero", lambda mode: mode.kind, numeric=False),
    Field("reduced_mass", "of the mode", lambda mode: mode.reduced_mass, "amu", 3),
    Field("stiffness", "the curvature of the energy along it", lambda mode: mode.stiffness, "eV/A^2", 4),
    Field("moved_most", "the coordinates that hold most of it", lambda mode: mode.moved, numeric=False),
    Field("animation", "the file in which it swings", lambda mode: mode.animation, numeric=False),
)
