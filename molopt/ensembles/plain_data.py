"""An ensemble as plain values and arrays, and back."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, TypedDict, TypeVar

import numpy as np
from ase import Atoms

from molopt.ensembles.conformer import Conformer, Round, SetAside
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.rules.partition import Array
from molopt.stationary.verdict import Verdict

if TYPE_CHECKING:
    from molopt.ensembles.ensemble import Ensemble

VERSION = 1
SINGLE = tuple(part.name for part in fields(Conformer) if part.name not in ("positions", "verdict"))
SEARCH = ("potential", "temperature", "window", "generated", "force_calls", "stopped", "notes", "order")


Kind = TypeVar("Kind")


class Arguments(TypedDict):
    """Of `Ensemble`."""

    molecule: Molecule
    conformers: Sequence[Conformer]
    potential: str
    temperature: float
    window: float | None
    set_aside: Sequence[SetAside]
    rounds: Sequence[Round]
    generated: Mapping[str, int]
    force_calls: Mapping[str, int]
    stopped: str
    unseen: tuple[float, float] | None
    notes: Sequence[str]
    order: str


def to_plain(ensemble: "Ensemble") -> dict[str, object]:
    """Values fit for JSON, and arrays under "arrays": positions (S, N, 3), set_aside (A, N, 3), molecule (N, 3)."""
    molecule = ensemble.molecule
    away = ensemble.set_aside
    shape = (-1, len(molecule), 3)
    return {
        "version": VERSION,
        "molecule": {
            "name": molecule.name,
            "charge": molecule.charge,
            "spin": molecule.spin,
            "numbers": molecule.numbers.tolist(),
            **molecule.annotation(),
        },
        **{name: getattr(ensemble, name) for name in SEARCH},
        "unseen": None if ensemble.unseen is None else list(ensemble.unseen),
        "conformers": [
            {name: finite(getattr(one, name)) for name in SINGLE}
            | {"verdict": {name: finite(said) for name, said in one.verdict.as_dict().items()}}
            for one in ensemble
        ],
        "set_aside": [{"energy": finite(one.energy), "source": one.source, "why": one.why} for one in away],
        "rounds": [
            {
                "calls": one.calls,
                "lowest": finite(one.lowest),
                "minima": one.minima,
                "by_source": {name: list(counts) for name, counts in one.by_source.items()},
            }
            for one in ensemble.rounds
        ],
        "arrays": {
            "molecule": molecule.positions,
            "positions": ensemble.positions,
            "set_aside": np.array([one.positions for one in away]).reshape(shape),
        },
    }


def finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(data: Mapping[str, object]) -> Arguments:
    """What an Ensemble is made from; InputError where the data are not what `to_plain` gave."""
    try:
        return arguments(data)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        reason = error.message if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise InputError(f"this is not an ensemble as molopt keeps them: {reason}") from error


def arguments(data: Mapping[str, object]) -> Arguments:
    if data["version"] != VERSION:
        raise InputError(f"it is of version {data['version']!r}, and this molopt reads version {VERSION}")
    arrays, unseen = table(data["arrays"]), data["unseen"]
    said = dict(table(data["molecule"]))
    molecule = Molecule.from_atoms(Atoms(said.pop("numbers"), geometry(arrays["molecule"]), info=said))
    return {
        "molecule": molecule,
        "conformers": [conformer(*pair) for pair in pairs(arrays["positions"], data["conformers"])],
        "potential": text(data["potential"]),
        "temperature": number(data["temperature"]),
        "window": none_or(number, data["window"]),
        "set_aside": [aside(*pair) for pair in pairs(arrays["set_aside"], data["set_aside"])],
        "rounds": [round_of(table(row)) for row in sequence(data["rounds"])],
        "generated": {text(name): whole(count) for name, count in table(data["generated"]).items()},
        "force_calls": {text(name): whole(count) for name, count in table(data["force_calls"]).items()},
        "stopped": text(data["stopped"]),
        "unseen": None if unseen is None else two(number, unseen),
        "notes": [text(note) for note in sequence(data["notes"])],
        "order": text(data["order"]),
    }


def pairs(positions: object, rows: object) -> Iterator[tuple[Array, Mapping[str, object]]]:
    """Each geometry (N, 3) and what is said of it."""
    for there, row in zip(np.asarray(positions), sequence(rows), strict=True):
        yield geometry(there), table(row)


def conformer(positions: Array, row: Mapping[str, object]) -> Conformer:
    verdict = table(row["verdict"])
    ended, stationary, identity, why = (text(verdict[name]) for name in ("ended", "stationary", "molecule", "why"))
    return Conformer(
        positions,
        energy=or_nan(row["energy"]),
        source=text(row["source"]),
        seed=none_or(whole, row["seed"]),
        calls=whole(row["calls"]),
        verdict=Verdict(ended, stationary, identity, why, none_or(number, verdict["energy_left"])),
        fmax=or_nan(row["fmax"]),
        energy_left=none_or(number, row["energy_left"]),
        degeneracy=whole(row["degeneracy"]),
        images=whole(row["images"]),
        free_energy=none_or(number, row["free_energy"]),
        dipole=none_or(number, row["dipole"]),
    )


def aside(positions: Array, row: Mapping[str, object]) -> SetAside:
    return SetAside(positions, or_nan(row["energy"]), text(row["source"]), text(row["why"]))


def round_of(row: Mapping[str, object]) -> Round:
    by_source = {text(name): two(whole, counts) for name, counts in table(row["by_source"]).items()}
    return Round(whole(row["calls"]), or_nan(row["lowest"]), whole(row["minima"]), by_source)


def geometry(positions: object) -> Array:
    found = np.array(positions, dtype=float)
    if found.ndim != 2 or found.shape[1] != 3 or not np.isfinite(found).all():
        raise ValueError(f"positions of shape {found.shape} are not those of atoms in space")
    return found


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def or_nan(value: object) -> float:
    return math.nan if value is None else number(value)


def none_or(kind: Callable[[object], Kind], value: object) -> Kind | None:
    return None if value is None else kind(value)


def two(kind: Callable[[object], Kind], values: object) -> tuple[Kind, Kind]:
    first, second = sequence(values)
    return kind(first), kind(second)


def sequence(values: object) -> Sequence[object]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"{values!r:.80} is not a list")
    return values


def table(values: object) -> Mapping[str, object]:
    if not isinstance(values, Mapping):
        raise TypeError(f"{values!r:.80} is not a table of names and values")
    return values
