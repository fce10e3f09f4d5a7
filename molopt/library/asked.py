"""What was asked for of many molecules, in plain values, and the file that says so."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.molecules.entries import Entry, Given
from molopt.molecules.molecule import SEED
from molopt.molecules.reading import called, listed
from molopt.schema import MOST
from molopt.specification import parse
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
    require_trust,
    sources,
    texts,
    write_said,
)
from molopt.system import require_agreement, said_in
from molopt.versions import versions_of

FORMAT = 1  # of the file
TEXT = (lambda value: isinstance(value, str), "a text")
NAME = (lambda value: isinstance(value, str) and bool(value.strip()), "a name")
SWITCH = (lambda value: isinstance(value, bool), "true or false")


@dataclass(frozen=True)
class Asked(ABC):
    """Which molecules, and what is asked for of all of them; those who inherit say what is done with them.

    Attributes
    ----------
    sources : tuple of str
        As `molopt.read` takes them; paths of files are absolute.
    charge, spin, seed
        As `molopt.read` takes them.
    name : str or None
        Of the molecule in place of its own; of several, NAME, NAME-2 and so on.
    command : str
        What the user wrote.
    contents : dict
        A hash of each file that is a source: work goes on with the molecules it was begun with.
    versions : dict
        Of the packages that decide it: and with the versions it was begun with.

    Raises
    ------
    InputError
        A value is not of its kind or out of its range.
    """

    FILE: ClassVar[str]  # that says all of it
    WHAT: ClassVar[str]  # how what is done is called, as "search"
    COMMAND: ClassVar[str]  # that begins one
    FURTHER: ClassVar[Kinds] = {}  # kinds of the fields of those who inherit

    sources: tuple[str, ...]
    charge: int | None = None
    spin: int | None = None
    seed: int = SEED
    name: str | None = None
    command: str = ""
    contents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_kinds(self, {**KINDS, **self.FURTHER})

    @property
    @abstractmethod
    def potentials(self) -> list[str]:
        """The names of potentials that it says."""

    @property
    def nameable(self) -> list[str]:
        """What may be named again where work goes on, whether or not it is other people's code."""
        return self.potentials

    @property
    def programs(self) -> Sequence[str]:
        """Other packages that decide what comes out, where they are installed."""
        return ()

    def pinned(self) -> Self:
        """The same with absolute paths, hashes and versions."""
        where = absolute(self.sources)
        return replace(self, sources=where, contents=contents(where), versions=self.installed())

    def installed(self) -> dict[str, str]:
        """The versions of the packages that decide what comes out, here and now."""
        return versions_of([*self.potentials, *self.imports], self.programs)

    @property
    def imports(self) -> dict[str, str]:
        """Other people's code, "module:name?...", that it would import, with the options that name it again."""
        return {name: "--potential" for name in self.potentials if ":" in parse(name)[0]}

    @property
    def given(self) -> Given:
        """What is said of all molecules: by the user, and by the names of the potentials, the last one foremost."""
        known = {name: value for each in self.potentials for name, value in said_in(each).items()}
        return Given(self.charge, self.spin, self.seed, known if self.charge is None else None)

    def molecules(self) -> Iterator[tuple[str, Entry | Molecule]]:
        """Each with its source, one at a time; InputError at once where a source is not there."""
        return called([(source, listed(source, self.given)) for source in self.sources], self.name)

    def read(self, each: Entry | Molecule) -> Molecule:
        """The molecule of an entry; InputError where there is none, or its charge is contradicted."""
        molecule = each.molecule(self.given) if isinstance(each, Entry) else each
        for name in self.potentials or ["mmff94s"]:
            require_agreement(molecule, name)
        return molecule

    def write(self, folder: Path) -> None:
        """The file is whole or not there."""
        write_said({"format": FORMAT} | asdict(self), folder / self.FILE)

    @classmethod
    def written_in(cls, folder: Path) -> Self:
        """What a folder was asked for, as values: nothing that they name is imported, opened or looked up.

        Raises
        ------
        InputError
            There is none, it is of another format, or anything in it is not what it must be.
        """
        path = folder / cls.FILE
        if not path.is_file():
            raise InputError(
                f"{folder} is not a {cls.WHAT}: it has no {cls.FILE}; {cls.COMMAND} ... --out {folder} begins one"
            )
        return made_of(cls, read_said(path, FORMAT)[1], path)

    @classmethod
    def to_resume(cls, folder: Path, trusted: Collection[str] = ()) -> Self:
        """What a folder was asked for, to go on with.

        It may come from someone else, and "module:factory" in it is code that would be run here: it is imported only if
        whoever resumes it names it again.

        Raises
        ------
        InputError
            It names a potential that is not trusted; its folder has links, through which what is written would go
            elsewhere; molecules or versions are others than those that it was begun with, or it does not say which
            those were.
        """
        asked, what = cls.written_in(folder), f"the {cls.WHAT} {folder}"
        require_trust(what, asked.imports, asked.nameable, trusted)
        require_no_links(folder)
        require_same_contents(asked.sources, asked.contents, what)
        require_same_versions(asked.installed(), asked.versions, what)
        return asked


KINDS: Kinds = {
    "sources": (sources, "a list of files, names and SMILES"),
    "charge": (or_none(between(-MOST)), "a whole number"),
    "spin": (or_none(between(1)), "a whole number above 0"),
    "seed": (between(0, 2**31 - 1), "at least 0 and less than 2^31"),
    "name": (or_none(NAME[0]), NAME[1]),
    "command": TEXT,
    "contents": (texts, "texts by names"),
    "versions": (texts, "texts by names"),
}
