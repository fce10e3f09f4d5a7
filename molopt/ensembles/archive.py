"""The archive of searches: the ensembles of many molecules, and what could not be done, in a database of ASE's."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db.core import now
from ase.db.row import AtomsRow

from molopt.ensembles.ensemble import Ensemble
from molopt.store import Store
from molopt.store.checking import whole
from molopt.store.opening import Mark
from molopt.store.parcels import opened, parcel
from molopt.store.rows import as_text, searchable

ARCHIVE = "conformers.db"


@dataclass(frozen=True)
class Found:
    """What became of one molecule.

    Attributes
    ----------
    place : int
        Among all molecules, from 0.
    where : str
        It came from, as "set.smi, line 12".
    name : str
        Of the molecule; of one that could not be read, its place in the file.
    smiles : str
        As far as it is known.
    ensemble : Ensemble or None
    failed : str
        Why there is none, in one line; empty where there is.
    """

    place: int
    where: str
    name: str
    smiles: str
    ensemble: Ensemble | None
    failed: str = ""

    @property
    def key(self) -> str:
        return key_of(self.place)


def key_of(place: int) -> str:
    """Of the molecule at this place.

    >>> key_of(12)
    '00000000000000000000000000000012'
    """
    return f"{place:032d}"


class Searches:
    """One row a molecule, in the order of the molecules; see `molopt.store.database.Holds`."""

    mark = Mark(0x6D6F636F, 1, "systems", "an archive of conformers")  # "moco"
    name = "search"
    order: tuple[str, ...] = ("place",)
    again = "--resume does it again"

    def key(self, found: Found) -> str:
        return found.key

    def row(self, found: Found) -> AtomsRow:
        """The lowest conformer with its energy; no atoms where there is none."""
        made = AtomsRow(lowest_of(found.ensemble) if found.ensemble else Atoms())
        made.unique_id, made.ctime, made.user = found.key, now(), None
        return made

    def pairs(self, found: Found) -> Mapping[str, str | int | float]:
        """As `ase db conformers.db 'conformers>10,potential=mmff94s'`; what is not known is left out."""
        said: dict[str, object] = {"place": found.place, "molecule": found.name, "smiles": found.smiles or None}
        said["failed"] = found.failed or None
        if found.ensemble is not None:
            said |= {
                "potential": found.ensemble.potential,
                "conformers": len(found.ensemble),
                "minima": sum(verdict.stationary == "minimum" for verdict in found.ensemble.verdicts),
                "total_charge": found.ensemble.molecule.charge,
                "force_calls": found.ensemble.force_calls.get(found.ensemble.potential),
            }
        values = {name: searchable(value) for name, value in said.items()}
        return {name: value for name, value in values.items() if value is not None}

    def pack(self, found: Found) -> bytes:
        data = dict(found.ensemble.as_data()) if found.ensemble is not None else {}
        arrays = data.pop("arrays", {})
        assert isinstance(arrays, Mapping)
        said = {name: getattr(found, name) for name in ("place", "where", "name", "smiles", "failed")}
        return parcel({**said, "ensemble": data or None}, arrays)

    def unpack(self, packed: bytes) -> Found:
        said, arrays = opened(packed)
        place, data, failed = said["place"], said["ensemble"], said["failed"]
        if not whole(place, 0) or (data is None) is not bool(failed):
            raise ValueError("it is neither an ensemble nor a failure")
        texts = [said[name] for name in ("where", "name", "smiles", "failed")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("its texts are none")
        ensemble = None if data is None else Ensemble.from_data({**data, "arrays": arrays})
        return Found(place, said["where"], said["name"], said["smiles"], ensemble, failed)


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


def archive(path: Path) -> Store[Found]:
    """The archive at a path, made where it is not there."""
    return Store(path, holds=Searches())
