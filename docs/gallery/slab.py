"""An adsorbate on a surface, relaxed with `molopt.LBFGS` and with ASE's BFGS.

On slabs the model Hessian is a net of springs between near atoms. N on Cu(111), the two lowest layers fixed, ASE's EMT.
"""

from pathlib import Path

import numpy as np
from ase.build import add_adsorbate, fcc111
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from matplotlib.figure import Figure

import molopt

slab = fcc111("Cu", (3, 3, 4), vacuum=8.0)
add_adsorbate(slab, "N", 1.3, "bridge")
slab.rattle(0.05, seed=1)
slab.set_constraint(FixAtoms(mask=slab.get_tags() > 2))

figure = Figure((5.6, 3.5), layout="constrained")
axes = figure.subplots()
for kind, said, colour in ((molopt.LBFGS, "molopt.LBFGS", "#1f4e79"), (BFGS, "ase.optimize.BFGS", "#b3541e")):
    atoms = slab.copy()
    atoms.calc = EMT()
    largest = [np.linalg.norm(atoms.get_forces(), axis=1).max() for _ in kind(atoms, logfile=None).irun(fmax=0.01)]
    axes.plot(range(1, len(largest) + 1), largest, "o-", ms=3, color=colour, label=f"{said}, {len(largest)} calls")
axes.axhline(0.01, color="#777777", ls="--", lw=0.8)
axes.set(yscale="log", xlabel="force calls", ylabel="fmax (eV/Å)")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
