"""The barrier of a hop, by a nudged elastic band with `molopt.LBFGS`.

A gold atom on Al(100) with ASE's EMT: five images, first interpolated, then relaxed.
"""

from pathlib import Path

import numpy as np
from ase.build import add_adsorbate, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.mep import NEB, interpolate
from matplotlib.figure import Figure

import molopt

first = fcc100("Al", (2, 2, 3), vacuum=8.0)
add_adsorbate(first, "Au", 1.7, "hollow")
first.set_constraint(FixAtoms(mask=first.get_tags() > 1))
last = first.copy()
last[-1].x += last.cell[0, 0] / 2
images = [first, *(first.copy() for _ in range(5)), last]
for image in images:
    image.calc = EMT()
for end in (first, last):
    molopt.LBFGS(end, logfile=None).run(fmax=0.01)
interpolate(images)

figure = Figure((5.6, 3.5), layout="constrained")
axes = figure.subplots()
for said, colour, steps in (("interpolated", "#999999", 0), ("relaxed", "#1f4e79", 200)):
    molopt.LBFGS(NEB(images, method="improvedtangent"), coordinates="cartesian", logfile=None).run(
        fmax=0.03, steps=steps
    )
    energies = np.array([image.get_potential_energy() for image in images])
    axes.plot(range(7), energies - energies[0], "o-", color=colour, label=f"{said}: {np.ptp(energies):.3f} eV")
axes.set(xlabel="image", ylabel="energy (eV)")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
