"""What a row of a study holds: one finished run."""

from collections.abc import Mapping

from ase.db.row import AtomsRow

from molopt.record import Record
from molopt.store.checking import require_sound
from molopt.store.opening import Mark
from molopt.store.packing import pack, unpack
from molopt.store.rows import key_value_pairs, row


class Runs:
    """Finished runs by their keys, read by place, potential, seed and optimizer; see `molopt.store.database.Holds`."""

    # "molo"; versions before 3 knew fewer ways to end and no curvature, and are read.
    mark = Mark(0x6D6F6C6F, 3, "systems", "a store")
    name = "run"
    order: tuple[str, ...] = ("place", "potential", "seed", "optimizer", "settings")
    again = "the study runs it again"

    def key(self, record: Record) -> str:
        return record.key

    def row(self, record: Record) -> AtomsRow:
        return row(record)

    def pairs(self, record: Record) -> Mapping[str, str | int | float]:
        return key_value_pairs(record)

    def pack(self, record: Record) -> bytes:
        return pack(record)

    def unpack(self, packed: bytes) -> Record:
        record = unpack(packed)
        require_sound(record)
        return record
