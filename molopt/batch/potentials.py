"""How the potential of a batch is asked: a name, a calculator, or a function of many systems."""

from typing import Any, TypeAlias

from ase import Atoms

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials import named
from molopt.potentials.batched import BatchedPotential, Evaluator, Functional
from molopt.potentials.force_field_terms import FORCE_FIELDS
from molopt.potentials.foreign import function_of_many
from molopt.potentials.one_by_one import Calculators, ForceFields
from molopt.system import Potential, calculator_for

AnyPotential: TypeAlias = Potential | BatchedPotential  # what `relax_batch` takes


def evaluator(potential: AnyPotential | None) -> Evaluator:
    """How a potential is asked for many systems.

    Parameters
    ----------
    potential : str, ASE calculator, BatchedPotential or None
        A name as of `molopt.potential`, built for each system, and once for each molecule where it is a force
        field of RDKit, once for all where it is a class of functions of many systems; a calculator, which all systems
        share, one after another; a function; None is the calculator that the atoms have.

    Raises
    ------
    InputError
        It is none of these, there is none of that name, or it gives no forces.
    """

    def made(atoms: Atoms, molecule: Molecule | None) -> Any:
        return calculator_for(atoms, molecule, potential)

    if isinstance(potential, str):
        name, keywords = named(potential)
        if name in FORCE_FIELDS and set(keywords) <= {"terms"}:
            return ForceFields(name, **keywords)
        if ":" in name and (function := function_of_many(name, keywords)) is not None:
            return Functional(function, potential)
        return Calculators(potential, made)
    if potential is None or (hasattr(potential, "get_property") and not isinstance(potential, type)):
        name = "calculator" if potential is None else getattr(potential, "name", type(potential).__name__.lower())
        return Calculators(name, made)
    if callable(potential) and not isinstance(potential, type):
        return Functional(potential)
    raise InputError(
        "potential must be a name, an ASE calculator or a function of positions, numbers, system, charges and spins, "
        f"got {potential!r}"
    )
