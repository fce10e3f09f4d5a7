"""The system of a run, as its arguments mean it: atoms, molecule, calculator, and the surrogate beside it."""

import logging
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.calculators.singlepoint import SinglePointCalculator

from molopt import potentials
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.checks import check_geometry
from molopt.molecules.electrons import SPELLED, is_whole, name_of, told
from molopt.molecules.single import Described, single
from molopt.optimizers.spec import Guide
from molopt.optimizers.surrogate import Surrogate
from molopt.potentials import Counted, automatic, engine
from molopt.potentials.counting import implemented
from molopt.specification import parse

log = logging.getLogger("molopt")

Potential: TypeAlias = str | GetPropertiesMixin  # by its name, or any ASE calculator


class System(NamedTuple):
    """What a run is of.

    Attributes
    ----------
    atoms : ase.Atoms
        A copy of its own, without a calculator.
    molecule : Molecule or None
        What they are; None where only the calculator must know that.
    calculator : ASE calculator
        What gives their forces; it may be the caller's own.
    """

    atoms: Atoms
    molecule: Molecule | None
    calculator: GetPropertiesMixin


def system_of(target: Described, potential: Potential | None) -> System:
    """The system that a molecule or atoms and a potential are; without one, it is the calculator of the atoms.

    Where the potential was told another charge than the molecule has, its charge holds, and bond orders are dropped.

    Raises
    ------
    InputError
        There is no such potential, no calculator, or the geometry cannot be.
    """
    if not isinstance(target, Molecule | Atoms):
        target = single(target, known=said_in(potential) if isinstance(potential, str) else None).molecule
    if isinstance(target, Molecule):
        target = agreed(target, potential)
    molecule = molecule_of(target, potential)
    atoms = target.copy() if isinstance(target, Atoms) else target.atoms()
    return System(atoms, molecule, calculator_for(target, molecule, potential))


def agreed(molecule: Molecule, potential: Potential | None) -> Molecule:
    """The molecule, without bond orders and at the charge of the potential where that was told another one."""
    if potential is None or isinstance(potential, str):
        known = said_in(potential) if potential else {}
    else:
        known = told(potential, Atoms(molecule.numbers))
    if known.get("charge", molecule.charge) == molecule.charge:
        return molecule
    return Molecule.from_atoms(molecule.atoms(), known)


def molecule_of(target: Molecule | Atoms, potential: Potential | None) -> Molecule | None:
    """The molecule that is relaxed; None where the atoms are none, and only their own calculator must know them."""
    if isinstance(target, Molecule):
        return target
    if target.pbc.any():
        return None
    if len(target):
        check_geometry(target.numbers.tolist(), target.positions, name_of(target))
    try:
        return Molecule.from_atoms(target, known_to(potential, target))
    except InputError as error:
        if isinstance(potential, str) or len(target) == 0:
            raise
        log.warning("%s: relaxed without bonds: %s", name_of(target), error)
        return None


def known_to(potential: Potential | None, atoms: Atoms) -> dict[str, int]:
    """The charge and the multiplicity that a potential was told, in its name or as the calculator of the atoms."""
    if potential is not None and not isinstance(potential, str):
        return told(potential, atoms)
    return told(atoms.calc, atoms) | (said_in(potential) if potential else {})


def said_in(name: str) -> dict[str, int]:
    """The charge and the multiplicity that the name of a potential says.

    >>> said_in("gfn2-xtb?charge=1")
    {'charge': 1}
    """
    keywords = parse(name)[1]
    return {what: int(keywords[what]) for what in SPELLED if is_whole(keywords.get(what))}


def require_potentials(molecule: Molecule, names: Sequence[str]) -> None:
    """Raise InputError or MissingExtra where one of the potentials is not available for a molecule."""
    for name in names:
        calculator_for(molecule, molecule, name)


def require_agreement(molecule: Molecule, potential: str) -> None:
    """Raise InputError where sources of the charge contradict each other."""
    said = said_in(potential).get("charge", molecule.charge)
    contradicted = molecule.contradiction
    if said != molecule.charge:
        contradicted = f"{potential} says charge {said}, the molecule has {molecule.charge}"
    if contradicted:
        raise InputError(f"{molecule.name}: {contradicted}: correct one of them, or give --charge")


def calculator_for(
    target: Molecule | Atoms, molecule: Molecule | None, potential: Potential | None
) -> GetPropertiesMixin:
    """The calculator that is meant, which may be the caller's own; InputError where there is none that will do."""
    if potential is None and isinstance(target, Molecule):
        potential = "mmff94"
    if isinstance(potential, str):
        calculator = potentials.potential(potential, target if molecule is None else molecule)
    else:
        calculator = target.calc if potential is None and isinstance(target, Atoms) else potential
    if calculator is None:
        raise InputError('these atoms have no calculator: set atoms.calc, or give a potential such as "mmff94"')
    if isinstance(calculator, SinglePointCalculator):
        raise InputError('these atoms hold the energy of one geometry only: give a potential such as "mmff94"')
    if not hasattr(calculator, "get_property"):
        batched = callable(calculator) and not isinstance(calculator, type)
        hint = ": a function of many molecules is for molopt.relax_batch" if batched else ""
        raise InputError(f"potential must be a name or an ASE calculator, got {calculator!r}{hint}")
    if "forces" not in implemented(calculator):
        raise InputError(f"{type(calculator).__name__} gives no forces, so no geometry can be relaxed with it")
    return calculator


def surrogate_for(
    surrogate: Guide | None, counted: Counted, atoms: Atoms, molecule: Molecule | None
) -> Surrogate | None:
    """The surrogate of a run on `counted`, made where it is a name; None where there is none."""
    potential = counted.calculator
    calculator: GetPropertiesMixin | None
    if not isinstance(surrogate, str):
        calculator = surrogate
    elif surrogate == "auto":
        calculator = automatic(potential, molecule)
    else:
        calculator = potentials.potential(surrogate, atoms if molecule is None else molecule)
        if alike(calculator, potential):
            raise InputError(f"the surrogate {surrogate} is the potential itself: give another, auto or none")
    if calculator is None or atoms.pbc.any():
        return None
    shared = counted if engine(calculator) == engine(potential) else None
    return Surrogate(calculator, atoms, counted=shared)


def alike(one: GetPropertiesMixin, other: GetPropertiesMixin) -> bool:
    """Whether two calculators give the same energies, as far as their class and parameters say."""
    parameters = [getattr(calculator, "parameters", None) for calculator in (one, other)]
    return type(one) is type(other) and parameters[0] is not None and dict(parameters[0]) == dict(parameters[1] or {})
