"""Molecules in 3D in a notebook, by chemiscope: https://chemiscope.org"""

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from ase import Atoms

from molopt.errors import InputError, MissingExtra
from molopt.rules.partition import Array


class Viewer(Protocol):
    """What is used of chemiscope's widget, which a notebook shows."""

    @property
    def settings(self) -> dict[str, object]: ...
    def save(self, path: str) -> None: ...


def viewed(structures: Sequence[Atoms], properties: Mapping[str, Array] | None = None) -> Viewer:
    """The widget that shows structures, beside a map of their properties (S,) where there are several.

    Raises
    ------
    MissingExtra
        chemiscope is not installed.
    InputError
        There is nothing to show.
    """
    if not structures:
        raise InputError("there is no geometry to show")
    try:
        chemiscope = importlib.import_module("chemiscope")
    except ImportError:
        raise MissingExtra("report", "a view in 3D") from None
    bare = [Atoms(each.numbers, each.positions, cell=each.cell, pbc=each.pbc) for each in structures]
    found: Viewer
    if properties is None or len(bare) == 1:
        found = chemiscope.show(bare, mode="structure")
    else:
        found = chemiscope.show(bare, properties=dict(properties))
    return found
