"""Trajectories that a torn last frame does not spoil: a frame that was not finished is taken back, or mended away.

ASE appends a frame to its file, and only then counts it in the header: a kill in between leaves bytes that nobody
reads. Two things spoil the frames before. Where writing stops with an error (a full disk, Ctrl-C), ASE counts what
there is of the frame as it closes the file; `Frames` takes it back. And where the end of a file was lost (a machine
that went down, a copy that was cut), the header counts frames that are not there; `mend` drops them before others are
appended.
"""

import json
import logging
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import ulm
from ase.io.trajectory import Trajectory, TrajectoryWriter

from molopt.optimizers.noted import KEY, Noted

log = logging.getLogger("molopt")

MAGIC = b"- of UlmASE-Trajectory"
COUNT, TABLE, FIRST = 32, 40, 56  # bytes from the start of a file: the number of frames, where their table is, data
BLOCK = ulm.N1  # tables have room for 1, 42, 42^2, ... frames


class Frames(TrajectoryWriter):
    """ASE's writer of trajectories; what was written of a frame or a band is taken back where that fails.

    Attributes
    ----------
    note : Noted or None
        What the optimizer knows of the step to the next frame, which is written with it.
    """

    note: Noted | None = None

    def write(self, atoms: Any = None, **kwargs: Any) -> None:
        if not self.master:
            super().write(atoms, **kwargs)
            return
        backend = self.backend
        ours = {name: getattr(self, name) for name in ("header_data", "multiple_headers")}
        theirs = (backend.header, backend.nitems, backend.pos0, backend.offsets.copy())
        end = backend.fd.seek(0, 2)
        note, self.note = self.note, None
        try:
            if note is not None:
                beside = backend.child(KEY)
                for name, value in note.plain().items():
                    beside.write(name, value)
            super().write(atoms, **kwargs)
        except BaseException:
            self.__dict__.update(ours)
            backend.header, backend.nitems, backend.pos0, backend.offsets = theirs
            backend.data, backend.nmissing = {}, 0
            if not backend.header:
                ulm.writeint(backend.fd, backend.nitems, COUNT)
                ulm.writeint(backend.fd, backend.pos0, TABLE)
            backend.fd.truncate(end)
            backend.fd.seek(end)
            raise


def mend(path: Path) -> None:
    """Drop the frames of a trajectory that are not whole, and what is behind them; a line in the log says so.

    A file that is whole, is not a trajectory of ASE, or does not exist stays as it is.
    """
    if not path.is_file():
        return
    with open(path, "r+b") as file:
        head = file.read(FIRST)
        if not (head.startswith(MAGIC) or MAGIC.startswith(head)) or is_complete(file, head):
            return
        file.seek(0)
        data = file.read()
        frames, end = frames_in(data)
        log.warning("trajectory %s: its end is lost; %d frames are complete and kept", path, len(frames))
        file.truncate(end if frames else 0)  # ASE starts an empty file afresh
        if not frames:
            return
        room = 1
        while room < len(frames):
            room *= BLOCK
        file.seek(end)
        table = ulm.align(file)
        file.write(struct.pack(f"<{room}q", *frames, *[0] * (room - len(frames))))
        for place, number in ((TABLE, table), (COUNT, len(frames))):
            file.seek(place)
            file.write(struct.pack("<q", number))


def is_complete(file: Any, head: bytes) -> bool:
    """Whether all frames that the header of an open file counts can be in it, and the last is."""
    if len(head) < FIRST:
        return False
    count, table = struct.unpack("<2q", head[COUNT : FIRST - 8])
    size = file.seek(0, 2)
    if count == 0:
        return True
    if not (0 < count <= size and 0 < table <= size - 8 * count):
        return False
    file.seek(table + 8 * (count - 1))
    (last,) = struct.unpack("<q", file.read(8))
    if not FIRST <= last <= size - 8:
        return False
    file.seek(last)
    (length,) = struct.unpack("<q", file.read(8))
    return 0 < length <= size - last - 8 and is_frame(file.read(length), last) and has_room(table, count, size)


def has_room(table: int, count: int, size: int) -> bool:
    """Whether the table of a file reaches as far as ASE will write into it."""
    room = 1
    while room < count:
        room *= BLOCK
    return table + 8 * room <= size


def frames_in(data: bytes) -> tuple[list[int], int]:
    """Where the frames of a file that are whole begin, up to the first that is not, and where the last of them ends.

    The table of frames may be lost, so they are found by what they hold: their length, and JSON that begins so.
    """
    found, end = [], FIRST
    brace = data.find(b'{"', end + 8)
    while brace >= 0:
        (length,) = struct.unpack_from("<q", data, brace - 8)
        if 0 < length <= len(data) - brace and is_frame(data[brace : brace + length], brace - 8):
            found.append(brace - 8)
            end = brace + length
            brace = data.find(b'{"', end + 8)
        else:
            brace = data.find(b'{"', brace + 1)
    return found, end


def is_frame(text: bytes, end: int) -> bool:
    """Whether this is the JSON of a frame whose arrays lie in front of it, before byte number `end` of the file."""
    try:
        places = arrays(json.loads(text))
        return all(offset + math.prod(shape) * np.dtype(kind).itemsize <= end for shape, kind, offset in places)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def arrays(frame: dict[str, Any]) -> list[Any]:
    """Shape, type and place of all arrays of a frame."""
    found = []
    for name, entry in frame.items():
        if name.endswith(".") and isinstance(entry, dict):
            found += [entry["ndarray"]] if "ndarray" in entry else arrays(entry)
    return found


def ends_at(path: Any, atoms: Any) -> bool:
    """Whether the last frame of a trajectory is of these positions; True where that cannot be known."""
    if not isinstance(path, str | Path) or not isinstance(atoms, Atoms):
        return True
    with Trajectory(path) as frames:
        return np.array_equal(frames[-1].positions, atoms.positions)
