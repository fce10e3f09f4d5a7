"""What became of many molecules, in a database of ASE's: results of one kind, and what could not be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ase import Atoms
from ase.db.core import now
from ase.db.row import AtomsRow

from molopt.rules.partition import Array
from molopt.store import Store
from molopt.store.checking import whole
from molopt.store.opening import Mark
from molopt.store.parcels import opened, parcel
from molopt.store.rows import searchable

V = TypeVar("V")
TEXTS = ("where", "name", "smiles", "failed")


@dataclass(frozen=True)
class Found(Generic[V]):
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
    value
        The result; None where there is none.
    failed : str
        Why there is none, in one line; empty where there is.
    notes : tuple of str
        What had to be guessed; they are not archived.
    """

    place: int
    where: str
    name: str
    smiles: str
    value: V | None
    failed: str = ""
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.place)

    def entry(self, told: Mapping[str, object]) -> dict[str, object]:
        """For JSON: which molecule it is, why there is no result if there is none, and what is told of it."""
        which = {"place": self.place, "where": self.where, "name": self.name, "smiles": self.smiles or None}
        return which | {"failed": self.failed or None} | dict(told)


def key_of(place: int) -> str:
    """Of the molecule at this place.

    >>> key_of(12)
    '00000000000000000000000000000012'
    """
    return f"{place:032d}"


class Kind(Protocol[V]):
    """What results are, to an archive of them.

    Attributes
    ----------
    mark : Mark
        Of the database.
    name : str
        What a row holds.
    """

    mark: Mark
    name: str

    def atoms(self, value: V) -> Atoms:
        """The geometry, with its energy, that `ase db` shows."""
        ...

    def pairs(self, value: V) -> Mapping[str, object]:
        """What `ase db` searches for; None where it is not known."""
        ...

    def data(self, value: V) -> tuple[dict[str, object], Mapping[str, Array]]:
        """All of it: values that JSON can hold, and arrays."""
        ...

    def made(self, said: dict[str, Any], arrays: dict[str, Array]) -> V:
        """Of what `data` gave, all of it checked: any exception where it is not that."""
        ...


class Rows(Generic[V]):
    """One row a molecule, in the order of the molecules; see `molopt.store.database.Holds`."""

    order: tuple[str, ...] = ("place",)
    again = "--resume does it again"

    def __init__(self, kind: Kind[V]) -> None:
        self.kind = kind
        self.mark = kind.mark
        self.name = kind.name

    def key(self, found: Found[V]) -> str:
        return found.key

    def row(self, found: Found[V]) -> AtomsRow:
        """The geometry of the result; no atoms where there is none."""
        made = AtomsRow(Atoms() if found.value is None else self.kind.atoms(found.value))
        made.unique_id, made.ctime, made.user = found.key, now(), None
        return made

    def pairs(self, found: Found[V]) -> Mapping[str, str | int | float]:
        """What `ase db` searches for; what is not known is left out."""
        said: dict[str, object] = {"place": found.place, "molecule": found.name, "smiles": found.smiles or None}
        said["failed"] = found.failed or None
        if found.value is not None:
            said |= self.kind.pairs(found.value)
        values = {name: searchable(value) for name, value in said.items()}
        return {name: value for name, value in values.items() if value is not None}

    def pack(self, found: Found[V]) -> bytes:
        data, arrays = (None, {}) if found.value is None else self.kind.data(found.value)
        return parcel({"place": found.place, **{name: getattr(found, name) for name in TEXTS}, "value": data}, arrays)

    def unpack(self, packed: bytes) -> Found[V]:
        said, arrays = opened(packed)
        place, data = said["place"], said["value"]
        if not whole(place, 0) or (data is None) is not bool(said["failed"]):
            raise ValueError("it is neither a result nor a failure")
        if not all(isinstance(said[name], str) for name in TEXTS):
            raise ValueError("its texts are none")
        value = None if data is None else self.kind.made(data, arrays)
        return Found(place, said["where"], said["name"], said["smiles"], value, said["failed"])


def archive(path: Path, kind: Kind[V]) -> Store[Found[V]]:
    """The archive at a path, made where it is not there."""
    return Store(path, holds=Rows(kind))
