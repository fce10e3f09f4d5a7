"""What must be true of a record that was read, wherever it comes from."""

from collections.abc import Callable
from typing import TypeGuard

from molopt.columns import entries, kinds
from molopt.record import Record
from molopt.schema import MOST, Outcome, Plan

FURTHEST = 1e6  # A, of a start from the origin
HEAVIEST = 118


def require_sound(record: Record) -> None:
    """Raise ValueError unless every value of a record is of its kind, and in the range of what such a value can be."""
    plan, outcome = record.plan, record.outcome
    require_plan(plan)
    require_fields(outcome)
    require_arrays(outcome, len(plan.numbers))


def require_plan(plan: Plan) -> None:
    require_fields(plan)
    natoms = len(plan.numbers) if isinstance(plan.numbers, list) else 0
    require(natoms > 0 and all(whole(number, 1, HEAVIEST) for number in plan.numbers), "numbers")
    require(isinstance(plan.bonds, list) and all(bond(pair, natoms) for pair in plan.bonds), "bonds")
    require(len({frozenset(pair) for pair in plan.bonds}) == len(plan.bonds), "bonds")
    require(isinstance(plan.start, list) and len(plan.start) == natoms and all(map(point, plan.start)), "start")
    require(positive(plan.fmax_limit), "fmax_limit")
    require(plan.energy_left_limit in (None, "auto") or positive(plan.energy_left_limit), "energy_left_limit")
    require(isinstance(plan.versions, dict), "versions")
    require(all(isinstance(text, str) for pair in plan.versions.items() for text in pair), "versions")


def require_fields(part: Plan | Outcome) -> None:
    """Raise unless each single value is of the type that the schema says, and no count is below the least."""
    schema: type = type(part)
    for name, entry in entries(schema).items():
        value, fits = getattr(part, name), KINDS.get(kinds(schema)[name])
        if entry.words is None and fits is not None:  # an outcome refuses other words itself
            require(fits(value) and (not isinstance(value, int) or value >= entry.least), name)


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
        raise ValueError(f"its {name} is not possible")


def whole(value: object, low: int, high: int = MOST) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def real(value: object) -> TypeGuard[float]:
    """A number, known or not."""
    return isinstance(value, float) or whole(value, -MOST)


def positive(value: object) -> bool:
    return real(value) and 0 < value <= MOST


def bond(pair: object, natoms: int) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or not all(whole(atom, 0, natoms - 1) for atom in pair):
        return False
    return bool(pair[0] != pair[1])


def point(values: object) -> bool:
    return isinstance(values, list) and len(values) == 3 and all(real(x) and abs(x) <= FURTHEST for x in values)


KINDS: dict[object, Callable[[object], bool]] = {
    int: lambda value: whole(value, -MOST),
    float: real,
    str: lambda value: isinstance(value, str),
    str | None: lambda value: value is None or isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    bool | None: lambda value: value is None or isinstance(value, bool),
}
