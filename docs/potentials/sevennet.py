"""SevenNet-0 as an ASE calculator, and as a function of many systems for `molopt.relax_batch`.

    pip install torch && pip install sevenn     # the weights of SevenNet-0 come with it
    PYTHONPATH=docs/potentials molopt relax CCO --potential sevennet:calculator
    molopt.relax_batch(molecules, potential=SevenNet())

A potential of materials, trained on inorganic crystals: here it is a real surface with the noise of float32, not
chemistry of molecules. It knows neither charge nor spin. It runs on a GPU where torch sees one (Y. Park, J. Kim,
S. Hwang, S. Han, J. Chem. Theory Comput. 20, 4857 (2024)).
"""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from molopt.errors import InputError

REMEDY = "SevenNet-0 needs torch and sevenn ({}): pip install torch sevenn"


def calculator(charge: int = 0, spin: int = 1, device: str = "auto", **keywords: Any) -> Any:
    """The ASE calculator of a molecule; InputError where it has a charge or unpaired electrons.

    Parameters
    ----------
    charge, spin : int
        Of the molecule, in units of e, and the multiplicity; molopt gives both.
    device, **keywords
        Of `sevenn.calculator.SevenNetCalculator`.
    """
    refuse(np.array([charge]), np.array([spin]))
    model = loaded(device, batched=False)
    from sevenn.calculator import SevenNetCalculator

    with Quiet():
        return SevenNetCalculator(model, file_type="model_instance", device=device, **keywords)


@dataclass(frozen=True)
class SevenNet:
    """Energies and forces of SevenNet-0; systems side by side are one graph.

    Parameters
    ----------
    device : str
        Of torch; "auto" is a GPU where there is one.
    atoms : int
        At most so many atoms are evaluated together, but always one system. An atom takes 3 to 4 MB.
    """

    device: str = "auto"
    atoms: int = 256

    def __post_init__(self) -> None:
        loaded(self.device, batched=True)

    def __call__(
        self, positions: np.ndarray, numbers: np.ndarray, system: np.ndarray, charges: np.ndarray, spins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """energies (S,), eV, and forces (sum N, 3), eV/A, of `molopt.potentials.batched.BatchedPotential`."""
        refuse(charges, spins)
        known = loaded(self.device, batched=True).type_map
        unknown = sorted({chemical_symbols[number] for number in np.unique(numbers) if number not in known})
        if unknown:
            raise InputError(f"SevenNet-0 does not know {', '.join(unknown)}")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(system, minlength=len(charges)))])
        parts, first = [], 0
        while first < len(charges):
            last = max(first + 1, int(np.searchsorted(bounds, bounds[first] + self.atoms, side="right")) - 1)
            flat = slice(bounds[first], bounds[last])
            parts.append(self.evaluated(positions[flat], numbers[flat], bounds[first : last + 1] - bounds[first]))
            first = last
        energies, forces = zip(*parts, strict=True)
        return np.concatenate(energies), np.concatenate(forces)

    def evaluated(self, positions: np.ndarray, numbers: np.ndarray, bounds: np.ndarray) -> Any:
        """energies (S,) and forces (N, 3) of the systems between the bounds (S + 1,), all of them as one graph."""
        import sevenn._keys as key
        import torch

        model, sizes = loaded(self.device, batched=True), np.diff(bounds)
        elements = numbers.astype(np.int64)
        edges, vectors = pairs(positions, bounds, model.cutoff)
        graph = {
            key.NODE_FEATURE: elements,
            key.ATOMIC_NUMBERS: elements,
            key.POS: positions.astype(np.float32),
            key.EDGE_IDX: edges,
            key.EDGE_VEC: vectors.astype(np.float32),
            key.CELL_VOLUME: np.zeros(len(sizes), dtype=np.float32),
            key.NUM_ATOMS: sizes,
            key.BATCH: np.repeat(np.arange(len(sizes)), sizes),
        }
        device = device_of(self.device)
        found = model({name: torch.tensor(value, device=device) for name, value in graph.items()})
        return tuple(found[name].detach().cpu().numpy() for name in (key.PRED_TOTAL_ENERGY, key.PRED_FORCE))


def pairs(positions: np.ndarray, bounds: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of atoms of one system nearer than the cutoff, both ways (2, n), and the vectors between them (n, 3)."""
    edges = []
    for first, last in pairwise(bounds):
        x = positions[first:last]
        near = ((x[:, None] - x[None]) ** 2).sum(axis=2) < cutoff**2
        np.fill_diagonal(near, False)
        edges.append(np.array(np.nonzero(near)) + first)
    source, target = joined = np.concatenate(edges, axis=1)
    return joined, positions[target] - positions[source]


def refuse(charges: np.ndarray, spins: np.ndarray) -> None:
    """InputError where a system has a charge or unpaired electrons."""
    for wrong, what in ((charges != 0, charges), (spins != 1, spins)):
        if wrong.any():
            name = "charge" if what is charges else "multiplicity"
            raise InputError(f"SevenNet-0 knows neither charge nor spin, got a {name} of {int(what[wrong][0])}")


def device_of(device: str) -> str:
    """Of torch."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


@lru_cache
def loaded(device: str, *, batched: bool) -> Any:
    """The model of SevenNet-0 with its weights, for one system or for many; ImportError where sevenn is missing."""
    try:
        from sevenn.calculator import SevenNetCalculator
        from sevenn.util import load_checkpoint
    except ImportError as error:
        raise ImportError(REMEDY.format(error)) from error
    with Quiet():
        model = load_checkpoint("7net-0").build_model()
        SevenNetCalculator(model, file_type="model_instance", device=device)  # tells the model which numbers it gets
    model.set_is_batch_data(batched)
    return model.requires_grad_(False)


class Quiet(warnings.catch_warnings):
    """Without the warning that there is no accelerator, which CPUs do not have."""

    def __enter__(self) -> Any:
        found = super().__enter__()
        warnings.filterwarnings("ignore", message="No tensor product accelerator")
        return found
