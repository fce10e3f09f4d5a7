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
from molopt.specification import literal, parse, specified
from molopt.spelling import offer

__all__ = ["Counted", "RDKitForceField", "automatic", "engine", "potential", "potential_names", "solvated"]


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
        follow as "?key=value&key2=value2", and are the factory's own for a factory; "mmff94?terms=bonded" has no van
        der Waals and no electrostatic terms. Those of xTB are `solvent` (by its name, as water; by default the gas
        phase) and the model of it, `solvation` ("alpb", the default, "gbsa", "cpcm", "cosmo" or "pcm");
        `electronic_temperature` (K, 300, of the Fermi smearing of orbitals: higher where an SCF does not converge, as
        with small gaps); `accuracy` (0.05, tblite's own 1 is rougher: of the SCF's convergence and of thresholds); and
        others of `tblite.ase.TBLite`.
    molecule : Molecule or ase.Atoms
        Says which atoms, bonds, charge and multiplicity.

    Raises
    ------
    InputError
        The name is not known, the potential has no parameters for an atom or for the solvent, charge or multiplicity
        cannot be, or the factory is not there or raises. All are found before the first force call.
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


def solvated(name: str, solvent: str) -> str:
    """The name of a potential with a solvent in it.

    >>> solvated("gfn2-xtb?accuracy=0.1", "water"), solvated("gfn2-xtb?solvation=gbsa", "thf")
    ('gfn2-xtb?accuracy=0.1&solvent=water', 'gfn2-xtb?solvation=gbsa&solvent=thf')
    >>> solvated("mmff94", "water")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: mmff94 has no solvents: drop solvent water, or take gfn2-xtb or gfn1-xtb
    """
    key, keywords = named(name)
    if key not in METHODS:
        raise InputError(f"{key} has no solvents: drop solvent {solvent}, or take {' or '.join(METHODS)}")
    if "solvent" in keywords or isinstance(keywords.get("solvation"), list | tuple):
        raise InputError(f"{name} says its solvent already: drop solvent {solvent}")
    return f"{name}{'&' if keywords else '?'}{specified('', {'solvent': literal(solvent)})[1:]}"
