"""A torsion scanned from both sides, on a force field and on GFN2-xTB.

Each point starts from its neighbours, and the lower end counts.
"""

from pathlib import Path

from matplotlib.figure import Figure

import molopt

biphenyl = molopt.Molecule.from_smiles("c1ccccc1-c1ccccc1", name="biphenyl", seed=7)
angles = list(range(0, 181, 15))
figure = Figure((6.0, 3.6), layout="constrained")
axes = figure.subplots()
for potential, colour in (("mmff94", "#b3541e"), ("gfn2-xtb", "#1f4e79")):
    found = molopt.scan(biphenyl, (4, 5, 6, 7), angles, potential)
    calls = found.force_calls / len(angles)
    axes.plot(angles, 1e3 * (found.energies - found.energies.min()), "o-", color=colour,
              label=f"{potential}, {calls:.0f} calls a point")  # fmt: skip
axes.set(xlabel="torsion (degrees)", ylabel="energy (meV)", xticks=range(0, 181, 30))
axes.legend()
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)
