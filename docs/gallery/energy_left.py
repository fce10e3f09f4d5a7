"""What fmax says of the energy below, and what the energy left says.

Along BFGS runs of six flexible molecules on MMFF94: the energy that was really left, against fmax and against the
estimate that `molopt.energy_left` makes from the same forces, without a force call.
"""

from pathlib import Path

from ase.optimize import BFGS
from matplotlib.figure import Figure

import molopt

points = []
for name in ("aladip", "dodecane", "peg4", "sorbitol", "spermine", "tetrayne"):
    molecule = molopt.Molecule.named(name)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    seen = []
    for step, _ in enumerate(BFGS(atoms, logfile=None).irun(fmax=0.02, steps=300)):
        if step % 5 == 0:
            largest = (atoms.get_forces() ** 2).sum(axis=1).max() ** 0.5
            seen.append((largest, float(molopt.energy_left(atoms)), atoms.get_potential_energy()))
    floor = molopt.relax(atoms, fmax=0.001, potential=atoms.calc, check=None).energy
    points += [(fmax, estimate, energy - floor) for fmax, estimate, energy in seen]

figure = Figure((7.6, 3.5), layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
left.plot([fmax for fmax, _, _ in points], [energy for *_, energy in points], "o", ms=3, color="#b3541e")
right.plot([estimate for _, estimate, _ in points], [energy for *_, energy in points], "o", ms=3, color="#1f4e79")
right.plot([1e-4, 10], [1e-4, 10], color="#777777", lw=0.8)
left.set(xscale="log", yscale="log", xlabel="fmax (eV/Å)", ylabel="energy above the floor (eV)", ylim=(1e-4, 10))
right.set(xscale="log", xlabel="energy left, estimated (eV)", xlim=(1e-4, 10))
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
