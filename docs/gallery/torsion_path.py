"""The path of three optimizers over the torsions of alanine dipeptide.

The map is a scan of phi and psi on MMFF94, every 30 degrees; each path is that of one run from the same start.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import molopt
from molopt.report.labels import label, look

PHI, PSI = (1, 3, 4, 6), (3, 4, 6, 8)  # atoms C, N, CA, C and N, CA, C, N
molecule = molopt.Molecule.from_smiles("CC(=O)N[C@@H](C)C(=O)NC", seed=7)
angles = np.arange(-180.0, 181.0, 30.0)
surface = molopt.scan(molecule, [PHI, PSI], [angles, angles], "mmff94", both_ways=False)

figure = Figure((5.6, 4.6), layout="constrained")
axes = figure.subplots()
filled = axes.contourf(angles, angles, 1e3 * (surface.energies - np.nanmin(surface.energies)).T, 12, cmap="Greys")
figure.colorbar(filled, label="energy (meV)")
for name in ("default", "adam", "fire"):
    path = []
    molopt.relax(
        molecule,
        name,
        "mmff94",
        fmax=0.01,
        energy_left=None,
        check=None,
        max_calls=400,
        on_call=lambda calls, path=path: path.append([calls.atoms.get_dihedral(*PHI), calls.atoms.get_dihedral(*PSI)]),
    )
    phi, psi = (np.array(path).T + 180) % 360 - 180
    axes.plot(phi, psi, ".-", ms=4, color=look(name).colour, label=f"{label(name)}, {len(path)} calls")
axes.set(xlabel="phi (degrees)", ylabel="psi (degrees)", xticks=range(-180, 181, 60), yticks=range(-180, 181, 60))
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
