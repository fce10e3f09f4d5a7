"""What a study consists of, and its file."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Self

from molopt.comparison.cases import Criteria, versions
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.molecule import SEED
from molopt.molecules.reading import Located, called, read
from molopt.optimizers.spec import OptimizerSpec
from molopt.schema import MOST
from molopt.specification import parse
from molopt.store.checking import positive
from molopt.store.settings import (
    Kinds,
    absolute,
    between,
    contents,
    made_of,
    names,
    or_none,
    read_said,
    require_kinds,
    sources,
    texts,
    write_said,
)

SETTINGS = "study.json"
FORMAT = 2  # of the file; 1, of molopt 0.1.0, had neither `files` nor `threads`
OF_FORMAT_1 = {"files": True, "threads": None}


@dataclass(frozen=True)
class Settings:
    """What a study consists of, in plain values.

    Attributes
    ----------
    sources : tuple of str
        As `molopt.read` takes them; paths of files are absolute.
    potentials, optimizers : tuple of str
    fmax, energy_left, steps
        Criteria and cap of all runs, as in `molopt.relax`.
    starts : int
        Start geometries of each molecule.
    seed, charge, spin
        As `molopt.read` takes them.
    name : str or None
        Of the molecule in place of its own; of several, NAME, NAME-2 and so on.
    largest : int or None
        Molecules with more atoms are left out.
    files : bool
        Whether structures, trajectories and figures are written.
    threads : int or None
        Of each library in each worker; None where the study does not say.
    command : str
        What the user wrote.
    contents : dict
        A hash of each file that is a source: a study continues with the molecules it was begun with.
    versions : dict
        Of the packages that decide its runs: and with the versions it was begun with.

    Raises
    ------
    InputError
        A value is not of its kind or out of its range.
    """

    sources: tuple[str, ...]
    potentials: tuple[str, ...]
    optimizers: tuple[str, ...]
    fmax: float
    energy_left: float | str | None
    steps: int
    starts: int = 1
    seed: int = SEED
    charge: int | None = None
    spin: int | None = None
    name: str | None = None
    largest: int | None = None
    files: bool = True
    threads: int | None = 1
    command: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_kinds(self, KINDS)

    def fixed(self) -> Self:
        """The same with full names of optimizers, absolute paths, hashes and versions."""
        sources = absolute(self.sources)
        return replace(
            self,
            sources=sources,
            optimizers=tuple(map(str, self.specs)),
            contents=contents(sources),
            versions=deciding(self.specs, self.potentials),
        )

    @property
    def criteria(self) -> Criteria:
        return Criteria(self.fmax, self.energy_left, self.steps)

    @cached_property
    def specs(self) -> tuple[OptimizerSpec, ...]:
        """The optimizers, read from their texts; InputError where one cannot be run here."""
        return tuple(OptimizerSpec.of(text) for text in self.optimizers)

    @property
    def imports(self) -> dict[str, str]:
        """Other people's code, "module:name?...", that runs would import, with the options that name it again."""
        guides = [parse(text)[1].get("surrogate") for text in self.optimizers]  # asked before any of it is trusted
        named = dict.fromkeys((*self.potentials, *(guide for guide in guides if isinstance(guide, str))), "--potential")
        named |= dict.fromkeys(self.optimizers, "--optimizers")
        return {name: option for name, option in named.items() if ":" in parse(name)[0]}

    def molecules(self) -> Iterator[tuple[str, Molecule]]:
        """Each molecule with the name of its source, one at a time."""
        streams = [(source, read(source, self.charge, self.spin, self.seed)) for source in self.sources]
        for source, molecule in called(streams, self.name):
            yield (source if (at := Located.of(source)) is None else at.shown.resolve().name), molecule


KINDS: Kinds = {
    "sources": (sources, "a list of files, names and SMILES"),
    "potentials": (names, "a list of names"),
    "optimizers": (names, "a list of names"),
    "fmax": (positive, "a number above 0"),
    "energy_left": (lambda value: value in (None, "auto") or positive(value), "a number above 0, auto or nothing"),
    "steps": (between(1), "a whole number above 0"),
    "starts": (between(1), "a whole number above 0"),
    "seed": (between(0, 2**31 - 1), "at least 0 and less than 2^31"),
    "charge": (or_none(between(-MOST)), "a whole number"),
    "spin": (or_none(between(1)), "a whole number above 0"),
    "name": (or_none(lambda value: isinstance(value, str) and bool(value.strip())), "a name"),
    "largest": (or_none(between(1)), "a whole number above 0"),
    "files": (lambda value: isinstance(value, bool), "true or false"),
    "threads": (or_none(between(1)), "a whole number above 0"),
    "command": (lambda value: isinstance(value, str), "a text"),
    "contents": (texts, "texts by names"),
    "versions": (texts, "texts by names"),
}


def deciding(optimizers: Iterable[OptimizerSpec], potentials: Iterable[str]) -> dict[str, str]:
    """The versions of all packages that decide runs of these optimizers in these potentials."""
    found: dict[str, str] = {}
    potentials = list(potentials)
    for optimizer in optimizers:
        for potential in potentials:
            found |= versions(optimizer, potential)
    return dict(sorted(found.items()))


def write_settings(settings: Settings, folder: Path) -> None:
    """The file is whole or not there."""
    write_said({"format": FORMAT} | asdict(settings), folder / SETTINGS)


def read_settings(folder: Path) -> Settings:
    """The settings of a study, as values: nothing that they name is imported, opened or looked up.

    Raises
    ------
    InputError
        There is none, it is of another format, or anything in it is not what it must be.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise InputError(f"{folder} is not a study: it has no {SETTINGS}; molopt compare ... --out {folder} begins one")
    written, said = read_said(path, FORMAT)
    return made_of(Settings, OF_FORMAT_1 | said if written == 1 else said, path)
