"""Eigenvalues of the true Hessian of alanine dipeptide in three metrics: docs/pictures/spectrum.png.

    python docs/pictures/spectrum.py

Prints the least, the median, the largest and the condition number of each.
"""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.linalg import eigh, null_space

import molopt
from molopt.drawing.canvas import DARK, STYLE
from molopt.optimizers.registry import BY_NAME

HERE = Path(__file__).parent
INKS = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")


def spectra() -> dict[str, np.ndarray]:
    """Of the minimum that the default finds under MMFF94."""
    molecule = molopt.Molecule.named("aladip")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    optimizer = molopt.LBFGS(atoms, logfile=None)
    optimizer.run(fmax=1e-4)
    hessian = molopt.check(atoms, frequencies=True).vibrations.get_hessian_2d()  # eV/A^2
    here = optimizer.member.linearize(atoms.positions.ravel(), -atoms.get_forces().ravel())
    vibrations = null_space(here.held.T)  # (3N, 3N - 6)

    def relative_to(metric: np.ndarray) -> np.ndarray:
        return eigh(*(vibrations.T @ matrix @ vibrations for matrix in (hessian, metric)), eigvals_only=True)

    dense = [matrix.toarray() if hasattr(matrix, "toarray") else matrix for matrix in (here.rows.normal, here.hessian)]
    return {
        "Cartesian\n(eV/Å²)": relative_to(np.eye(len(hessian))),
        "u, frozen\nstiffness": relative_to(dense[0]),
        "u, model\nHessian": relative_to(dense[1]),
    }


def main() -> None:
    found = spectra()
    colours = [BY_NAME[name].colour for name in ("bfgs", "heavy-ball", "default")]
    with rc_context({**STYLE, **dict.fromkeys(INKS, DARK)}):
        figure = Figure((7.0, 2.7), layout="constrained")
        axes = figure.subplots()
        for place, ((name, values), colour) in enumerate(zip(found.items(), colours, strict=True)):
            axes.plot(values, np.full(len(values), place), "|", color=colour, ms=16, mew=1.2)
            print(
                f"{' '.join(name.split()):22s} least {values[0]:8.4f}  median {np.median(values):8.4f}  "
                f"largest {values[-1]:8.3f}  condition {values[-1] / values[0]:9.1f}"
            )
        axes.set_yticks(range(len(found)), list(found))
        axes.set_ylim(2.5, -0.5)
        axes.set_xscale("log")
        axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        axes.axvline(1.0, color="#777777", lw=0.8, zorder=0)
        axes.set_xlabel("eigenvalues of the true Hessian, relative to the metric")
        figure.savefig(HERE / "spectrum.png", dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
