"""The same embeddings relaxed by several optimizers: in which minima they end, and how wide these are."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from molopt.rules.partition import Array

SAME = 0.002  # eV: mirror images agree to a tenth of that at fmax 0.002 eV/A


class Ends(NamedTuple):
    """Minima in which runs ended."""

    energies: Array  # (S,) eV
    widths: Array  # (S,) ln of the classical volume of the vibrations at one temperature, but for a constant


def relaxed_alike(
    molecule: Any, starts: Array, optimizers: Mapping[str, tuple[str, int]]
) -> tuple[dict[str, Ends], Ends]:
    """The ends of every optimizer from the same starts on MMFF94, and the different minima among them.

    Where a run is after its calls says in which basin it is: the default relaxes it from there.

    Parameters
    ----------
    molecule : Molecule
    starts : (S, N, 3) array
        Angstrom.
    optimizers : mapping of str to (str, int)
        What runs, as `molopt.relax_batch` takes it, and its steps, by the name it has in the result.
    """
    import molopt

    settings: dict[str, Any] = {"potential": "mmff94", "check": None, "surrogate": None}
    found = {}
    for name, (optimizer, steps) in optimizers.items():
        runs = molopt.relax_batch(
            molecule, optimizer, fmax=0.05, energy_left=None, steps=steps, positions=starts, ordered=True, **settings
        )
        there = np.array([run.positions for run in runs])
        found[name] = molopt.relax_batch(molecule, "default", fmax=0.002, positions=there, **settings).collect()
    energies = np.concatenate([ends.energies for ends in found.values()])
    positions = np.concatenate([ends.positions for ends in found.values()])
    order = np.argsort(energies)
    new = np.diff(energies[order], prepend=-np.inf) > SAME  # whether another minimum begins
    which = np.empty(energies.size, dtype=int)
    which[order] = np.cumsum(new) - 1
    minima = Ends(energies[order[new]], np.array([width(molecule, positions[at]) for at in order[new]]))
    parts = np.split(which, len(found))
    ends = {
        name: Ends(runs.energies, minima.widths[part]) for (name, runs), part in zip(found.items(), parts, strict=True)
    }
    return ends, minima


def embedded(molecule: Any, count: int, seed: int) -> Array:
    """(count, N, 3) by distance geometry without any knowledge of torsions or of planes, A."""
    from rdkit.Chem import Mol
    from rdkit.Chem.rdDistGeom import EmbedMultipleConfs

    made = Mol(molecule.to_rdkit())
    numbers = EmbedMultipleConfs(made, count, randomSeed=seed, useExpTorsionAnglePrefs=False, useBasicKnowledge=False)
    return np.array([made.GetConformer(number).GetPositions() for number in numbers])


def width(molecule: Any, positions: Array) -> float:
    """-ln(det H) / 2 of the mass-weighted Hessian H without rigid motions, eV/A^2/amu, on MMFF94."""
    import molopt

    atoms = molecule.atoms()
    atoms.positions = positions
    atoms.calc = molopt.potential("mmff94", molecule)
    modes = molopt.check(atoms, frequencies=True).frequencies
    assert modes is not None
    return float(-0.5 * np.log(modes.values).sum())
