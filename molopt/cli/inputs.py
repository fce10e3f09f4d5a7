"""Molecules from the command line: the only one, and what a source is called."""

from collections.abc import Iterable
from itertools import islice

from molopt.importing import attribute
from molopt.library.asked import Asked
from molopt.library.library import Task
from molopt.molecules import Molecule
from molopt.molecules.electrons import SPELLED
from molopt.molecules.entries import stem
from molopt.molecules.published import PUBLISHED
from molopt.molecules.reading import Located
from molopt.molecules.shipped import find_shipped
from molopt.molecules.smiles import formula_of, smiles_and_name
from molopt.signs import hidden, stage
from molopt.specification import parse, specified
from molopt.system import require_potentials

AHEAD = 100  # molecules that a command looks at before it begins


def alone(asked: Asked) -> tuple[Task, Molecule] | None:
    """The only molecule of all that is asked for, read, and None where there are several.

    What cannot be done of several molecules is a failure among others; of one alone, it is bad input: an InputError,
    as where a potential is not there.
    """
    with stage("reading"):
        return the_only_one(asked)


def the_only_one(asked: Asked) -> tuple[Task, Molecule] | None:
    """As `alone`."""
    some = list(islice(asked.molecules(), 2))
    for name, option in asked.imports.items():
        attribute(parse(name)[0].partition("/")[0], f"the {option.strip('-')}")
    require_any([name for name in asked.potentials if name not in asked.imports])
    if len(some) > 1:
        return None
    task = Task(0, *some[0])
    molecule = asked.read(task.entry)
    require_potentials(molecule, asked.potentials)
    return task, molecule


def require_any(potentials: Iterable[str]) -> None:
    """InputError where one of these is not there, whatever the molecule."""
    with hidden():
        require_potentials(Molecule.from_smiles("C"), [of_any_charge(name) for name in potentials])


def of_any_charge(potential: str) -> str:
    """The potential without what its name says of charge and multiplicity."""
    name, keywords = parse(potential)
    return specified(name, {key: value for key, value in keywords.items() if key not in SPELLED})


def title(source: str) -> str:
    """What a source is called: its file without ending, the name of a shipped molecule or a set, or of a SMILES.

    >>> title("CCO ethanol"), title("CCO"), title("peg4")
    ('ethanol', 'C2H6O', 'peg4')
    """
    at = Located.of(source)
    if at is not None:
        return stem(at.shown.absolute())
    if source in PUBLISHED or find_shipped(source):
        return source
    smiles, name = smiles_and_name(source)
    return name or formula_of(smiles) or source
