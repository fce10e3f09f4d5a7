"""Models of torch-sim as functions of many molecules, and states of torch-sim as molecules to start from.

    pip install torch torch-sim-atomistic
    molopt.relax_batch(started(state), potential=TorchSim(model))

`model` is any `torch_sim.models.interface.ModelInterface`: its MACE, Orb, MatterSim, SevenNet, Lennard-Jones... They
are asked about molecules: no cell, no periodicity.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from molopt.errors import InputError


class TorchSim:
    """Energies and forces of a model of torch-sim.

    Parameters
    ----------
    model : torch_sim.models.interface.ModelInterface
        With forces.
    atoms : int
        At most so many atoms are evaluated together, but always one molecule; how many a device holds depends on the
        model.
    charged : bool
        Whether the model reads `charge` and `spin` of a state, as Orb's and FAIRChem's for molecules do. Others know
        neither, and molecules that have one are refused.
    """

    def __init__(self, model: Any, atoms: int = 4096, charged: bool = False) -> None:
        self.model, self.atoms, self.charged = model, atoms, charged
        self.__name__ = type(model).__name__

    def __call__(
        self, positions: np.ndarray, numbers: np.ndarray, system: np.ndarray, charges: np.ndarray, spins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """energies (S,), eV, and forces (sum N, 3), eV/A, of `molopt.potentials.batched.BatchedPotential`."""
        if not self.charged:
            for values, neutral, what in ((charges, 0, "charge"), (spins, 1, "multiplicity")):
                if (wrong := values[values != neutral]).size:
                    raise InputError(f"{self.__name__} knows neither charge nor spin, got a {what} of {int(wrong[0])}")
        sizes = np.bincount(system, minlength=len(charges))
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        molecules = [
            Atoms(numbers[begin:end], positions[begin:end], info={"charge": charge, "spin": spin})
            for begin, end, charge, spin in zip(bounds, bounds[1:], charges.tolist(), spins.tolist(), strict=False)
        ]
        parts, first = [], 0
        while first < len(molecules):
            fitting = int(np.searchsorted(bounds, bounds[first] + self.atoms, side="right")) - 1
            last = max(first + 1, fitting)
            parts.append(self.evaluated(molecules[first:last]))
            first = last
        energies, forces = zip(*parts, strict=True)
        return np.concatenate(energies), np.concatenate(forces)

    def evaluated(self, molecules: Sequence[Atoms]) -> tuple[np.ndarray, np.ndarray]:
        """energies (S,) and forces (sum N, 3) of molecules that are one state."""
        from torch_sim.io import atoms_to_state

        told = {"system_extras_map": {"charge": "charge", "spin": "spin"}} if self.charged else {}
        found = self.model(atoms_to_state(list(molecules), self.model.device, self.model.dtype, **told))
        return tuple(found[name].detach().cpu().numpy() for name in ("energy", "forces"))


def started(state: Any) -> list[Atoms]:
    """The systems of a state of torch-sim, as `molopt.relax_batch` and `molopt.relax` take them."""
    from torch_sim.io import state_to_atoms

    return state_to_atoms(state)


def argon(sigma: float = 3.405, epsilon: float = 0.0104, cutoff: float = 12.0) -> TorchSim:
    """torch-sim's Lennard-Jones model with parameters of argon (Angstrom, eV): what needs no weights.

    The cutoff is far, as torch-sim's is sharp.
    """
    import torch
    from torch_sim.models.lennard_jones import LennardJonesModel

    model = LennardJonesModel(sigma, epsilon, cutoff=cutoff, dtype=torch.float64, device=torch.device("cpu"))
    return TorchSim(model)
