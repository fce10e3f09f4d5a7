"""Update rules: arrays in, a displacement out. They know nothing of atoms, calculators or optimizers.

Each rule is a class in a file of this folder, and is here because its file is: `molopt.rules.Adam` is from `adam.py`.
"""

import importlib
import pkgutil

from molopt.rules.base import Observation, Rule
from molopt.rules.partition import Partition
from molopt.rules.state import PerEntry, PerSystem, Stateless

_FILES = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
_RULES: dict[str, type[Rule]] = {
    kind.__name__: kind
    for file in _FILES
    for kind in vars(file).values()
    if isinstance(kind, type) and issubclass(kind, Rule) and kind.__module__ == file.__name__
}
globals().update(_RULES)

__all__ = ["Observation", "Partition", "PerEntry", "PerSystem", "Stateless", *_RULES]
__all__.sort()


def __getattr__(name: str) -> type[Rule]:
    raise AttributeError(f"module 'molopt.rules' has no attribute {name!r}")
