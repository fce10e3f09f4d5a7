"""The experiments by name. A new one is a module here that ends with `EXPERIMENT`, and its name in `NAMES`."""

import importlib

from molopt.errors import InputError
from molopt.importing import attribute
from molopt.landscapes.experiment import Experiment
from molopt.spelling import offer

NAMES: tuple[str, ...] = (
    "plateau",
    "ravine",
    "two-memories",
    "forgetting",
    "family-tree",
    "bias-correction",
    "scale",
    "rotation",
    "switched-landscape",
    "edge-of-stability",
    "wide-and-narrow",
    "plateau-and-fmax",
    "learned-scale",
)


def experiment(name: str) -> Experiment:
    """An experiment by its name, or as "package.module:attribute".

    Raises
    ------
    InputError
        There is none of this name, or what is named is not an `Experiment`.

    >>> experiment("plateau").title
    'Crossing a plateau'
    """
    if ":" in name:
        found = attribute(name, "an experiment")
        if not isinstance(found, Experiment):
            raise InputError(f"{name} is not an experiment: name a molopt.landscapes.experiment.Experiment")
        return found
    plain = name.lower().replace("_", "-")
    if plain not in NAMES:
        raise InputError(f"there is no experiment {name!r}{offer(name, NAMES)}")
    module = importlib.import_module(f"{__name__}.{plain.replace('-', '_')}")
    made: Experiment = module.EXPERIMENT
    return made
