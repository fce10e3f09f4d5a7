"""A hundred conformers relaxed at once.

One batch on MMFF94, in which each takes the steps that it would take alone.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import molopt

molecule = molopt.Molecule.from_smiles("CCCCC(=O)OCCN(C)C", seed=7)
starts = [conformer.positions for conformer in molecule.conformers(100, seed=1)]
calculator = molopt.potential("mmff94", molecule)
before = []
for positions in starts:
    atoms = molecule.atoms()
    atoms.positions, atoms.calc = positions, calculator
    before.append(atoms.get_potential_energy())
after = molopt.relax_batch(molecule, positions=starts, potential="mmff94", fmax=0.01).collect()
print(f"{after.converged.sum()} of {len(starts)} converged, {after.force_calls.mean():.1f} force calls each")

figure = Figure((6.0, 3.5), layout="constrained")
axes = figure.subplots()
edges = np.linspace(0, 3.0, 46)
for energies, said, colour in ((before, "as embedded", "#999999"), (after.energies, "relaxed", "#1f4e79")):
    axes.hist(np.array(energies) - after.energies.min(), edges, color=colour, alpha=0.8, label=said)
axes.set(xlabel="energy above the lowest (eV)", ylabel="conformers")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
