"""ANI-2xt as a function of many molecules, for `molopt.relax_batch`.

    pip install torch && pip install 'auto3d[ani]'     # its weights come with auto3d
    molopt.relax_batch(molecules, potential=ANI2xt())
    PYTHONPATH=docs/potentials molopt relax CCO --potential ani2xt:ANI2xt

Neutral molecules of H, C, N, O, F, S and Cl without unpaired electrons. It runs on a GPU where torch sees one. The
network is Auto3D's (Z. Liu, T. Zubatiuk, A. Roitberg, O. Isayev, J. Chem. Inf. Model. 62, 5373 (2022)).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from molopt.errors import InputError

ELEMENTS = (1, 6, 7, 8, 9, 16, 17)  # in the order of its networks
PLACE = np.full(len(chemical_symbols), -1)  # of an atomic number; -1 is also what the network takes as no atom
PLACE[list(ELEMENTS)] = np.arange(len(ELEMENTS))


@dataclass(frozen=True)
class ANI2xt:
    """Energies and forces of ANI-2xt.

    Parameters
    ----------
    device : str
        Of torch; "auto" is a GPU where there is one.
    dtype : {"float32", "float64"}
        Of the network; its weights are of float32.
    atoms : int
        At most so many atoms, with those that fill up smaller molecules, are evaluated together, but always one
        molecule. An atom takes 0.05 to 0.08 MB.
    """

    device: str = "auto"
    dtype: str = "float32"
    atoms: int = 4096

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype must be float32 or float64, got {self.dtype!r}")
        network(self.device, self.dtype)

    def __call__(
        self, positions: np.ndarray, numbers: np.ndarray, system: np.ndarray, charges: np.ndarray, spins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """energies (S,), eV, and forces (sum N, 3), eV/A, of `molopt.potentials.batched.BatchedPotential`."""
        refuse(numbers, charges, spins)
        sizes = np.bincount(system, minlength=len(charges))
        starts = np.cumsum(sizes) - sizes
        energies, forces = np.empty(len(charges)), np.empty_like(positions)
        for chunk in chunks(sizes, self.atoms):
            row, column = np.nonzero(np.arange(sizes[chunk].max()) < sizes[chunk][:, None])
            flat = starts[chunk][row] + column
            species = np.full((len(chunk), sizes[chunk].max()), -1)
            species[row, column] = PLACE[numbers[flat]]
            x = np.zeros((*species.shape, 3))
            x[row, column] = positions[flat]
            x[row, column] -= (x.sum(axis=1) / sizes[chunk][:, None])[row]  # far from the origin float32 is coarse
            energies[chunk], padded = self.evaluated(species, x)
            forces[flat] = padded[row, column]
        return energies, forces

    def evaluated(self, species: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """energies (S,) and forces (S, N, 3) of molecules at x (S, N, 3); species (S, N) are -1 where is no atom."""
        import torch

        used = network(self.device, self.dtype)
        where = used.energy_shifts.device
        coordinates = torch.tensor(x, dtype=getattr(torch, self.dtype), device=where, requires_grad=True)
        energies = used(torch.tensor(species, device=where), coordinates)
        (gradient,) = torch.autograd.grad(energies.sum(), coordinates)
        return energies.detach().cpu().numpy(), -gradient.cpu().numpy()


def refuse(numbers: np.ndarray, charges: np.ndarray, spins: np.ndarray) -> None:
    """InputError where ANI-2xt has not been trained for a molecule."""
    unknown = {
        "element": [chemical_symbols[number] for number in np.unique(numbers[PLACE[numbers] < 0])],
        "charge": [f"{charge:+d}" for charge in np.unique(charges[charges != 0])],
        "multiplicity": [f"{spin}" for spin in np.unique(spins[spins != 1])],
    }
    for what, found in unknown.items():
        if found:
            known = "neutral molecules of H, C, N, O, F, S and Cl without unpaired electrons"
            raise InputError(f"ANI-2xt knows {known}, got the {what} {', '.join(found)}")


def chunks(sizes: np.ndarray, atoms: int) -> Iterator[np.ndarray]:
    """Systems of like size that are evaluated together, as indices; filled up to the largest they have `atoms`."""
    order = np.argsort(-sizes, kind="stable")
    while len(order):
        count = max(1, atoms // int(sizes[order[0]]))
        yield order[:count]
        order = order[count:]


@lru_cache
def network(device: str, dtype: str) -> Any:
    """The network with its weights; ImportError where torch, Auto3D or torchani is missing."""
    try:
        import torch
        from Auto3D.engines.models.ani2xt import ANI2xt as Network

        where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        found = Network(where)
    except ImportError as error:
        raise ImportError(f"ANI-2xt needs torch and Auto3D ({error}): pip install torch 'auto3d[ani]'") from error
    return found.to(getattr(torch, dtype)).requires_grad_(False)
