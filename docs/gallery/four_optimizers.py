"""Four optimizers on one flexible molecule.

Energy above the lowest end against force calls on MMFF94. BFGS and FIRE stop where forces are small, on a plateau;
in internal coordinates Adam and the default go straight down.
"""

from pathlib import Path

from matplotlib.figure import Figure

import molopt
from molopt.report.labels import label, look

molecule = molopt.Molecule.named("peg4")
runs = {
    name: molopt.relax(molecule, name, "mmff94", fmax=0.05, energy_left=None, check=None)
    for name in ("default", "adam/internal", "bfgs", "fire")
}
floor = min(run.energy for run in runs.values())

figure = Figure((6.4, 3.6), layout="constrained")
axes = figure.subplots()
for name, run in runs.items():
    drawn = look(name)
    above = [max(call.energy - floor, 1e-4) for call in run.trace]
    axes.plot(range(1, len(above) + 1), above, color=drawn.colour, label=f"{label(name)}, {run.force_calls} calls")
axes.set(xscale="log", yscale="log", xlabel="force calls", ylabel="energy above the lowest end (eV)")
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
