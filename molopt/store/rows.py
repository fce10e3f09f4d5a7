"""What `ase db` shows of a run: its last geometry and pairs of keys and values to search for."""

import math

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db.core import convert_str_to_int_float_bool_or_str, now
from ase.db.row import AtomsRow

from molopt.record import Record
from molopt.schema import SEARCHED

RENAMED = {"fmax": "largest_force", "charge": "total_charge"}  # names that ASE reserves
LONGEST = 80  # characters of a text that is shown; the record has all of it


def row(record: Record) -> AtomsRow:
    """The last geometry, or the first where no other is known, with its energy; its `unique_id` is the run's key.

    The potential is the row's calculator, unless no energy is known. The charge stands on the first atom: a row has
    one only as the sum over its atoms.
    """
    plan, outcome = record.plan, record.outcome
    charges = [plan.charge, *[0] * (len(plan.numbers) - 1)] if plan.charge and plan.numbers else None
    positions = outcome.end if len(outcome.end) else np.reshape(plan.start, (-1, 3))
    atoms = Atoms(plan.numbers, positions, charges=charges)
    if math.isfinite(outcome.energy):
        atoms.calc = SinglePointCalculator(atoms, energy=float(outcome.energy))
        atoms.calc.name = as_text(plan.potential)
    made = AtomsRow(atoms)
    made.unique_id, made.ctime, made.user = record.key, now(), None
    return made


def key_value_pairs(record: Record) -> dict[str, str | int | float]:
    """What rows can be searched for, as `ase db runs.db 'optimizer=bfgs,force_calls<50'`.

    They are those of `SEARCHED` in the schema; values that are not known are left out. `optimizer` is the name without
    arguments, which are in `settings`; `largest_force` is the fmax of the last geometry, `total_charge` its charge.
    """
    values = record.values()
    optimizer, _, settings = record.plan.optimizer.partition("?")
    values |= {"optimizer": optimizer, "settings": settings or None}
    pairs = {RENAMED.get(name, name): searchable(values[name]) for name in SEARCHED}
    return {key: value for key, value in pairs.items() if value is not None}


def searchable(value: object) -> str | int | float | None:
    """A value as ASE takes it, None where it is not known."""
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    return None if value is None else as_text(str(value))


def as_text(text: str) -> str:
    """A text as one printable line that ASE takes for a text: it refuses those that read as numbers or truth values.

    >>> as_text("water"), as_text("1e5"), as_text("True"), as_text("two\\nlines"), len(as_text("long" * 1000))
    ('water', "'1e5'", "'True'", 'two\N{REPLACEMENT CHARACTER}lines', 80)
    """
    line = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return line if line and isinstance(convert_str_to_int_float_bool_or_str(line), str) else f"'{line}'"
