"""What the program xtb computes and tblite does not: GFN-FF and GFN0-xTB.

    apt-get install xtb                 # or conda-forge's xtb
    molopt relax CCO --potential "xtb_program:XTB?method=gfnff"

A process a force call: 20 to 50 ms more than the calculation. For GFN2-xTB and GFN1-xTB molopt has tblite in the same
process, "gfn2-xtb". GFN-FF: S. Spicher, S. Grimme, Angew. Chem. Int. Ed. 59, 15665 (2020).
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import ase.io
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.io.turbomole import read_turbomole_gradient

from molopt.errors import InputError

METHODS = {"gfnff": ["--gfnff"], "gfn0-xtb": ["--gfn", "0"], "gfn1-xtb": ["--gfn", "1"], "gfn2-xtb": ["--gfn", "2"]}

REASON = re.compile(r"^-\d+- (.*)", re.M)  # the lines of an error of xtb: where, then why


class XTB(Calculator):
    """The program `xtb` as an ASE calculator.

    Parameters
    ----------
    charge, spin : int
        Of the molecule, in units of e, and the multiplicity; molopt gives both.
    method : {"gfnff", "gfn0-xtb", "gfn1-xtb", "gfn2-xtb"}
    solvent : str, optional
        Of ALPB, as water. By default the gas phase.
    accuracy : float
        Of the SCF; rougher than 0.05, forces are too noisy for fmax 0.01 eV/A.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(
        self, charge: int = 0, spin: int = 1, method: str = "gfnff", solvent: str = "", accuracy: float = 0.05
    ) -> None:
        super().__init__()
        if method not in METHODS:
            raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        program = shutil.which("xtb")
        if program is None:
            raise InputError("the program xtb is not on the PATH: apt-get install xtb, or conda install xtb")
        parameters = Path(program).resolve().parents[1] / "share" / "xtb"  # which Debian's xtb does not look into
        self.environment = {"OMP_NUM_THREADS": "1", "XTBPATH": str(parameters), **os.environ}
        self.options = [*METHODS[method], "--chrg", str(charge), "--uhf", str(spin - 1), "--acc", str(accuracy)]
        self.options += ["--alpb", solvent] if solvent else []

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ase.io.write(folder / "coord", self.atoms, format="turbomole")
            ran = subprocess.run(
                ["xtb", "coord", "--grad", *self.options],
                cwd=folder,
                capture_output=True,
                text=True,
                env=self.environment,
                check=False,
            )
            written = folder / "gradient"
            if ran.returncode or not written.exists():
                raise RuntimeError(f"xtb ended with exit code {ran.returncode}: {reason(ran.stdout + ran.stderr)}")
            with written.open() as file:
                found = read_turbomole_gradient(file, index=-1)
        self.results = {"energy": found.get_potential_energy(), "forces": found.get_forces()}


def reason(said: str) -> str:
    """Why the program gave up, as far as it says."""
    causes = REASON.findall(said)
    return "; ".join(causes) or " ".join(said.split())[-200:]
