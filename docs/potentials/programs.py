"""ORCA and Psi4 by ASE's calculators, with charge and multiplicity of the molecule.

    molopt relax x.sdf --potential "programs:orca?method=r2SCAN-3c&command=/opt/orca/orca"
    molopt relax x.sdf --potential "programs:psi4?method=b3lyp&basis=def2-svp"

ORCA is not in any registry (orcaforum.kofo.mpg.de), Psi4 is on conda-forge (`conda install psi4`). Neither is installed
where the tests of molopt run: they see that ORCA's input is right, and no more.
"""

import shutil
import tempfile
from typing import Any

from molopt.errors import InputError


def orca(
    charge: int, spin: int, method: str = "r2SCAN-3c", cores: int = 1, command: str = "", blocks: str = "", **more: Any
) -> Any:
    """ASE's calculator of ORCA, in a temporary folder of its own, so that runs side by side do not meet.

    Parameters
    ----------
    charge, spin : int
        Of the molecule, in units of e, and the multiplicity; molopt gives both.
    method : str
        The line after the exclamation mark, as "B3LYP D4 def2-SVP TightSCF"; EnGrad, for the forces, is added. ASE
        prints a warning about it at each call.
    cores : int
        Processes of a force call.
    command : str
        The full path of the program, which ORCA needs to start others; by default that of `orca` on the PATH.
    blocks : str
        Blocks of the input besides %pal.
    **more
        Of `ase.calculators.orca.ORCA`.
    """
    from ase.calculators.orca import ORCA, OrcaProfile

    program = shutil.which(command or "orca")
    if program is None:
        raise InputError(f"{command or 'orca'} is not a program here: give the full path of ORCA as command=")
    return ORCA(
        profile=OrcaProfile(command=program),
        directory=tempfile.mkdtemp(prefix="orca-"),
        charge=charge,
        mult=spin,
        orcasimpleinput=f"{method} EnGrad",
        orcablocks=f"%pal nprocs {cores} end {blocks}".strip(),
        **more,
    )


def psi4(
    charge: int, spin: int, method: str = "b3lyp", basis: str = "def2-svp", cores: int = 1, memory: str = "2 GB"
) -> Any:
    """ASE's calculator of Psi4, unrestricted where there are unpaired electrons.

    Parameters
    ----------
    charge, spin : int
        Of the molecule, in units of e, and the multiplicity; molopt gives both.
    method, basis : str
        As Psi4 names them.
    cores : int
        Threads.
    memory : str
        Of Psi4.
    """
    from ase.calculators.psi4 import Psi4

    unrestricted = "uhf" if method.lower() in ("hf", "scf", "mp2") else "uks"
    return Psi4(
        charge=charge,
        multiplicity=spin,
        method=method,
        basis=basis,
        num_threads=cores,
        memory=memory,
        label=tempfile.mkdtemp(prefix="psi4-") + "/run",
        **({"reference": unrestricted} if spin > 1 else {}),
    )
