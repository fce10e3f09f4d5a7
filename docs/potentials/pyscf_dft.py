"""Density functionals and Hartree-Fock of PySCF as an ASE calculator.

    pip install pyscf
    molopt relax CCO --potential "pyscf_dft:calculator?xc=b3lyp&basis=def2-svp"

The calculator is PySCF's own (`pyscf.pbc.tools.pyscf_ase.PySCF`), which starts each SCF from the last density; what is
here is the method that it is given. Charge and multiplicity come from the molecule. A force call takes seconds, so that
runs are guided by MMFF94s (docs/notes/surrogates.md). On GPUs: gpu4pyscf, with the same names.
"""

from typing import Any

import molopt
from molopt.errors import InputError

CONVERGED = 1e-9  # hartree; with PySCF's own for gradients of that, 3e-5, forces are noisy at fmax 0.01 eV/A
GRADIENT = 1e-6  # hartree


def calculator(
    molecule: molopt.Molecule, xc: str = "b3lyp", basis: str = "def2-svp", density_fit: bool = True, **keywords: Any
) -> Any:
    """PySCF's ASE calculator of a molecule.

    Parameters
    ----------
    molecule : Molecule
        molopt gives it.
    xc : str
        A functional of PySCF, as "pbe", "b3lyp", "wb97m_v", "r2scan"; "hf" is Hartree-Fock. Restricted for closed
        shells, else unrestricted.
    basis : str
        A basis set of PySCF; double zeta, for speed. Energies of conformers need more.
    density_fit : bool
        Whether Coulomb and exchange integrals are fitted: several times as fast, and 1e-4 eV or so different.
    **keywords
        Attributes of the SCF, as max_cycle=100, level_shift=0.2 or, with pyscf-dispersion installed, disp='d3bj'.

    Raises
    ------
    ImportError
        PySCF is missing.
    InputError
        PySCF does not know the functional, the basis or a keyword.
    """
    try:
        from pyscf import dft, gto, scf
        from pyscf.lib.exceptions import BasisNotFoundError
        from pyscf.pbc.tools.pyscf_ase import PySCF
    except ImportError as error:
        raise ImportError(f"PySCF is missing ({error}): pip install pyscf") from error
    atoms = list(zip(molecule.atoms().symbols, molecule.positions, strict=True))
    try:
        mole = gto.M(atom=atoms, basis=basis, charge=molecule.charge, spin=molecule.spin - 1, verbose=0)
    except BasisNotFoundError as error:
        raise InputError(f"PySCF has no basis {basis!r} for {molecule.name}") from error
    field = scf.HF(mole) if xc.lower() == "hf" else dft.KS(mole, xc=xc)
    if xc.lower() != "hf":
        check_functional(xc)
    unknown = [key for key in keywords if not hasattr(field, key)]
    if unknown:
        raise InputError(f"an SCF of PySCF has no {', '.join(unknown)}")
    field.set(conv_tol=CONVERGED, conv_tol_grad=GRADIENT)
    field.set(**keywords)
    return PySCF(method=field.density_fit() if density_fit else field)


def check_functional(xc: str) -> None:
    """Raise InputError where PySCF has no such functional."""
    from pyscf.dft import libxc

    try:
        libxc.parse_xc(xc)
    except (KeyError, ValueError) as error:
        raise InputError(f"PySCF has no functional {xc!r}: {error.args[0] if error.args else error}") from error
