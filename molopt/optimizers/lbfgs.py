"""Limited-memory quasi-Newton as an ASE optimizer: the default of molopt."""

from dataclasses import asdict
from typing import IO, Any

from molopt.control import Trust
from molopt.directions import Corrected, QuasiNewton
from molopt.optimizers.base import DirectionOptimizer
from molopt.optimizers.surrogate import Surrogate

CARTESIAN_STIFFNESS = 70.0  # eV/A^2, as in ASE's BFGS


class LBFGS(DirectionOptimizer):
    """Quasi-Newton from a model Hessian, with a trust radius; in internal coordinates unless told otherwise.

    The equations are in `molopt.directions.QuasiNewton` and `molopt.control.Trust`.

    Parameters
    ----------
    atoms, restart, logfile, trajectory, append_trajectory, master, comm, loginterval
        As in `RuleOptimizer`.
    maxstep : float, optional
        Longest move of an atom in one step, Angstrom; default 1.0, in Cartesians 0.2.
    memory, fade, damping
        Of `QuasiNewton`.
    control : Trust
    model, criteria
        As in `molopt.optimizers.base.DirectionOptimizer`: the model Hessian, and when to stop besides fmax.
    coordinates : str
        "auto" is internal for molecules and, with a line in the log, Cartesian for all else that ASE can optimize;
        "internal" refuses all else; "cartesian".

    Raises
    ------
    TypeError, InputError, PotentialFailed, Exploded
        As in `RuleOptimizer`.

    Examples
    --------
    >>> import molopt
    >>> molecule = molopt.Molecule.named("aladip")
    >>> atoms = molecule.atoms()
    >>> atoms.calc = molopt.potential("mmff94", molecule)
    >>> optimizer = LBFGS(atoms, logfile=None)
    >>> optimizer.run(fmax=0.01), optimizer.nsteps < 20
    (True, True)
    """

    kind = QuasiNewton

    def __init__(
        self,
        atoms: Any,
        restart: Any = None,
        logfile: IO | Any = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        memory: int = QuasiNewton.memory,
        fade: float = QuasiNewton.fade,
        damping: float = QuasiNewton.damping,
        control: Trust | str = "default",
        coordinates: str = "auto",
        surrogate: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            atoms,
            restart,
            logfile,
            trajectory,
            append_trajectory,
            maxstep,
            direction=QuasiNewton(memory, fade, damping),
            surrogate=surrogate,
            control=control,
            coordinates=coordinates,
            stiffness=CARTESIAN_STIFFNESS,
            **kwargs,
        )

    @classmethod
    def defaults(cls, coordinates: str) -> dict[str, Any]:
        """The hyper-parameters of its direction."""
        return asdict(QuasiNewton())

    @classmethod
    def default_control(cls, coordinates: str) -> Trust:
        """Cartesian steps are as short as those of ASE's BFGS."""
        return Trust(maxstep=0.2) if coordinates == "cartesian" else Trust()

    def guided(self, direction: QuasiNewton, surrogate: Surrogate) -> Corrected:
        """Steps on the corrected surrogate."""
        return Corrected(surrogate, surrogate.name, direction)
