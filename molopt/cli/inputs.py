"""Molecules from the command line, checked as far ahead as a stream allows."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from molopt.molecules import Molecule
from molopt.molecules.reading import exists, read
from molopt.targets import calculator_for

AHEAD = 100
Item = TypeVar("Item")


def molecules(sources: Iterable[str], charge: int | None, spin: int | None, seed: int) -> Iterator[Molecule]:
    """The molecules of all sources, one at a time; a source that is not there is an error at once."""
    return chain.from_iterable([read(source, charge, spin, seed) for source in sources])


def ahead(stream: Iterator[Item]) -> Iterator[Item]:
    """The same stream, the first hundred drawn at once: what is wrong with them shows before anything is run."""
    return chain(list(islice(stream, AHEAD)), stream)


def require_potentials(molecule: Molecule, names: Sequence[str]) -> None:
    """Raise InputError or MissingExtra where one of the potentials cannot be had for a molecule."""
    for name in names:
        calculator_for(molecule, molecule, name)


def title(source: str) -> str:
    """What a source is called: its file without ending, the name after a SMILES, or itself.

    >>> title("CCO ethanol"), title("peg4")
    ('ethanol', 'peg4')
    """
    path = Path(source)
    return path.resolve().stem if exists(path) else source.split(maxsplit=1)[-1].strip()
