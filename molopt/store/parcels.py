"""Plain values and arrays in few bytes, and back, the same to the last bit."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from molopt.rules.partition import Array
from molopt.store.packing import LENGTH, LEVEL, as_python, from_planes, planes

Value: TypeAlias = Array | float | int | str | bool | list[str] | None

DTYPES = {dtype.str: dtype for dtype in map(np.dtype, ("<f8", "<f4", "<i8", "<i4", "|b1", "|u1"))}
LARGEST = 1 << 30  # bytes of a parcel: a hundred thousand conformers of 400 atoms
DIMENSIONS = 8  # of an array at most


def parcel(values: object, arrays: Mapping[str, Array]) -> bytes:
    """Values that JSON can hold, NaN among them, and arrays of numbers or truth values by their names.

    >>> opened(parcel({"name": "water", "calls": 3}, {"energies": np.array([0.5, np.nan])}))
    ({'name': 'water', 'calls': 3}, {'energies': array([0.5, nan])})
    """
    known = {name: standard(array) for name, array in arrays.items()}
    said = {"values": values, "arrays": {name: [array.dtype.str, array.shape] for name, array in known.items()}}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=as_python)
    head = text.encode("utf-8", "surrogatepass")
    parts = (len(head).to_bytes(LENGTH, "little"), head, *(planes(np.atleast_1d(array)) for array in known.values()))
    return zlib.compress(b"".join(parts), LEVEL)


def opened(packed: bytes) -> tuple[Any, dict[str, Array]]:
    """What `parcel` was given; ValueError or another exception where these bytes are not from there."""
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, LARGEST)
    if not unpacking.eof:
        raise ValueError("it is truncated, or too large")
    at = LENGTH + int.from_bytes(content[:LENGTH], "little")
    said = json.loads(content[LENGTH:at].decode("utf-8", "surrogatepass"))
    arrays = {}
    for name, (kind, shape) in said["arrays"].items():
        if kind not in DTYPES or len(shape) > DIMENSIONS or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(f"its array {name!r:.60} cannot be of kind {kind!r:.20} and shape {shape!r:.60}")
        size = DTYPES[kind].itemsize
        for side in shape:
            size *= side
        if at + size > len(content):
            raise ValueError(f"its array {name!r:.60} is truncated")
        found = from_planes(content[at : at + size], shape or [1], DTYPES[kind]).reshape(shape)
        if kind == "|b1" and found.view(np.uint8).max(initial=0) > 1:
            raise ValueError(f"its array {name!r:.60} has other values than true and false")
        arrays[name] = found
        at += size
    if at != len(content):
        raise ValueError("there is more in it than it says")
    return said["values"], arrays


def answer_parcel(answer: Mapping[str, Value]) -> bytes:
    """A table of single values and arrays, as one parcel.

    >>> answer_of(answer_parcel({"energy": -1.5, "ended": ["converged"], "positions": np.zeros((0, 3))}))
    {'energy': -1.5, 'ended': ['converged'], 'positions': array([], shape=(0, 3), dtype=float64)}
    """
    arrays = {name: value for name, value in answer.items() if isinstance(value, np.ndarray)}
    others = {name: value for name, value in answer.items() if name not in arrays}
    return parcel({"order": list(answer), "values": others}, arrays)


def answer_of(packed: bytes) -> dict[str, Value]:
    """What `answer_parcel` was given."""
    said, arrays = opened(packed)
    values = said["values"]
    if (
        not isinstance(values, dict)
        or not all(map(single, values.values()))
        or len(values) + len(arrays) != len(said["order"])
    ):
        raise ValueError("it is not a table of values and arrays")
    return {name: arrays[name] if name in arrays else values[name] for name in said["order"]}


def single(value: object) -> bool:
    """Whether an answer may hold it beside its arrays."""
    if isinstance(value, list):
        return all(isinstance(text, str) for text in value)
    return value is None or isinstance(value, float | int | str)


def standard(array: Array) -> Array:
    """The same numbers in one of the dtypes that are read back; ValueError where none holds them."""
    array = np.asarray(array)
    kind = array.dtype.newbyteorder("<").str
    if kind not in DTYPES or array.ndim > DIMENSIONS:
        raise ValueError(f"arrays of {array.dtype} with {array.ndim} dimensions are not kept")
    return array.astype(DTYPES[kind], copy=False)
