"""A run's geometries and energies in few bytes, for a page that unpacks them on use."""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from molopt.record import Outcome, Record
from molopt.rules.partition import Array

RESOLUTION = 0.002  # A: below what an eye can see in a drawing 500 pixels wide
LARGEST = 16_000  # so that twice the difference of two has 16 bits
POINTS = 120  # of an energy curve
BYTES_PER_ATOM = 4.5  # of a frame, in base64: what compression leaves of 6, as measured


def packed_run(record: Record, most_frames: int) -> str:
    """Frames and energy curve of a run: base64 of deflated bytes.

    Unpacked they are the length of a head (4 bytes, little endian), the head, which is JSON, and the positions: 16-bit
    integers, the low bytes of all before the high ones. Each is in units of the head's `step` (A) and relative to the
    same coordinate of the frame before; the sign is its lowest bit. So nearly all high bytes are zero, and vanish.

    The head has `step`, `atoms`, `frames` (the force call of each frame, counted from 1), `calls` and `energies` (eV,
    relative to `base`) of the curve. Frames are laid on one another, so that a molecule that only turned stays.
    """
    frames, calls = followed(record, most_frames)
    curve_calls, energies, base = curve(record.outcome, calls)
    return packed_frames(frames, {"frames": calls, "calls": curve_calls, "energies": energies, "base": base})


def packed_frames(frames: Array, said: Mapping[str, object]) -> str:
    """Geometries (nframes, natoms, 3) A, not moved, behind a head that has what is `said`, as `packed_run` does it."""
    furthest = float(np.abs(frames).max(initial=0.0))
    step = max(RESOLUTION, furthest / LARGEST)
    return deflated(joined({"step": step, "atoms": frames.shape[1], **said}, differences(frames, step)))


def followed(record: Record, most: int) -> tuple[Array, list[int]]:
    """At most so many frames, (nframes, natoms, 3) A, first and last among them, and the force call of each."""
    outcome, start = record.outcome, np.array(record.plan.start, dtype=float).reshape(1, -1, 3)
    frames, calls = np.asarray(outcome.frames, dtype=float), [int(call) + 1 for call in outcome.frame_calls]
    finite = np.flatnonzero(np.isfinite(frames).all(axis=(1, 2)))
    if not len(finite):  # it crashed before its first force call
        return superposed(start), [1]
    kept = finite[np.unique(np.linspace(0, len(finite) - 1, min(most, len(finite))).round().astype(int))]
    return superposed(frames[kept]), [calls[frame] for frame in kept]


def superposed(frames: Array) -> Array:
    """Each frame, its middle at the origin, turned onto the one before it (Kabsch)."""
    laid = frames - frames.mean(axis=1, keepdims=True)
    for before, after in pairwise(laid):
        left, _, right = np.linalg.svd(after.T @ before)
        left[:, -1] *= np.sign(np.linalg.det(left @ right)) or 1.0  # a rotation, not a mirror
        after[:] = after @ (left @ right)
    return laid


def curve(outcome: Outcome, always: list[int]) -> tuple[list[int], list[float], float]:
    """Force calls (counted from 1), energies relative to the base, and the base (eV); dense early, where most is."""
    total = len(outcome.energies)
    if not total:
        return [], [], 0.0
    chosen = np.unique(np.concatenate([np.geomspace(1, total, POINTS).round(), [c for c in always if c <= total]]))
    calls = [int(call) for call in chosen if math.isfinite(outcome.energies[int(call) - 1])]
    base = float(outcome.energies[calls[-1] - 1]) if calls else 0.0
    return calls, [round(float(outcome.energies[call - 1]) - base, 6) for call in calls], base


def differences(frames: Array, step: float) -> bytes:
    whole = np.rint(frames / step).astype(np.int32).reshape(len(frames), -1)
    change = np.diff(whole, axis=0, prepend=0)
    signless = ((change << 1) ^ (change >> 31)).astype("<u2")
    return signless.reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()


def joined(head: Mapping[str, object], body: bytes) -> bytes:
    text = json.dumps(head, allow_nan=False, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "little") + text + body


def deflated(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")
