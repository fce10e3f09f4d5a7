"""Limited-memory quasi-Newton as an ASE optimizer: the default of molopt."""

from dataclasses import fields
from pathlib import Path
from typing import IO, Any, Unpack

from ase import Atoms

from molopt.control import Trust
from molopt.directions import Corrected, QuasiNewton
from molopt.optimizers.base import DirectionOptimizer, Settings
from molopt.optimizers.bodies import body_of
from molopt.optimizers.registry import QUASI_NEWTON
from molopt.optimizers.surrogate import Surrogate

CARTESIAN_STIFFNESS = 70.0  # eV/A^2, as in ASE's BFGS


class LBFGS(DirectionOptimizer):
    """Quasi-Newton from a model Hessian, with a trust radius; in internal coordinates where the atoms have them.

    The equations are in `molopt.directions.QuasiNewton` and `molopt.control.Trust`.

    Parameters
    ----------
    atoms, restart, logfile, trajectory, append_trajectory, master, comm, loginterval
        As in `RuleOptimizer`.
    maxstep : float, optional
        Longest move of an atom in one step, Angstrom; default 1.0 in internals, else 0.2.
    memory, fade, damping
        Of `QuasiNewton`; with coordinates="cartesian", and for a band, 60, 1.0, 0.2, nearly a full memory.
    control : Trust
    model, criteria
        As in `molopt.optimizers.base.DirectionOptimizer`: the model Hessian, and when to stop besides fmax.
    coordinates : str
        "auto" is internal for molecules and, with a line in the log, for all else that ASE can optimize "elastic" where
        that can be, else "cartesian". "internal" refuses all else; "elastic" is Cartesian, and its model Hessian one of
        springs between near atoms (`molopt.coordinates.elastic`): for surfaces, crystals, their cells, and
        clusters of metals, free or with FixAtoms and FixCartesian; "cartesian" has a number for a model.

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
        logfile: IO[str] | str | Path | None = "-",
        trajectory: Any = None,
        append_trajectory: bool = False,
        maxstep: float | None = None,
        *,
        memory: int | None = None,
        fade: float | None = None,
        damping: float | None = None,
        control: Trust | str = "default",
        coordinates: str = "auto",
        surrogate: Any = None,
        **kwargs: Unpack[Settings],
    ) -> None:
        never = not isinstance(atoms, Atoms) and body_of(atoms) is None  # internal or elastic: a band, a strain
        plain = coordinates == "cartesian" or (coordinates == "auto" and never)
        given = {"memory": memory, "fade": fade, "damping": damping}
        given = {name: value for name, value in given.items() if value is not None}
        super().__init__(
            atoms,
            restart,
            logfile,
            trajectory,
            append_trajectory,
            maxstep,
            direction=QuasiNewton(**self.tuned_defaults("cartesian" if plain else coordinates) | given),
            surrogate=surrogate,
            control=control,
            coordinates=coordinates,
            stiffness=CARTESIAN_STIFFNESS,
            **kwargs,
        )

    @classmethod
    def tuned_defaults(cls, coordinates: str) -> dict[str, Any]:
        """The hyper-parameters of its direction."""
        tuned = {entry.coordinates: entry.tuned for entry in QUASI_NEWTON}.get(coordinates, {})
        return {field.name: tuned.get(field.name, field.default) for field in fields(QuasiNewton)}

    @classmethod
    def default_control(cls, coordinates: str) -> Trust:
        """Cartesian steps are as short as those of ASE's BFGS."""
        return Trust(maxstep=0.2) if coordinates in ("cartesian", "elastic") else Trust()

    def guided(self, direction: QuasiNewton, surrogate: Surrogate) -> Corrected:
        """Steps on the corrected surrogate."""
        return Corrected(surrogate, surrogate.name, direction)
