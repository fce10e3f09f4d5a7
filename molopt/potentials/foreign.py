"""Potentials of other packages: "package.module:factory?key=value"."""

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin

from molopt.errors import InputError
from molopt.importing import aside, attribute
from molopt.molecules import Molecule
from molopt.potentials.alone import Alone
from molopt.potentials.batched import BatchedPotential

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
    calculator = made(name, factory, given | keywords)
    if of_many(calculator):
        return Alone(calculator, **describe(molecule, ("charge", "spin")))
    if isinstance(calculator, type) or not hasattr(calculator, "get_property"):
        raise InputError(f"{name} must return an ASE calculator, it returned {calculator!r}")
    return calculator


def function_of_many(name: str, keywords: dict[str, Any]) -> BatchedPotential | None:
    """The function of many molecules that a class makes; None where the factory is another one, which is not called."""
    factory = load(name)
    called = inspect.getattr_static(factory, "__call__") if isinstance(factory, type) else None
    if not isinstance(called, FunctionType) or hasattr(factory, "get_property") or not takes(called, ARGUMENTS + 1):
        return None
    function: BatchedPotential = made(name, factory, keywords)
    return function


def made(name: str, factory: Callable[..., Any], keywords: dict[str, Any]) -> Any:
    """What a factory returns; InputError where it raises."""
    try:
        with aside:
            return factory(**keywords)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} raised {type(error).__name__}: {error}") from error


def of_many(found: Any) -> bool:
    """Whether a factory has made a function of many molecules (`molopt.potentials.batched.BatchedPotential`)."""
    calculator = isinstance(found, type) or hasattr(found, "get_property")
    return callable(found) and not calculator and takes(found, ARGUMENTS)


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
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
