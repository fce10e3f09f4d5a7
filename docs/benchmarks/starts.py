"""The molecules that optimizers are compared on, each with the start, charge and multiplicity of its set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import molopt
from molopt.molecules.published import PUBLISHED


@dataclass(frozen=True)
class Start:
    """A molecule at one start geometry."""

    set: str
    seed: int
    molecule: molopt.Molecule


def starts(name: str, seeds: list[int]) -> Iterator[Start]:
    """The starts of a set, one for each molecule and seed.

    "molecules" are those that molopt ships: seed 0 is the shipped geometry, any other the embedding of that seed
    (`Molecule.conformers`). "baker" and "birkholz-schlegel" come from the wheel of pyberny and have one start, called
    seed 0. Anything else is a file of SMILES, embedded with each seed.

    J. Baker, J. Comput. Chem. 14, 1085 (1993); A. B. Birkholz, H. B. Schlegel, Theor. Chem. Acc. 135, 84 (2016).
    """
    if name in PUBLISHED:
        yield from (Start(name, 0, molecule) for molecule in molopt.read(name))
    elif name == "molecules":
        for shipped in map(molopt.Molecule.named, molopt.shipped_names()):
            for seed in seeds:
                yield Start(name, seed, next(shipped.conformers(1, seed)) if seed else shipped)
    else:
        for seed in seeds:
            yield from (Start(Path(name).stem, seed, molecule) for molecule in molopt.read(name, seed=seed))
