"""What the systems of a stack have in common, and what conformers of one molecule share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from molopt.control import StepControl
from molopt.convergence import Criterion
from molopt.coordinates.base import Coordinates
from molopt.directions import Direction
from molopt.optimizers.checking import Checking
from molopt.optimizers.internals import Recipe
from molopt.optimizers.surrogate import Surrogate
from molopt.rules.partition import Array


@dataclass(frozen=True, eq=False)
class Kind:
    """What the systems of a stack have in common.

    Attributes
    ----------
    direction, control
        What proposes steps, and how much of them is taken.
    joined : callable
        The coordinates of several systems, made of those of each.
    alone : bool
        Whether each system goes by itself, as with a direction that knows its molecule.
    """

    direction: Direction[Any, Any]
    control: StepControl[Any]
    joined: Callable[[Sequence[Coordinates[Any]]], Coordinates[Any]]
    alone: bool = False


@dataclass(frozen=True, eq=False)
class Plan:
    """What conformers of one molecule share.

    Attributes
    ----------
    kind : Kind
    recipe : Recipe or None
        Of their internal coordinates; None where they are not internal.
    member : Coordinates or None
        Their coordinates where these do not depend on the geometry.
    estimating : callable
        The recipe of the coordinates in which energy left is estimated; InputError where it cannot be.
    criteria : tuple of Criterion
        What a run must meet beside fmax.
    fmax : float
        eV/A.
    checking : Checking
        The check of a run that has not begun.
    nearest : (N (N - 1) / 2,) array
        Angstrom; the distances that pairs of atoms keep without a closer look (`molopt.batch.guards`).
    optimizer : str
        With every hyper-parameter.
    surrogate : Surrogate or None
        What guides the one system that this plan is of.
    surrogate_setup_seconds : float
    """

    kind: Kind
    recipe: Recipe | None
    member: Coordinates[Any] | None
    estimating: Callable[[], Recipe]
    criteria: tuple[Criterion, ...]
    fmax: float
    checking: Checking
    nearest: Array
    optimizer: str
    surrogate: Surrogate | None = None
    surrogate_setup_seconds: float = 0.0
