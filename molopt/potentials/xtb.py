"""GFN2-xTB and GFN1-xTB, as tblite computes them."""

import math
import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.data import chemical_symbols

from molopt.errors import InputError, MissingExtra
from molopt.molecules import Molecule
from molopt.molecules.checks import check_spin, whole
from molopt.molecules.electrons import charge_of, name_of, spin_of
from molopt.potentials.solvents import solvation
from molopt.spelling import offer

METHODS = {"gfn2-xtb": "GFN2-xTB", "gfn1-xtb": "GFN1-xTB"}

CORES = (0, 2, 10, 18, 36, 54)  # electrons of the noble gases, which GFN-xTB does not treat
HEAVIEST = 86

POSITIVE: dict[str, Any] = {"accuracy": Real, "electronic_temperature": Real, "max_iterations": Integral}

# tblite's own accuracy of 1 leaves forces rough near a minimum; 0.05 costs a few more SCF iterations.
DEFAULTS = {"accuracy": 0.05, "verbosity": 0}


def xtb(method: str, molecule: Molecule | Atoms, keywords: dict[str, Any]) -> Calculator:
    """tblite's ASE calculator with the charge and multiplicity of the molecule, on one OpenMP thread.

    tblite starts each SCF from the last density, so that forces depend on the geometry only to about 1e-5 eV/A.

    Parameters
    ----------
    method : str
        "gfn2-xtb" or "gfn1-xtb".
    molecule : Molecule or ase.Atoms
    keywords : dict
        Any of `tblite.ase.TBLite`, over the defaults accuracy=0.05 and verbosity=0, and `solvent`, with which
        `solvation` may name the model (`molopt.potentials.solvents`).

    Raises
    ------
    MissingExtra
        tblite is not installed.
    InputError
        A keyword is not tblite's or cannot have this value; charge and multiplicity cannot be. All are found before
        the first SCF.

    References
    ----------
    C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019); GFN1: S. Grimme, C. Bannwarth,
    P. Shushkov, J. Chem. Theory Comput. 13, 1989 (2017).
    """
    kind = tblite_calculator(METHODS[method])
    allowed = [*(known for known in kind.default_parameters if known != "method"), "solvent"]
    for key in keywords:
        if key not in allowed:
            raise InputError(f"{method} has no keyword {key!r}{offer(key, allowed)}")
    check_positive(method, keywords)
    keywords = in_solution(method, keywords)
    charge, spin = charge_and_spin(molecule)
    chosen = DEFAULTS | {"charge": charge, "multiplicity": spin} | keywords
    name = molecule.name if isinstance(molecule, Molecule) else name_of(molecule)
    for key in ("charge", "multiplicity"):
        chosen[key] = whole(chosen[key], key, name)
    numbers = molecule.numbers.tolist()
    check_spin(numbers, chosen["charge"], chosen["multiplicity"], name)
    check_parameters(numbers, chosen["charge"], name)
    return kind(method=METHODS[method], **chosen)


def in_solution(method: str, keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords with tblite's `solvation` in place of what they say of a solvent."""
    others = {key: value for key, value in keywords.items() if key not in ("solvent", "solvation")}
    asked = solvation(METHODS[method], keywords.get("solvent"), keywords.get("solvation"))
    return others if asked is None else others | {"solvation": asked}


def check_positive(method: str, keywords: dict[str, Any]) -> None:
    """Raise InputError where tblite would return nonsense or nothing for a keyword that is not a positive number."""
    for key, kind in POSITIVE.items():
        value = keywords.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < math.inf:
            needed = "whole number above 0" if kind is Integral else "number above 0"
            raise InputError(f"{method}: {key} must be a {needed}, got {value!r}")


def check_parameters(numbers: Sequence[int], charge: int, name: str) -> None:
    """Raise InputError where GFN-xTB has no parameters for an element, or the charge takes all valence electrons.

    tblite computes an energy without electrons, and a meaningless one.
    """
    if max(numbers) > HEAVIEST:
        atom = next(index for index, number in enumerate(numbers) if number > HEAVIEST)
        raise InputError(
            f"{name}: GFN-xTB has no parameters for atom {atom} ({chemical_symbols[numbers[atom]]}), counted from 0: "
            "its parameters end at radon; use uff"
        )
    valence = sum(number - max(core for core in CORES if core < number) for number in numbers)
    if charge >= valence:
        raise InputError(f"{name}: charge {charge} leaves none of its {valence} valence electrons; set charge")


def charge_and_spin(molecule: Molecule | Atoms) -> tuple[int, int]:
    if isinstance(molecule, Molecule):
        return molecule.charge, molecule.spin
    charge = charge_of(molecule)
    return charge, spin_of(molecule, charge)


def tblite_calculator(needed_for: str) -> type[Calculator]:
    """The class `tblite.ase.TBLite`, loaded so that it computes on one thread, or on those of its worker.

    The OpenMP library inside tblite's wheel reads OMP_NUM_THREADS once, when it is loaded.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = os.environ.get("MOLOPT_NUM_THREADS", "1")  # set by `molopt.execution` alone
    try:
        from tblite.ase import TBLite
    except ModuleNotFoundError:
        raise MissingExtra("xtb", needed_for) from None
    except ImportError as error:  # the wheel takes libgomp from the system
        raise InputError(f"{needed_for}: tblite is installed but does not load: {error}") from error
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
    return TBLite
