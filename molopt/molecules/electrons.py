"""What bare `ase.Atoms` and their calculator say of charge and multiplicity. Every guess is logged."""

import logging
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import InputError
from molopt.molecules.checks import LARGEST, check_spin, whole
from molopt.spelling import tidied

log = logging.getLogger("molopt")

SPELLED = {"charge": ("charge",), "multiplicity": ("multiplicity", "mult")}  # parameters of calculators


def name_of(atoms: Atoms) -> str:
    """`atoms.info["name"]`, else the formula. ASE reads a name of numbers, as "1 2 3", as an array."""
    name = atoms.info.get("name")
    said = " ".join(map(str, np.ravel(name))) if isinstance(name, list | tuple | np.ndarray) else name
    return tidied("" if said is None else said) or atoms.get_chemical_formula()


def told(calculator: Any, atoms: Atoms) -> dict[str, int]:
    """The charge (e) and the multiplicity that a calculator computes with, as far as its parameters say.

    tblite's calculator, where it was told neither, takes the sums of initial charges and magnetic moments. Of a sum of
    calculators it is what the first of them says that says anything.

    >>> from ase.calculators.emt import EMT
    >>> told(EMT(), Atoms("N2"))
    {}
    """
    calculator = attribute(calculator, "calculator", calculator)  # the one that is counted
    mixed = attribute(attribute(calculator, "mixer", None), "calcs", None)
    if isinstance(mixed, list | tuple):
        return dict(ChainMap(*(told(part, atoms) for part in mixed)))
    parameters: Any = attribute(calculator, "parameters", None)
    parameters = parameters if isinstance(parameters, Mapping) else {}
    own = attribute(calculator, "__dict__", {})
    found = {}
    for what, spellings in SPELLED.items():
        said = [parameters.get(name) for name in spellings] + [own.get(name) for name in spellings]
        number = next((entry for entry in said if is_whole(entry)), None)
        if number is not None:
            found[what] = int(number)
    if type(calculator).__module__.partition(".")[0] == "tblite":
        found.setdefault("charge", in_all(atoms, "initial_charges"))
    return found


def attribute(thing: Any, name: str, default: Any) -> Any:
    """As `getattr`, of what may raise anything when it is asked."""
    try:
        return getattr(thing, name, default)
    except Exception:  # a calculator of someone else, which is asked for what it need not have
        return default


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number of sensible size: what a calculator calls its charge may be anything."""
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return bool(real and abs(value) <= LARGEST and float(value).is_integer())


def in_all(atoms: Atoms, name: str) -> int:
    """The rounded sum of an array of the atoms; 0 where there is none.

    Raises
    ------
    InputError
        It is not finite, or absurd.
    """
    if not atoms.has(name):
        return 0
    total = float(atoms.get_array(name).sum())
    if not np.isfinite(total):
        raise InputError(f"{name_of(atoms)}: its {name.replace('_', ' ')} add up to {total}; they must be finite")
    return whole(round(total), f"the sum of its {name.replace('_', ' ')}", name_of(atoms))


def charges_said(atoms: Atoms, known: dict[str, int]) -> dict[str, int]:
    """The total charge (e) that each source says, the most trustworthy first.

    `known` is what a calculator was told (`told`), as that is what will be computed; then come `atoms.info["charge"]`
    and the rounded sum of initial charges, where any is not zero.

    >>> charges_said(Atoms("NH4", charges=[-0.2, 0.3, 0.3, 0.3, 0.3], info={"charge": 1}), {})
    {'its info': 1, 'its initial charges': 1}
    """
    said = {"the calculator": known["charge"]} if "charge" in known else {}
    if "charge" in atoms.info:
        said["its info"] = whole(atoms.info["charge"], "charge", name_of(atoms))
    if atoms.has("initial_charges") and atoms.get_initial_charges().any():
        said["its initial charges"] = in_all(atoms, "initial_charges")
    return said


def contradiction(atoms: Atoms, known: dict[str, int]) -> str:
    """Which sources of the charge contradict each other; empty where they agree.

    >>> contradiction(Atoms("NH4", info={"charge": 1}), {"charge": 0})
    'the calculator says charge 0, its info 1'
    """
    said = charges_said(atoms, known)
    if len(set(said.values())) < 2:
        return ""
    (first, charge), *others = said.items()
    return f"{first} says charge {charge}, {', '.join(f'{source} {other}' for source, other in others)}"


def charge_of(atoms: Atoms, known: dict[str, int] | None = None) -> int:
    """The total charge (e): the first of `charges_said`, else 0."""
    said = charges_said(atoms, known or {})
    if said:
        return next(iter(said.values()))
    log.info("%s: no charge is given, using 0", name_of(atoms))
    return 0


def spin_of(atoms: Atoms, charge: int, known: dict[str, int] | None = None) -> int:
    """The multiplicity 2S + 1.

    What a calculator was told (`known`), else `atoms.info["spin"]`, else 1 + the rounded sum of initial magnetic
    moments where any is not zero, else 1, or 2 for an odd number of electrons.

    Raises
    ------
    InputError
        The electrons that this charge leaves cannot have this multiplicity.

    Examples
    --------
    >>> spin_of(Atoms("O2", magmoms=[1, 1]), charge=0)
    3
    """
    name = name_of(atoms)
    electrons = int(atoms.numbers.sum()) - charge
    if known and "multiplicity" in known:
        spin = known["multiplicity"]
    elif "spin" in atoms.info:
        spin = whole(atoms.info["spin"], "spin", name)
    elif atoms.has("initial_magmoms") and atoms.get_initial_magnetic_moments().any():
        spin = 1 + abs(in_all(atoms, "initial_magmoms"))
    else:
        spin = lowest_spin(electrons)
        if spin == 2:
            log.warning("%s: no spin is given, using multiplicity 2 for its %d electrons", name, electrons)
    check_spin(atoms.numbers.tolist(), charge, spin, name)
    return spin


def lowest_spin(electrons: int) -> int:
    return 1 + electrons % 2
