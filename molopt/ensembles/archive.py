"""The archive of searches: the ensembles of many molecules in a database of ASE's."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.ensembles.ensemble import Ensemble
from molopt.library import archive as library_archive
from molopt.library.archive import Found
from molopt.rules.partition import Array
from molopt.store import Store
from molopt.store.opening import Mark
from molopt.store.rows import as_text

ARCHIVE = "conformers.db"


class Ensembles:
    """Ensembles, as `molopt.library.archive.Kind` has them; a row shows the lowest conformer."""

    mark = Mark(0x6D6F636F, 1, "systems", "an archive of conformers")  # "moco"
    name = "search"

    def atoms(self, ensemble: Ensemble) -> Atoms:
        return lowest_of(ensemble)

    def pairs(self, ensemble: Ensemble) -> Mapping[str, object]:
        """As `ase db conformers.db 'conformers>10,potential=mmff94s'`."""
        return {
            "potential": ensemble.potential,
            "conformers": len(ensemble),
            "minima": sum(verdict.stationary == "minimum" for verdict in ensemble.verdicts),
            "total_charge": ensemble.molecule.charge,
            "force_calls": ensemble.force_calls.get(ensemble.potential),
        }

    def data(self, ensemble: Ensemble) -> tuple[dict[str, object], Mapping[str, Array]]:
        data = dict(ensemble.as_data())
        arrays = data.pop("arrays")
        assert isinstance(arrays, Mapping)
        return data, arrays

    def made(self, said: dict[str, Any], arrays: dict[str, Array]) -> Ensemble:
        return Ensemble.from_data({**said, "arrays": arrays})


def lowest_of(ensemble: Ensemble) -> Atoms:
    """Its conformer of the lowest energy; the charge stands on the first atom."""
    molecule = ensemble.molecule
    best = min(ensemble, key=lambda conformer: (math.isnan(conformer.energy), conformer.energy))
    charges = np.zeros(len(molecule))
    charges[0] = molecule.charge
    atoms = Atoms(molecule.numbers, best.positions, charges=charges if molecule.charge else None)
    if math.isfinite(best.energy):
        atoms.calc = SinglePointCalculator(atoms, energy=float(best.energy))
        atoms.calc.name = as_text(ensemble.potential)
    return atoms


def archive(path: Path) -> Store[Found[Ensemble]]:
    """The archive at a path, made where it is not there."""
    return library_archive.archive(path, Ensembles())
