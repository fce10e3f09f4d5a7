"""Potentials by name: any of them is an ASE calculator."""

from typing import Any

from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials.counting import Counted
from molopt.potentials.force_field_terms import FORCE_FIELDS
from molopt.potentials.force_fields import RDKitForceField
from molopt.potentials.foreign import foreign
from molopt.potentials.surrogates import automatic, engine
from molopt.potentials.xtb import METHODS, xtb
from molopt.specification import parse
from molopt.spelling import offer

__all__ = ["Counted", "RDKitForceField", "automatic", "engine", "potential", "potential_names"]


def potential_names() -> list[str]:
    """The names that `potential` knows, besides "package.module:factory"."""
    return [*FORCE_FIELDS, *METHODS]


def potential(name: str, molecule: Molecule | Atoms) -> GetPropertiesMixin:
    """An ASE calculator for a molecule.

    Parameters
    ----------
    name : str
        "mmff94", "mmff94s", "uff" (RDKit's force fields), "gfn2-xtb", "gfn1-xtb" (tblite's; the extra `xtb`), in
        any case of letters, or "package.module:factory", any callable that returns an ASE calculator. Keywords
        follow as "?key=value&key2=value2": those of `tblite.ase.TBLite` for xTB, the factory's own for a factory, and
        "mmff94?terms=bonded" has no van der Waals and no electrostatic terms.
    molecule : Molecule or ase.Atoms
        Says which atoms, bonds, charge and multiplicity.

    Raises
    ------
    InputError
        The name is not known, the potential has no parameters for an atom, charge or multiplicity cannot be, or
        the factory is not there or raises.
    MissingExtra
        tblite is not installed.

    Examples
    --------
    >>> molecule = Molecule.from_smiles("CCO")
    >>> atoms = molecule.atoms()
    >>> atoms.calc = potential("MMFF94", molecule)
    >>> morse = potential("ase.calculators.morse:MorsePotential?epsilon=2.0", molecule)
    >>> potential("gfn2xtb", molecule)
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: 'gfn2xtb' is not a potential; did you mean gfn2-xtb or gfn1-xtb? \
Known are mmff94, mmff94s, uff, gfn2-xtb, gfn1-xtb, package.module:factory
    """
    key, keywords = named(name)
    if ":" in key:
        return foreign(key, keywords, molecule)
    if key in METHODS:
        return xtb(key, molecule, keywords)
    known = [] if key == "uff" else ["terms"]
    others = sorted(set(keywords) - set(known))
    if others:
        raise InputError(f"{key} takes no keywords{''.join(f' but {name}' for name in known)}, got {', '.join(others)}")
    typed = molecule if isinstance(molecule, Molecule) else Molecule.from_atoms(molecule)
    return RDKitForceField(typed, key, **keywords)


def named(name: str) -> tuple[str, dict[str, Any]]:
    """The potential and the keywords that a name says; InputError where there is none of that name."""
    found, keywords = parse(name)
    if ":" in found:
        return found, keywords
    if found.lower() not in potential_names():
        raise InputError(f"{found!r} is not a potential{offer(found, [*potential_names(), 'package.module:factory'])}")
    return found.lower(), keywords
