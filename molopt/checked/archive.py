"""The archive of checks: each whole, with its Hessian where frequencies were asked for."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.checked.check import Check
from molopt.checked.figures import NAMED
from molopt.library import archive as library_archive
from molopt.library.archive import Found
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature
from molopt.stationary.frequencies import NormalModes
from molopt.stationary.thermochemistry import Thermochemistry
from molopt.stationary.verdict import STATIONARY, Verdict, require_word
from molopt.store import Store
from molopt.store.checking import FURTHEST, HEAVIEST, KINDS, real, require, whole
from molopt.store.opening import Mark
from molopt.store.rows import RENAMED, as_text

ARCHIVE = "check.db"
LONGEST = 1 << 20  # characters of a text
UNIT = 1e-6  # by which the square of the norm of a mode may differ from 1
SEARCHED = (
    *("potential", "charge", "spin", "stationary", "identity", "converged", "force_calls", "energy_left", "fmax"),
    *("curvature", "stiffness", "imaginary", "lowest_wavenumber", "zero_point", "enthalpy", "gibbs"),
)
SINGLE = ("name", "potential", "energy", "fmax", "refused", "force_calls", "charge", "spin")
MODES = ("values", "errors", "vectors", "roots", "movable")  # arrays of `NormalModes`

T = TypeVar("T")


class Checks:
    """Checks of molecules, as `molopt.library.archive.Kind` has them."""

    mark = Mark(0x6D6F6368, 1, "systems", "an archive of checked geometries")  # "moch"
    name = "check"

    def atoms(self, check: Check) -> Atoms:
        numbers = check.atoms.numbers
        charges = [check.charge, *[0] * (len(numbers) - 1)] if check.charge else None  # a row has but their sum
        atoms = Atoms(numbers, check.atoms.positions, charges=charges)
        atoms.calc = SinglePointCalculator(atoms, energy=check.energy, forces=check.atoms.get_forces())
        atoms.calc.name = as_text(check.potential)
        return atoms

    def pairs(self, check: Check) -> Mapping[str, object]:
        """As `ase db check.db 'stationary=saddle,imaginary>1'`; ASE keeps some names for itself."""
        return {RENAMED.get(name, name): NAMED[name].value(check) for name in SEARCHED}

    def data(self, check: Check) -> tuple[dict[str, object], Mapping[str, Array]]:
        curvature, thermo = check.curvature, check.thermochemistry
        said = {name: getattr(check, name) for name in SINGLE} | {
            "verdict": check.verdict.as_dict(),
            "curvature": {name: value for name, value in vars(curvature).items() if name != "direction"},
            "thermochemistry": None if thermo is None else thermo.as_dict(),
            "names": list(check.names),
        }
        arrays = {
            "numbers": check.atoms.numbers.astype(np.int64),
            "positions": check.atoms.positions,
            "forces": check.atoms.get_forces(apply_constraint=False),
            "direction": curvature.direction,
        }
        if check.frequencies is not None:
            arrays |= {name: getattr(check.frequencies, name) for name in MODES}
        return said, arrays

    def made(self, said: dict[str, Any], arrays: dict[str, Array]) -> Check:
        """The check, without bonds: its `molecule` is None."""
        natoms = len(arrays["numbers"])
        charge, spin, names, thermo = said.pop("charge"), said.pop("spin"), said.pop("names"), said["thermochemistry"]
        require(whole(charge, -HEAVIEST * natoms, HEAVIEST * natoms), "charge")
        require(whole(spin, 1), "multiplicity")
        require(isinstance(names, list) and all(text(name) for name in names), "names of modes")
        require(all(text(said[name]) for name in ("name", "potential", "refused")), "texts")
        require(real(said["energy"]) and math.isfinite(said["energy"]), "energy")
        require(real(said["fmax"]) and 0 <= said["fmax"] < math.inf, "fmax")
        require(whole(said["force_calls"], 0), "number of force calls")
        normal = modes(arrays, natoms) if "values" in arrays else None
        require(len(names) <= 1 if normal is None else len(names) == len(normal.values), "names of modes")
        return Check(
            **{name: value for name, value in said.items() if name in SINGLE},
            atoms=geometry(arrays, said["energy"], {"name": said["name"], "charge": charge, "spin": spin}),
            molecule=None,
            verdict=verdict(said["verdict"]),
            curvature=curvature(said["curvature"], arrays["direction"], natoms),
            frequencies=normal,
            names=tuple(names),
            thermochemistry=None if thermo is None else plain(Thermochemistry, thermo),
        )


def geometry(arrays: dict[str, Array], energy: float, info: dict[str, object]) -> Atoms:
    numbers, positions, forces = arrays["numbers"], arrays["positions"], arrays["forces"]
    require(numbers.ndim == 1 and bool(len(numbers)) and 1 <= numbers.min() <= numbers.max() <= HEAVIEST, "atoms")
    for name, points in (("positions", positions), ("forces", forces)):
        require(points.shape == (len(numbers), 3) and bool(np.isfinite(points).all()), name)
    require(bool(np.abs(positions).max() <= FURTHEST), "positions")
    atoms = Atoms(numbers, positions, info=info)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def verdict(said: dict[str, Any]) -> Verdict:
    found = Verdict(**said)
    require(text(found.why) and (found.energy_left is None or real(found.energy_left)), "verdict")
    return found


def curvature(said: dict[str, Any], direction: Array, natoms: int) -> Curvature:
    require(direction.shape in ((natoms, 3), (0, 3)) and bool(np.isfinite(direction).all()), "direction")
    found = plain(Curvature, said, direction=direction)
    require_word(found.stationary, STATIONARY, "stationary")
    require(min(found.calls, found.pushes) >= 0, "number of force calls")
    return found


def modes(arrays: dict[str, Array], natoms: int) -> NormalModes:
    values, errors, vectors, roots, movable = (arrays[name] for name in MODES)
    require(movable.shape == (3 * natoms,) and movable.dtype == bool, "movable")
    require(roots.shape == (movable.sum(),) and bool((roots > 0).all()), "masses")
    require(values.ndim == 1 and errors.shape == values.shape and bool((errors >= 0).all()), "frequencies")
    require(vectors.shape == (len(roots), len(values)), "modes")
    require(all(bool(np.isfinite(array).all()) for array in (values, errors, vectors, roots)), "modes")
    require(bool((np.abs((vectors**2).sum(axis=0) - 1) < UNIT).all()), "modes")
    return NormalModes(values, errors, vectors, roots, movable)


def plain(kind: type[T], said: dict[str, Any], **besides: Array) -> T:
    """An instance of a dataclass of plain values; ValueError where one is not of its type."""
    hints = get_type_hints(kind)
    require(all(KINDS[hints[name]](value) for name, value in said.items()), kind.__name__.lower())
    return kind(**said, **besides)


def text(value: object) -> bool:
    return isinstance(value, str) and len(value) < LONGEST


def archive(path: Path) -> Store[Found[Check]]:
    """The archive at a path, made where it is not there."""
    return library_archive.archive(path, Checks())
