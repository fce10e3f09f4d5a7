"""Forces vanish, and it is not a minimum.

Ammonia begun flat on GFN2-xTB stays flat, as no force leads out of the plane. `molopt.check` finds the motion of
negative curvature, along which the energy is drawn, and `molopt.relax` leaves the ridge by it.
"""

from pathlib import Path

import numpy as np
from ase.build import molecule
from matplotlib.figure import Figure

import molopt

flat = molecule("NH3")
flat.positions[:, 2] = 0.0
ridge = molopt.relax(flat, potential="gfn2-xtb", fmax=0.001, check=None)
found = molopt.check(ridge.atoms, "gfn2-xtb")
down = molopt.relax(ridge.atoms, potential="gfn2-xtb", fmax=0.001)
print(f"{found.stationary}: {found.curvature.stiffness:.2f} eV/Å²; then {down.verdict}")

atoms, along, energies = ridge.atoms.copy(), np.linspace(-0.6, 0.6, 41), []
atoms.calc = molopt.potential("gfn2-xtb", ridge.molecule)
for length in along:
    atoms.positions = ridge.atoms.positions + length * found.curvature.direction
    energies.append(1e3 * (atoms.get_potential_energy() - ridge.energy))

figure = Figure((5.6, 3.5), layout="constrained")
axes = figure.subplots()
axes.plot(along, energies, color="#1f4e79", label="along the motion that the check found")
axes.plot(0, 0, "o", color="#b3541e", label=f"flat: a {found.stationary}")
axes.axhline(
    1e3 * (down.energy - ridge.energy), color="#777777", ls="--", lw=0.8, label=f"relaxed: a {down.verdict.stationary}"
)
axes.set(xlabel="displacement (Å)", ylabel="energy (meV)")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
