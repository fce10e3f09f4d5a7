"""What a process does once for all its runs, before the clock of the first is started."""

from functools import cache

from ase.calculators.emt import EMT

from molopt.coordinates.kernels.compilable import available
from molopt.molecules import Molecule
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.spec import OptimizerSpec
from molopt.signs import hidden, stage


def ready(spec: OptimizerSpec, energy_left: float | str | None) -> None:
    """Load or compile the kernels that a run needs: a minute, once, and part of a second in each process.

    Neither belongs to a run, to its seconds, or to the time limit that a user sets. The energy left is estimated in
    internal coordinates, whatever those of the run.
    """
    if (energy_left is not None or spec.coordinates in ("auto", "internal")) and available():
        use()


@cache
def use() -> None:
    """Use the kernels on a molecule of three atoms."""
    with stage("compiling"), hidden():
        water = Molecule.from_smiles("O", seed=1).atoms()
        water.calc = EMT()
        LBFGS(water, logfile=None).run(fmax=0.0, steps=3)
