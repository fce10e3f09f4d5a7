"""Potentials of other packages: "package.module:factory?key=value"."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin

from molopt.errors import InputError
from molopt.importing import attribute
from molopt.molecules import Molecule


def foreign(name: str, keywords: dict[str, Any], molecule: Molecule | Atoms) -> GetPropertiesMixin:
    """The ASE calculator that a factory makes.

    Parameters
    ----------
    name : str
        "package.module:factory"; any callable, such as a calculator's class.
    keywords : dict
        Given to the factory. Where it has parameters named `molecule`, `charge` or `spin` (the multiplicity) and
        the keywords do not say otherwise, it gets those of the molecule.
    molecule : Molecule or ase.Atoms

    Raises
    ------
    InputError
        The module cannot be imported, it has no such attribute, the factory raises, or what it returns is no
        calculator. An InputError of the factory itself is said as it is.
    """
    factory = load(name)
    try:
        accepted = set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        accepted = set()
    wanted = [key for key in ("molecule", "charge", "spin") if key in accepted and key not in keywords]
    given = describe(molecule, wanted) if wanted else {}
    try:
        calculator = factory(**given, **keywords)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} raised {type(error).__name__}: {error}") from error
    if isinstance(calculator, type) or not hasattr(calculator, "get_property"):
        raise InputError(f"{name} must return an ASE calculator, it returned {calculator!r}")
    return calculator


def load(name: str) -> Callable[..., Any]:
    """The callable that "package.module:factory" names."""
    factory = attribute(name, "a potential")
    if not callable(factory):
        raise InputError(f"{name} is not callable: name a class or a function that returns an ASE calculator")
    return factory


def describe(molecule: Molecule | Atoms, wanted: Sequence[str]) -> dict[str, Any]:
    known = molecule if isinstance(molecule, Molecule) else Molecule.from_atoms(molecule)
    return {key: known if key == "molecule" else getattr(known, key) for key in wanted}
