"""Thermochemistry of a minimum: ideal gas, rigid rotor, and vibrations in the quasi-RRHO approximation, by ASE."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build.rotate import rotation_matrix_from_points
from ase.thermochemistry import MSRRHOThermo

from molopt.coordinates.rigid import rigid_motions
from molopt.errors import InputError
from molopt.rules.base import check
from molopt.rules.partition import Array
from molopt.stationary.frequencies import NormalModes, straightened

KCAL_PER_MOL = units.kcal / units.mol  # eV
ATMOSPHERE = 101325.0  # Pa
TAU = 35.0  # cm^-1, below which a vibration turns into a rotation; ASE's default
SOFTEST = 1.0  # cm^-1 that a flat mode counts at least: a free rotor by then, whatever its wavenumber
SAME = 0.1  # Angstrom between atoms that a rotation brings together, in the mean; no minimum is exact
ROUGH = 4.0  # times that for each atom, where the rotation is known by two atoms only


@dataclass(frozen=True)
class Conditions:
    """Of a gas.

    Attributes
    ----------
    temperature : float
        K.
    pressure : float
        Pa; one atmosphere by default, as in most programs.
    symmetry_number : int or None
        By default that of the geometry (`rotations`).

    Raises
    ------
    InputError
        A number is out of its range.
    """

    temperature: float = 298.15
    pressure: float = ATMOSPHERE
    symmetry_number: int | None = None

    def __post_init__(self) -> None:
        check("the temperature", self.temperature, "positive")
        check("the pressure", self.pressure, "positive")
        given = self.symmetry_number
        if given is not None and (isinstance(given, bool) or not isinstance(given, Integral) or given < 1):
            raise InputError(f"the symmetry number must be a whole number above 0, got {given!r}")


@dataclass(frozen=True)
class Thermochemistry:
    """Energies in eV, the electronic energy included in all but the first; the entropy in eV/K.

    Attributes
    ----------
    temperature : float
        K.
    pressure : float
        Pa.
    symmetry_number : int
        Number of rotations that bring the molecule onto itself.
    multiplicity : int
    left_out : int
        Imaginary modes that are not in it: they are motions across a saddle, not vibrations.
    zero_point : float
        Half the quanta of all vibrations.
    energy_0K, internal_energy, enthalpy, gibbs : float
    entropy : float
    """

    temperature: float
    pressure: float
    symmetry_number: int
    multiplicity: int
    left_out: int
    zero_point: float
    energy_0K: float
    internal_energy: float
    enthalpy: float
    entropy: float
    gibbs: float

    def as_dict(self) -> dict[str, Any]:
        """In plain values, fit for JSON."""
        return dict(vars(self))


def thermochemistry(
    normal: NormalModes,
    atoms: Atoms,
    energy: float,
    conditions: Conditions = Conditions(),
    multiplicity: int = 1,
) -> Thermochemistry:
    r"""Enthalpy, entropy and free energy of an ideal gas of a molecule.

    .. math:: G = E + U_{vib} + U_{rot} + U_{trans} + kT - T (S_{vib} + S_{rot} + S_{trans} + S_{el})

    The entropy of a soft vibration passes into that of a rotation (Grimme, doi:10.1002/chem.201200497), by
    `ase.thermochemistry.MSRRHOThermo` with its tau of 35 cm^-1 and no scaling. That class has vibrations alone and
    takes imaginary wavenumbers for real ones; here imaginary modes are left out, and flat ones count as real ones of at
    least 1 cm^-1.

    Parameters
    ----------
    normal : NormalModes
        Of a molecule that nothing holds.
    atoms : ase.Atoms
    energy : float
        eV, at the bottom.
    conditions : Conditions
    multiplicity : int
        2S + 1.

    Raises
    ------
    InputError
        The atoms are periodic or under constraints.
    """
    temperature, pressure = float(conditions.temperature), float(conditions.pressure)
    if atoms.pbc.any() or atoms.constraints:
        what = "periodic" if atoms.pbc.any() else "under constraints"
        raise InputError(f"thermochemistry is that of a free molecule in a gas, and these atoms are {what}")
    sigma = rotations(atoms) if conditions.symmetry_number is None else conditions.symmetry_number
    vibrating = normal.wavenumbers[~normal.imaginary]
    quanta = np.maximum(np.abs(vibrating), SOFTEST) * units.invcm
    geometry = {3: "monatomic", 5: "linear"}.get(rigid_motions(straightened(atoms.positions)).shape[1], "nonlinear")
    ideal = MSRRHOThermo(quanta, atoms, energy, tau=TAU)
    ideal.spin = (multiplicity - 1) / 2
    alone = len(quanta) == 0  # of no vibrations ASE cannot give the energy
    vibrational = energy if alone else ideal.get_internal_energy(temperature, verbose=False)
    internal = (
        vibrational
        + ideal.get_ideal_translational_energy(temperature)
        + ideal.get_ideal_rotational_energy(geometry, temperature)
    )
    entropy = 0.0 if alone else ideal.get_entropy(temperature, verbose=False)
    entropy += ideal.get_ideal_entropy(
        temperature,
        translation=True,
        rotation=True,
        geometry=geometry,
        electronic=True,
        pressure=pressure,
        symmetrynumber=sigma,
    )[0]
    zero_point = float(quanta.sum() / 2)
    enthalpy = internal + units.kB * temperature
    return Thermochemistry(
        temperature=temperature,
        pressure=pressure,
        symmetry_number=int(sigma),
        multiplicity=int(multiplicity),
        left_out=normal.order,
        zero_point=zero_point,
        energy_0K=float(energy + zero_point),
        internal_energy=float(internal),
        enthalpy=float(enthalpy),
        entropy=float(entropy),
        gibbs=float(enthalpy - temperature * entropy),
    )


def rotations(atoms: Atoms, same: float = SAME) -> int:
    """The symmetry number: how many rotations bring each atom to within `same` Angstrom of one of its kind.

    A rotation is known by where it takes two atoms that are not on a line with the centre of mass. For a molecule on a
    line it is 2 where the ends can be exchanged.

    >>> from ase.build import molecule
    >>> [rotations(molecule(name)) for name in ("H2O", "NH3", "CH4", "C6H6", "C2H6", "CO2", "HCN", "CH3OH")]
    [2, 3, 12, 12, 6, 2, 1, 1]
    """
    x = atoms.positions - atoms.get_center_of_mass()
    kinds = np.unique(np.column_stack([atoms.numbers, atoms.get_masses().round(3)]), axis=0, return_inverse=True)[1]
    kinds = kinds.ravel()
    radii = np.linalg.norm(x, axis=1)
    if rigid_motions(straightened(atoms.positions)).shape[1] < 6:
        return 2 if len(x) > 1 and maps_onto(-x, x, kinds, same) else 1
    first, second = axes_of(x, radii, kinds, same)
    frame = frame_of(x[first], x[second])
    found = 0
    for one in alike(first, radii, kinds, same):
        for other in alike(second, radii, kinds, same):
            apart = np.linalg.norm(x[first] - x[second]) - np.linalg.norm(x[one] - x[other])
            if one != other and abs(apart) < 2 * same:
                found += maps_onto(x @ frame.T @ frame_of(x[one], x[other]), x, kinds, same)
    return max(1, found)


def axes_of(x: Array, radii: Array, kinds: Array, same: float) -> tuple[int, int]:
    """Two atoms, of which there are few alike, at the widest angle and farthest out."""
    counts = np.array([len(alike(atom, radii, kinds, same)) for atom in range(len(x))])
    wide = np.array([np.linalg.norm(np.cross(one, x), axis=1) for one in x])  # (N, N) A^2
    pairs = np.where(wide > 0.3 * wide.max(), np.outer(counts, counts), np.inf)
    rank = pairs - wide / (2 * wide.max())
    first, second = np.unravel_index(np.argmin(rank), rank.shape)
    return int(first), int(second)


def alike(atom: int, radii: Array, kinds: Array, same: float) -> Array:
    """Atoms of the same kind at the same distance from the centre."""
    return np.flatnonzero((kinds == kinds[atom]) & (np.abs(radii - radii[atom]) < same))


def frame_of(one: Array, other: Array) -> Array:
    """(3, 3) right-handed axes, one a row: along the first vector, and in the plane of both."""
    along = one / np.linalg.norm(one)
    across = np.cross(one, other)
    across /= np.linalg.norm(across)
    return np.array([along, np.cross(across, along), across])


def maps_onto(turned: Array, x: Array, kinds: Array, same: float) -> bool:
    """Whether atoms turned about like this lie on those of their kind, after the rotation that fits them best."""
    apart = np.linalg.norm(turned[:, None] - x[None], axis=2) + np.where(kinds[:, None] == kinds, 0.0, np.inf)
    images = apart.argmin(axis=1)
    if apart.min(axis=1).max() > ROUGH * same or len(np.unique(images)) < len(x):
        return False
    best = turned @ rotation_matrix_from_points(turned.T, x[images].T).T
    return bool(np.sqrt(((best - x[images]) ** 2).sum(axis=1).mean()) < same)
