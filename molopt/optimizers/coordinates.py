"""Which coordinates a run goes in, and how they are built."""

import logging
from typing import Any

from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers import registry
from molopt.optimizers.bodies import body_of, is_extended, is_metal
from molopt.optimizers.hessian_models import MODEL_NAMES
from molopt.optimizers.internals import Recipe
from molopt.spelling import offer

log = logging.getLogger("molopt")

COORDINATES = (*registry.COORDINATES, "auto")


def recipe_of(atoms: Any, coordinates: str, model: str = "blend", molecule: Molecule | None = None) -> Recipe | None:
    """How internal coordinates are built; None where the run is Cartesian."""
    if coordinates not in COORDINATES:
        raise InputError(f"coordinates must be one of {', '.join(COORDINATES)}, got {coordinates!r}")
    if model not in MODEL_NAMES:
        raise InputError(f"{model!r} is not a model Hessian{offer(model, MODEL_NAMES)}")
    if coordinates in ("cartesian", "elastic"):
        return None
    if coordinates == "auto" and is_metal(atoms):
        log.info("a cluster of metals is elastic, not internal: its bonds are too many to be coordinates")
        return None
    if coordinates == "auto" and is_extended(atoms):
        log.info("periodic atoms and cells are elastic, not internal: internal coordinates are for molecules")
        return None
    try:
        return Recipe.of(atoms, model, molecule)
    except InputError as error:
        if coordinates == "internal":
            raise
        log.warning("Cartesian coordinates are used: %s", error)
        return None


def is_elastic(atoms: Any, coordinates: str) -> bool:
    """Whether there are springs between near atoms in a run that is not internal."""
    if coordinates == "cartesian":
        return False
    found = body_of(atoms) is not None
    if not found and coordinates == "elastic":
        raise InputError(
            "elastic coordinates are for atoms and cell filters, without constraints but FixAtoms and FixCartesian: "
            f'for this {type(atoms).__name__} use coordinates="cartesian"'
        )
    return found
