"""Arrays in JSON: exact, fast, and read without making anything but arrays of numbers."""

import base64
import json
import math
from typing import Any

import numpy as np

KINDS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")


def dumped(value: Any) -> str:
    """JSON text of plain values and NumPy arrays, whose bytes are kept to the last bit.

    >>> loaded(dumped({"x": np.array([0.1, np.nan])}))
    {'x': array([0.1, nan])}
    """
    return json.dumps(value, default=as_plain)


def as_plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.name in KINDS:
        data = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")).tobytes()
        return {"array": value.dtype.name, "shape": list(value.shape), "base64": base64.b64encode(data).decode()}
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def loaded(text: str) -> Any:
    """What `dumped` wrote; ValueError or RecursionError where the text is anything else."""
    return json.loads(text, object_hook=revived)


def revived(entry: dict[str, Any]) -> Any:
    if set(entry) != {"array", "shape", "base64"}:
        return entry
    kind, shape, data = entry["array"], entry["shape"], entry["base64"]
    if kind not in KINDS or not isinstance(data, str) or not isinstance(shape, list):
        raise ValueError("an array was changed after it was written")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("the shape of an array is not a list of sizes")
    found = base64.b64decode(data, validate=True)
    dtype = np.dtype(kind).newbyteorder("<")
    if len(found) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of {len(found)} bytes is said to have the shape {shape}"[:200])
    return np.frombuffer(found, dtype).reshape(shape).astype(kind)


def checked(
    value: Any,
    name: str,
    like: np.ndarray,
    shape: tuple[int | None, ...],
    low: float = -math.inf,
    high: float = math.inf,
) -> np.ndarray:
    """The value, which must be an array of the kind of `like` (float, int or bool) and of this shape, None being any.

    Raises
    ------
    ValueError
        It is not, is NaN or infinite anywhere, or has an entry outside of `low` to `high`.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind != like.dtype.kind:
        raise ValueError(f"{name} is not an array of {like.dtype.name}")
    if value.ndim != len(shape) or any(b is not None and a != b for a, b in zip(value.shape, shape, strict=True)):
        expected = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
        raise ValueError(f"{name} has shape {value.shape}, expected {expected}")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError(f"{name} is not finite")
    if value.size and not (low <= value.min() and value.max() <= high):
        raise ValueError(f"{name} has entries outside of {low:g} to {high:g}")
    return value.astype(like.dtype)
