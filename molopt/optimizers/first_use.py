"""What a process does once for all its runs, before the clock of the first is started."""

from functools import cache

from ase import Atoms
from ase.calculators.emt import EMT

from molopt.coordinates.kernels.compilable import available
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.spec import OptimizerSpec


def ready(spec: OptimizerSpec) -> None:
    """Have the kernels that a run needs: they take a minute to compile, once, and part of a second to read from disk.

    Neither belongs to a run, to its seconds, or to the time limit that a user sets.
    """
    if spec.coordinates in ("auto", "internal") and available():
        use()


@cache
def use() -> None:
    """Use the kernels on a molecule of three atoms."""
    water = Atoms("OHH", [[0.0, 0.0, 0.0], [0.97, 0.0, 0.0], [-0.25, 0.95, 0.0]], calculator=EMT())
    LBFGS(water, logfile=None).run(fmax=0.0, steps=3)
