"""Potentials of other packages: "package.module:factory?key=value"."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin

from molopt.errors import InputError
from molopt.importing import attribute
from molopt.molecules import Molecule
from molopt.potentials.alone import Alone

ARGUMENTS = 5  # positions, numbers, system, charges, spins: of a function of many molecules


def foreign(name: str, keywords: dict[str, Any], molecule: Molecule | Atoms) -> GetPropertiesMixin:
    """The ASE calculator that a factory makes; a function of many molecules becomes one.

    Parameters
    ----------
    name : str
        "package.module:factory"; any callable that returns a calculator or a `BatchedPotential`, such as the class of
        either.
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
    if of_many(calculator):
        return Alone(calculator, **describe(molecule, ("charge", "spin")))
    if isinstance(calculator, type) or not hasattr(calculator, "get_property"):
        raise InputError(f"{name} must return an ASE calculator, it returned {calculator!r}")
    return calculator


def of_many(made: Any) -> bool:
    """Whether a factory has made a function of many molecules (`molopt.potentials.batched.BatchedPotential`)."""
    if isinstance(made, type) or hasattr(made, "get_property") or not callable(made):
        return False
    try:
        inspect.signature(made).bind(*[None] * ARGUMENTS)
    except (TypeError, ValueError):
        return False
    return True


def load(name: str) -> Callable[..., Any]:
    """The callable that "package.module:factory" names."""
    factory = attribute(name, "a potential")
    if not callable(factory):
        raise InputError(f"{name} is not callable: name a class or a function that returns an ASE calculator")
    return factory


def describe(molecule: Molecule | Atoms, wanted: Sequence[str]) -> dict[str, Any]:
    known = molecule if isinstance(molecule, Molecule) else Molecule.from_atoms(molecule)
    return {key: known if key == "molecule" else getattr(known, key) for key in wanted}
