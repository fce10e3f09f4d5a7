"""What a search was asked for, in plain values, and the file that says so."""

import math
import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from molopt.ensembles.ensemble import Ensemble, Round
from molopt.ensembles.finding import conformers, unsaid
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.entries import Entry, Given
from molopt.molecules.molecule import SEED
from molopt.molecules.reading import listed
from molopt.schema import MOST
from molopt.specification import parse
from molopt.spelling import in_ascii
from molopt.store.checking import positive
from molopt.store.settings import (
    Kinds,
    absolute,
    between,
    contents,
    made_of,
    or_none,
    read_said,
    require_kinds,
    require_no_links,
    require_same_contents,
    require_same_versions,
    sources,
    texts,
    write_said,
)
from molopt.system import require_agreement, said_in
from molopt.versions import versions_of

REQUEST = "search.json"
FORMAT = 1  # of the file
CONFORGE = "cdpkit"  # which adds seeds where it is installed


@dataclass(frozen=True)
class Request:
    """What is searched, and how; the numbers are those of `molopt.conformers`.

    Attributes
    ----------
    sources : tuple of str
        As `molopt.read` takes them; paths of files are absolute.
    charge, spin
        As `molopt.read` takes them.
    command : str
        What the user wrote.
    contents : dict
        A hash of each file that is a source: a search goes on with the molecules it was begun with.
    versions : dict
        Of the packages that decide it: and with the versions it was begun with.

    Raises
    ------
    InputError
        A value is not of its kind or out of its range.
    """

    sources: tuple[str, ...]
    potential: str | None = None
    refine: str | None = None
    count: int | None = None
    window: float = 6.0
    temperature: float = 298.15
    seed: int = SEED
    threshold: float = 0.125
    mirror: str = "merge"
    until_no_new: int | None = None
    max_calls: int | None = None
    early_stops: bool = True
    free_energy: bool = False
    charge: int | None = None
    spin: int | None = None
    command: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_kinds(self, KINDS)

    def fixed(self) -> Self:
        """The same with absolute paths, hashes and versions."""
        where = absolute(self.sources)
        return replace(self, sources=where, contents=contents(where), versions=self.installed())

    def installed(self) -> dict[str, str]:
        """The versions of the packages that decide the search, here and now."""
        return versions_of(self.potentials, [CONFORGE])

    @property
    def potentials(self) -> list[str]:
        """The names of potentials that it says."""
        return [name for name in (self.potential, self.refine) if name is not None]

    @property
    def imports(self) -> list[str]:
        """The potentials of other packages, "module:factory?...", that it would import."""
        return [name for name in self.potentials if ":" in parse(name)[0]]

    @property
    def given(self) -> Given:
        """What is said of all molecules: by the user, and by the name of the potential that ranks."""
        known = {name: value for each in self.potentials for name, value in said_in(each).items()}
        return Given(self.charge, self.spin, self.seed, known if self.charge is None else None)

    def molecules(self) -> Iterator[tuple[str, Entry | Molecule]]:
        """Each with its source, one at a time; InputError at once where a source is not there."""
        streams = [(source, listed(source, self.given)) for source in self.sources]
        return ((source, each) for source, stream in streams for each in stream)

    def read(self, each: Entry | Molecule) -> Molecule:
        """The molecule of an entry; InputError where there is none, or its charge is contradicted."""
        molecule = each.molecule(self.given) if isinstance(each, Entry) else each
        for name in self.potentials or ["mmff94s"]:
            require_agreement(molecule, name)
        return molecule

    def search(
        self,
        molecule: Molecule,
        listed: Entry | Molecule,
        workers: int = 1,
        journal: Path | None = None,
        on_round: Callable[[Round], object] | None = None,
    ) -> Ensemble:
        """The conformers of the molecule that was read from what is listed, as they were asked for."""
        found = conformers(
            molecule,
            self.potential,
            self.refine,
            count=self.count,
            window=self.window,
            temperature=self.temperature,
            seed=self.seed,
            threshold=self.threshold,
            mirror=self.mirror,
            until_no_new=self.until_no_new,
            max_calls=self.max_calls,
            early_stops=self.early_stops,
            free_energy=self.free_energy,
            given=not (isinstance(listed, Entry) and listed.is_smiles),
            workers=workers,
            journal=journal,
            on_round=on_round,
        )
        if isinstance(listed, Entry) and listed.is_smiles:
            found.notes += unsaid(listed.text, molecule)
        return found


def finite(value: Any) -> bool:
    return positive(value) and math.isfinite(value)


ABOVE_0 = "a whole number above 0"
NAME = or_none(lambda value: isinstance(value, str) and bool(value.strip()))
SWITCH = (lambda value: isinstance(value, bool), "true or false")
KINDS: Kinds = {
    "sources": (sources, "a list of files, names and SMILES"),
    "potential": (NAME, "a name"),
    "refine": (NAME, "a name"),
    "count": (or_none(between(1)), ABOVE_0),
    "window": (finite, "a number of kcal/mol above 0"),
    "temperature": (finite, "a number of K above 0"),
    "seed": (between(0, 2**31 - 1), "at least 0 and less than 2^31"),
    "threshold": (finite, "a number of A above 0"),
    "mirror": (lambda value: value in ("merge", "keep"), "merge or keep"),
    "until_no_new": (or_none(between(1)), ABOVE_0),
    "max_calls": (or_none(between(1)), ABOVE_0),
    "early_stops": SWITCH,
    "free_energy": SWITCH,
    "charge": (or_none(between(-MOST)), "a whole number"),
    "spin": (or_none(between(1)), ABOVE_0),
    "command": (lambda value: isinstance(value, str), "a text"),
    "contents": (texts, "texts by names"),
    "versions": (texts, "texts by names"),
}


def write_request(request: Request, folder: Path) -> None:
    """The file is whole or not there."""
    write_said({"format": FORMAT} | asdict(request), folder / REQUEST)


def read_request(folder: Path) -> Request:
    """What a folder was asked for, as values: nothing that they name is imported, opened or looked up.

    Raises
    ------
    InputError
        There is none, it is of another format, or anything in it is not what it must be.
    """
    path = folder / REQUEST
    if not path.is_file():
        raise InputError(
            f"{folder} is not a search: it has no {REQUEST}; molopt conformers ... --out {folder} begins one"
        )
    return made_of(Request, read_said(path, FORMAT)[1], path)


def request_to_resume(folder: Path, trusted: Collection[str] = ()) -> Request:
    """What the search of a folder was asked for, to go on with.

    It may come from someone else, and "module:factory" in it is code that would be run here: it is imported only if
    whoever resumes the search names it again.

    Raises
    ------
    InputError
        It names a potential that is not trusted; its folder has links, through which what is written would go
        elsewhere; molecules or versions are others than those that it was begun with, or it does not say which those
        were.
    """
    request = read_request(folder)
    what = f"the search {folder}"
    if unknown := [name for name in request.imports if name not in trusted]:
        named = " ".join(f"--potential {shlex.quote(in_ascii(name))}" for name in unknown)
        raise InputError(f"{what} names code that is imported and run here; if you trust it, name it again: {named}")
    if others := [name for name in trusted if name not in request.potentials]:
        raise InputError(f"{what} has no potential {others[0]!r}: drop it, or begin another")
    require_no_links(folder)
    require_same_contents(request.sources, request.contents, what)
    require_same_versions(request.installed(), request.versions, what)
    return request
