"""MMFF94, MMFF94s and UFF, as RDKit computes them."""

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.units import kcal, mol

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials.force_field_terms import force_field
from molopt.potentials.geometry import Fingerprint, fingerprint
from molopt.rules.partition import Array

log = logging.getLogger("molopt")

EV_PER_KCAL = kcal / mol


class RDKitForceField(Calculator):
    """A force field of RDKit as an ASE calculator.

    Energies in eV, forces in eV/A. Non-bonded terms have no cutoff, and act between fragments too: the energy is
    smooth, and a pair of molecules holds together.

    Parameters
    ----------
    molecule : Molecule
        Gives the atom types. Later geometries must have the same atoms in the same order.
    method : str
        "mmff94" (default: made for organic molecules), "mmff94s" (planar amide nitrogens) or "uff" (any element,
        coarse).
    terms : str
        "all" (default) or, of MMFF94 and MMFF94s, "bonded": no van der Waals and no electrostatic ones, whose number
        grows with the square of the size. It is not a potential of a molecule, but can guide on a large one.

    Raises
    ------
    InputError
        An atom has no parameters; MMFF is asked for a radical, a multiplicity above 1, or a molecule whose bond orders
        are not known. UFF ignores the multiplicity, and the log says so.

    References
    ----------
    MMFF94: T. A. Halgren, J. Comput. Chem. 17, 490 (1996); MMFF94s: T. A. Halgren, J. Comput. Chem. 20, 720 (1999);
    UFF: A. K. Rappe et al., J. Am. Chem. Soc. 114, 10024 (1992); in RDKit: P. Tosco, N. Stiefl, G. Landrum,
    J. Cheminform. 6, 37 (2014).

    Examples
    --------
    >>> from molopt.molecules import Molecule
    >>> water = Molecule.from_smiles("O")
    >>> atoms = water.atoms()
    >>> atoms.calc = RDKitForceField(water)
    >>> atoms.get_forces().shape
    (3, 3)
    """

    implemented_properties: ClassVar = ["energy", "free_energy", "forces"]
    default_parameters: ClassVar = {"method": "mmff94", "terms": "all"}

    def __init__(self, molecule: Molecule, method: str = "mmff94", terms: str = "all") -> None:
        super().__init__(method=method, terms=terms)
        self.molecule = molecule
        self.charge, self.multiplicity = molecule.charge, molecule.spin
        self._numbers = molecule.numbers
        self._field = force_field(molecule, method, terms)
        if molecule.spin > 1:
            log.warning("%s: %s ignores the multiplicity %d", molecule.name, method, molecule.spin)
        self.atoms: Any = None
        self.results: dict[str, Any] = {}
        self._seen: Fingerprint | None = None

    def _get_name(self) -> str:
        method, terms = self.parameters.method, self.parameters.terms
        return method if terms == "all" else f"{method}?terms={terms}"

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:
        return [] if fingerprint(atoms) == self._seen else all_changes

    def reset(self) -> None:
        self.results = {}
        self._seen = None

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        if atoms is not None:
            self.look_at(atoms)
        energy, gradient = self.evaluated(self.atoms.positions.ravel())
        self.results = {"energy": energy, "free_energy": energy, "forces": -gradient.reshape(-1, 3)}

    def evaluated(self, x: Array) -> tuple[float, Array]:
        """Energy (eV) and gradient (3N,) (eV/A) of its atoms at x (3N,); what the calculator has seen stays."""
        flat = x.tolist()
        # CalcGrad trusts the distances of the last CalcEnergy, wherever that was: the energy comes first.
        energy = self._field.CalcEnergy(flat) * EV_PER_KCAL
        return energy, np.array(self._field.CalcGrad(flat)) * EV_PER_KCAL

    def recall(self, atoms: Atoms, results: dict[str, Any]) -> None:
        """Know again what was computed at these atoms before."""
        self.look_at(atoms)
        self.results = results

    def look_at(self, atoms: Atoms) -> None:
        """Keep the geometry; InputError unless this force field was made for these atoms, in this order."""
        if not np.array_equal(atoms.numbers, self._numbers):
            raise InputError(
                f"this {self.parameters.method} was made for the atoms of {self.molecule.name}, in their order, "
                f"and cannot take {atoms.get_chemical_formula()}: make one for it"
            )
        if atoms.pbc.any():
            raise InputError(f"{self.parameters.method} does not support periodic boundaries: set atoms.pbc = False")
        if self.atoms is None:
            self.atoms = atoms.copy()
        self.atoms.positions = atoms.positions
        self._seen, self.results = fingerprint(atoms), {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_field"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._field = force_field(self.molecule, self.parameters.method, self.parameters.terms)
