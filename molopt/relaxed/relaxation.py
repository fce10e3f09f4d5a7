"""What became of one relaxed molecule, and how it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.molecules.writing import sdf_record, xyz_frame
from molopt.numbering import from_one
from molopt.result import Result
from molopt.rules.partition import Array
from molopt.schema import EMPTY, Outcome
from molopt.store.checking import HEAVIEST, require_arrays, require_fields, whole
from molopt.store.opening import Mark
from molopt.store.rows import as_text

ARCHIVE = "relaxed.db"
SENTENCES = ("why", "error")  # which name atoms, counted from 1 in files of the command line
LONGEST = 1 << 27  # characters of a record


@dataclass(frozen=True)
class Relaxation:
    """One relaxed molecule.

    Attributes
    ----------
    numbers : (N,) array of int
    charge, spin : int
    potential, optimizer : str
        With every argument.
    outcome : Outcome
        `end` are the positions of the result, in Angstrom.
    sdf, xyz : str
        The molecule that came out as records of an SDF and of an extended XYZ file.
    told : dict
        `Result.as_dict`; empty where it was not asked for, as of what was archived.
    """

    numbers: Array
    charge: int
    spin: int
    potential: str
    optimizer: str
    outcome: Outcome
    sdf: str
    xyz: str
    told: dict[str, object] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, result: Result, detailed: bool = False) -> Self:
        """Of a run whose first force call worked."""
        outcome, molecule, structure = Outcome.of(result), result.molecule, result.structure()
        assert molecule is not None
        fields = {
            name: from_one(value) if name in SENTENCES and isinstance(value, str) else value
            for name, value in structure.fields.items()
        }
        structure = structure._replace(fields=fields)
        return cls(
            molecule.numbers,
            molecule.charge,
            molecule.spin,
            result.potential,
            result.optimizer,
            outcome,
            sdf_record(structure),
            xyz_frame(structure),
            result.as_dict() if detailed else {},
        )

    def values(self) -> dict[str, object]:
        """All that is said of it in a table, by the names of the schema."""
        besides = {"atoms": len(self.numbers), "converged": self.outcome.converged}
        return vars(self) | vars(self.outcome) | besides


class Relaxations:
    """Relaxed molecules, as `molopt.library.archive.Kind` has them."""

    mark = Mark(0x6D6F7265, 1, "systems", "an archive of relaxed molecules")  # "more"
    name = "relaxation"

    def atoms(self, one: Relaxation) -> Atoms:
        charges = [one.charge, *[0] * (len(one.numbers) - 1)] if one.charge else None  # a row has but their sum
        atoms = Atoms(one.numbers, one.outcome.end, charges=charges)
        atoms.calc = SinglePointCalculator(atoms, energy=float(one.outcome.energy))
        atoms.calc.name = as_text(one.potential)
        return atoms

    def pairs(self, one: Relaxation) -> Mapping[str, object]:
        """As `ase db relaxed.db 'stationary=minimum,largest_force<0.02'`; ASE keeps some names for itself."""
        outcome = one.outcome
        return {
            "potential": one.potential,
            "optimizer": one.optimizer,
            "total_charge": one.charge,
            "spin": one.spin,
            "largest_force": outcome.fmax,
            "converged": outcome.converged,
            **{name: getattr(outcome, name) for name in ("ended", "stationary", "identity", "force_calls", "steps")},
        }

    def data(self, one: Relaxation) -> tuple[dict[str, object], Mapping[str, Array]]:
        outcome = {name: plain_number(value) for name, value in vars(one.outcome).items() if name not in EMPTY}
        said = {name: getattr(one, name) for name in ("charge", "spin", "potential", "optimizer", "sdf", "xyz")}
        arrays = {name: getattr(one.outcome, name) for name in EMPTY}
        return {**said, "outcome": outcome}, {**arrays, "numbers": np.asarray(one.numbers, dtype=np.int64)}

    def made(self, said: dict[str, Any], arrays: dict[str, Array]) -> Relaxation:
        numbers = arrays.pop("numbers")
        outcome = Outcome(**said.pop("outcome"), **arrays)
        require_fields(outcome)
        require_arrays(outcome, len(numbers))
        texts = (said[name] for name in ("potential", "optimizer", "sdf", "xyz"))
        if not all(isinstance(text, str) and len(text) < LONGEST for text in texts):
            raise ValueError("its texts are not possible")
        if not (whole(said["charge"], -HEAVIEST * len(numbers)) and whole(said["spin"], 1)):
            raise ValueError("its charge or its multiplicity is not possible")
        if numbers.ndim != 1 or not len(numbers) or numbers.min() < 1 or numbers.max() > HEAVIEST:
            raise ValueError("its atoms are not possible")
        return Relaxation(numbers, outcome=outcome, **said)


def plain_number(value: object) -> object:
    """As Python has it, NaN included."""
    return value.item() if isinstance(value, np.generic) else value
