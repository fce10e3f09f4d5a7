"""A dipeptide under momentum that remembers too much, diagnosed: docs/pictures/diagnosis.png.

python docs/pictures/diagnosis.py
"""

import tempfile
from pathlib import Path

import molopt

HERE = Path(__file__).parent


def main() -> None:
    molecule = molopt.Molecule.named("aladip")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.traj"
        run = molopt.Momentum(
            atoms, lr=0.3, b1=0.97, control=None, coordinates="internal", logfile=None, trajectory=path
        )
        run.run(fmax=0.02, steps=80)
        found = molopt.diagnose(path, name="alanine dipeptide")
    found.plot(HERE / "diagnosis.png")
    print(found)


if __name__ == "__main__":
    main()
