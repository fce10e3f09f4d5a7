"""A function of many molecules as the ASE calculator of one of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from molopt.potentials.batched import BatchedPotential, on_host


class Alone(Calculator):
    """Asks a `BatchedPotential` about one molecule, so that it serves wherever ASE takes a calculator.

    Energies and forces are passed on as they come; `Counted` and the batch check them.

    Parameters
    ----------
    function : BatchedPotential
    charge : int
        In units of e.
    spin : int
        The multiplicity.

    Examples
    --------
    >>> def springs(positions, numbers, system, charges, spins):
    ...     return [0.5 * float((positions**2).sum())], -positions
    >>> atoms = Atoms("H2", [[0, 0, 0], [0, 0, 2]], calculator=Alone(springs))
    >>> float(atoms.get_potential_energy()), atoms.get_forces()[1].tolist()
    (2.0, [-0.0, -0.0, -2.0])
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, function: BatchedPotential, charge: int = 0, spin: int = 1) -> None:
        super().__init__()
        self.function = function
        self.charge = charge
        self.spin = spin

    def _get_name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        known: Any = self.atoms
        system = np.zeros(len(known), dtype=int)
        energies, forces = self.function(
            known.positions.copy(), known.numbers, system, np.array([self.charge]), np.array([self.spin])
        )
        found = on_host(energies)
        self.results: dict[str, Any] = {
            "energy": energies if found is None or found.shape != (1,) else float(found[0]),
            "forces": forces if (rows := on_host(forces)) is None else rows.astype(float),
        }
