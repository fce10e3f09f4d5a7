"""A record in few bytes, and back, the same to the last bit."""

import json
import zlib
from typing import Any

import numpy as np

from molopt.record import Record
from molopt.rules.partition import Array
from molopt.schema import EMPTY, Outcome, Plan

LEVEL = 3  # of zlib: within 7 % of its best on geometries, in a tenth of the time
LENGTH = 8  # bytes that say how long the text is
LARGEST = 1 << 27  # bytes of a record: 40 frames of a quarter of a million atoms


def pack(record: Record) -> bytes:
    """All of a record: plan and single values as JSON, then the arrays, compressed together.

    Text is kept as Python has it, lone surrogates included, which plain UTF-8 refuses and JSON's escapes would join.

    >>> plan = Plan("a.smi", "A", 0, 0, "[He]", 0, 1, [2], [], [[0, 0, 0]], "uff", "bfgs", False, 0.05, None, 9, {})
    >>> unpack(pack(Record(plan, Outcome("converged", energies=[0.5])))).outcome.energies
    array([0.5])
    """
    outcome = record.outcome
    arrays = {name: getattr(outcome, name) for name in EMPTY}
    said = {name: value for name, value in vars(outcome).items() if name not in EMPTY}
    shapes = {name: array.shape for name, array in arrays.items()}
    values = {"plan": vars(record.plan), "outcome": said, "shapes": shapes}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=as_python)
    head = text.encode("utf-8", "surrogatepass")
    content = (len(head).to_bytes(LENGTH, "little"), head, *map(planes, arrays.values()))
    return zlib.compress(b"".join(content), LEVEL)


def unpack(packed: bytes) -> Record:
    """What `pack` gave, back; ValueError or another exception where it is not that.

    No more is unpacked than any record needs, whatever the bytes would become.
    """
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, LARGEST)
    if not unpacking.eof:
        raise ValueError("it is truncated, or larger than any run")
    at = LENGTH + int.from_bytes(content[:LENGTH], "little")
    values: dict[str, Any] = json.loads(content[LENGTH:at].decode("utf-8", "surrogatepass"))
    arrays = {}
    for name, shape in values["shapes"].items():
        dtype = EMPTY[name].dtype
        size = int(np.prod(shape, dtype=int)) * dtype.itemsize
        arrays[name] = from_planes(content[at : at + size], shape, dtype)
        at += size
    return Record(Plan(**values["plan"]), Outcome(**values["outcome"], **arrays))


def packed_in(data: bytes) -> bytes:
    """The packed record in the data of a row as ASE writes it: an object in JSON, and arrays by their place.

    ASE's own reader would make objects of any class of ASE that the JSON names.
    """
    (size,), kind, start = json.loads(data[int.from_bytes(data[:LENGTH], "little") :])["record"]["__ndarray__"]
    if kind != "uint8":
        raise ValueError(f"it is of {kind!r}, not of bytes")
    return data[start : start + size]


def planes(array: Array) -> bytes:
    """The bytes of an array in an order that compresses: first bytes of all numbers, then all second bytes, ...

    A geometry resembles the one before it, so that what is kept is the difference, of the bits read as integers, which
    is exact. 100 frames of a relaxation then compress to two thirds of their size, and to nine tenths as they are.
    """
    bits = whole(array.dtype)
    numbers = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).view(bits)
    changes = np.diff(numbers, axis=0, prepend=np.zeros_like(numbers[:1]))
    return changes.reshape(-1, 1).view(np.uint8).T.tobytes()


def from_planes(content: bytes, shape: list[int], dtype: np.dtype[np.generic]) -> Array:
    """What `planes` took apart, together again."""
    bits = whole(dtype)
    rows = np.frombuffer(content, np.uint8).reshape(dtype.itemsize, -1)
    changes = np.ascontiguousarray(rows.T).view(bits).reshape(shape)
    numbers = np.cumsum(changes, axis=0, dtype=bits)
    return numbers.view(dtype.newbyteorder("<")).astype(dtype, copy=False)


def whole(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """Unsigned integers as wide as these numbers; their sums wrap, and so lose nothing."""
    return np.dtype(f"<u{dtype.itemsize}")


def as_python(value: np.generic) -> object:
    """A number or truth value of NumPy as Python's, for JSON."""
    return value.item()
