"""Adam and the heavy ball with control and without, on ethanol in Cartesians: docs/pictures/control.png.

    python docs/pictures/control.py

Prints the force calls of each to fmax 0.05 eV/A, and the largest fmax of the last fifty calls.
"""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

import molopt
from molopt.drawing.canvas import DARK, STYLE
from molopt.landscapes.track import follow_atoms
from molopt.optimizers.registry import BY_NAME

HERE = Path(__file__).parent
INKS = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
STEPS, FMAX = 200, 0.05  # eV/A


def main() -> None:
    molecule = molopt.Molecule.from_smiles("CCO", seed=7)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    settings: tuple[tuple[str, dict[str, None]], ...] = (("control", {}), ("no control", {"control": None}))
    with rc_context({**STYLE, **dict.fromkeys(INKS, DARK)}):
        figure = Figure((6.4, 3.0), layout="constrained")
        axes = figure.subplots()
        for name, make in {"adam": molopt.Adam, "heavy-ball": molopt.HeavyBall}.items():
            for said, control in settings:
                label = f"{name}, {said}"
                try:
                    track = follow_atoms(atoms, make, STEPS, label, name, **control)
                except molopt.errors.Exploded as error:
                    print(f"{label:23s} {str(error).split(':')[0]}")
                    continue
                fmax = np.linalg.norm(track.gradients.reshape(len(track), -1, 3), axis=2).max(axis=1)
                low = np.flatnonzero(fmax < FMAX)
                first = str(low[0] + 1) if low.size else f"more than {STEPS}"
                print(f"{label:23s} {first}, then {fmax[-50:].max():.4f} at most")
                axes.plot(fmax, label=label, color=BY_NAME[name].colour, ls="--" if control else "-", lw=1.3)
        axes.axhline(FMAX, color="#777777", lw=0.8)
        axes.set_yscale("log")
        ticks = [1e-4, 1e-3, 0.01, 0.1, 1]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("force calls")
        axes.set_ylabel("fmax (eV/Å)")
        axes.legend()
        figure.savefig(HERE / "control.png", dpi=130, facecolor="white")


if __name__ == "__main__":
    main()
