"""What a study consists of, and its file."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from molopt.comparison.cases import Criteria, installed_version
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.formats import READERS
from molopt.molecules.molecule import SEED
from molopt.molecules.reading import exists, read
from molopt.optimizers.names import choose

SETTINGS = "study.json"
FORMAT = 1
BLOCK = 1 << 20  # bytes of a file that are read at a time
PACKAGES = ("molopt", "ase", "numpy", "rdkit", "tblite", "sella", "geometric", "pyberny")


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
    largest : int or None
        Molecules with more atoms are left out.
    command : str
        What the user wrote.
    contents : dict
        A hash of each file that is a source: a study goes on with the molecules it was begun with.
    versions : dict
        Of packages: and with the versions it was begun with.
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
    largest: int | None = None
    command: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def fixed(self) -> Self:
        """The same with full names of optimizers, absolute paths, hashes and versions."""
        sources = tuple(str(Path(source).resolve()) if exists(Path(source)) else source for source in self.sources)
        given = vars(self) | {
            "sources": sources,
            "optimizers": tuple(choose(name).name for name in self.optimizers),
            "contents": contents(sources),
            "versions": {name: found for name in PACKAGES if (found := installed_version(name))},
        }
        return type(self)(**given)

    @property
    def criteria(self) -> Criteria:
        return Criteria(self.fmax, self.energy_left, self.steps)

    def molecules(self) -> Iterator[tuple[str, Molecule]]:
        """Each molecule with the name of its source, one at a time."""
        streams = [(source, read(source, self.charge, self.spin, self.seed)) for source in self.sources]
        for source, stream in streams:
            for molecule in stream:
                yield (Path(source).resolve().name if exists(Path(source)) else source), molecule


def write_settings(settings: Settings, folder: Path) -> None:
    """The file is whole or not there."""
    draft = folder / f"{SETTINGS}.new"
    draft.write_text(json.dumps({"format": FORMAT} | asdict(settings), indent=1), encoding="utf-8")
    os.replace(draft, folder / SETTINGS)


def read_settings(folder: Path) -> Settings:
    path = folder / SETTINGS
    if not path.is_file():
        raise InputError(f"{folder} is no study: it has no {SETTINGS}; molopt compare ... --out {folder} begins one")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise InputError(f"{path} is of another version of molopt: begin another study")
        lists = {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
        return Settings(**said | lists)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error


def contents(sources: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the files that are sources, and of those that `molopt.read` takes from folders that are."""
    found = {}
    for source in sources:
        path = Path(source)
        if not exists(path):
            continue
        files = [path] if path.is_file() else sorted(part for part in path.iterdir() if part.suffix.lower() in READERS)
        digest = hashlib.sha256()
        for file in filter(Path.is_file, files):
            digest.update(os.fsencode(file.name) + b"\0")
            with file.open("rb") as content:
                while block := content.read(BLOCK):
                    digest.update(block)
        found[source] = digest.hexdigest()
    return found
