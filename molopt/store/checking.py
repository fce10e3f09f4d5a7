"""What must be true of a record that was read, wherever it comes from."""

from typing import Any

import numpy as np

from molopt.record import Outcome, Plan, Record

MOST = 10**12  # of counts: small enough to be exact as a float
FURTHEST = 1e6  # A, of a start from the origin
HEAVIEST = 118

TEXTS = ("source", "molecule", "smiles", "potential", "optimizer")
COUNTS = ("force_calls", "steps", "surrogate_calls", "check_calls", "pushes")
WORDS = ("ended", "stationary", "identity", "end_stationary")  # which the outcome itself refuses
TRUTHS = ("at_noise_floor", "bonds_kept", "stereo_kept")


def require_sound(record: Record) -> None:
    """Raise ValueError unless every value of a record is of its kind, and in the range of what such a value can be."""
    plan, outcome = record.plan, record.outcome
    require_plan(plan)
    require_values(outcome)
    require_arrays(outcome, len(plan.numbers))


def require_plan(plan: Plan) -> None:
    for name in TEXTS:
        require(isinstance(getattr(plan, name), str), name)
    for name, low in (("place", 0), ("seed", 0), ("spin", 1), ("step_limit", 1), ("charge", -MOST)):
        require(whole(getattr(plan, name), low), name)
    natoms = len(plan.numbers) if isinstance(plan.numbers, list) else 0
    require(natoms > 0 and all(whole(number, 1, HEAVIEST) for number in plan.numbers), "numbers")
    require(isinstance(plan.bonds, list) and all(bond(pair, natoms) for pair in plan.bonds), "bonds")
    require(len({frozenset(pair) for pair in plan.bonds}) == len(plan.bonds), "bonds")
    require(isinstance(plan.start, list) and len(plan.start) == natoms and all(map(point, plan.start)), "start")
    require(isinstance(plan.tuned, bool), "tuned")
    require(positive(plan.fmax_limit), "fmax_limit")
    require(plan.energy_left_limit in (None, "auto") or positive(plan.energy_left_limit), "energy_left_limit")
    require(isinstance(plan.versions, dict), "versions")
    require(all(isinstance(text, str) for pair in plan.versions.items() for text in pair), "versions")


def require_values(outcome: Outcome) -> None:
    for name, value in vars(outcome).items():
        if isinstance(value, np.ndarray) or name in WORDS:
            continue
        if name == "why":
            require(isinstance(value, str), name)
        elif name in ("error", "surrogate"):
            require(value is None or isinstance(value, str), name)
        elif name in COUNTS:
            require(whole(value, 0), name)
        elif name in TRUTHS:
            require(isinstance(value, bool) or (value is None and name != "at_noise_floor"), name)
        else:
            require(real(value), name)


def require_arrays(outcome: Outcome, natoms: int) -> None:
    calls, frames = len(outcome.energies), len(outcome.frames)
    require(outcome.energies.ndim == 1 and outcome.forces.shape == (calls,), "energies and forces")
    require(outcome.frames.ndim == 3 and (not frames or outcome.frames.shape == (frames, natoms, 3)), "frames")
    require(outcome.frame_calls.shape == (frames,), "frame_calls")
    require(not frames or 0 <= outcome.frame_calls.min() <= outcome.frame_calls.max() < MOST, "frame_calls")
    for name in ("end", "floor"):
        shape = getattr(outcome, name).shape
        require(shape == (natoms, 3) or shape == (0, 3), name)


def require(true: bool, name: str) -> None:
    if not true:
        raise ValueError(f"its {name} cannot be")


def whole(value: Any, low: int, high: int = MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def real(value: Any) -> bool:
    """A number, known or not."""
    return isinstance(value, float) or whole(value, -MOST)


def positive(value: Any) -> bool:
    return real(value) and 0 < value <= MOST


def bond(pair: Any, natoms: int) -> bool:
    ends = isinstance(pair, list) and len(pair) == 2 and all(whole(atom, 0, natoms - 1) for atom in pair)
    return ends and pair[0] != pair[1]


def point(values: Any) -> bool:
    return isinstance(values, list) and len(values) == 3 and all(real(x) and abs(x) <= FURTHEST for x in values)
