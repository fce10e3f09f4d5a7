"""Internal coordinates that no longer describe a geometry, rebuilt with the memory of the run."""

from typing import Any

from molopt.control.drive import Memory, Point
from molopt.coordinates import Internal
from molopt.coordinates.member import Member
from molopt.coordinates.primitives import carried
from molopt.directions.base import Direction
from molopt.optimizers.internals import Recipe

LOST = "the back-transformation did not converge"


def outdated(recipe: Recipe, member: Member, memory: Memory[Any, Any, Any], here: Point) -> str:
    """Why the coordinates of one system should be rebuilt at a geometry; empty where they are still good."""
    return recipe.outdated(member, here.x) if memory.arrived[0] else LOST


def rebuilt(
    recipe: Recipe, member: Member, memory: Memory[Any, Any, Any], here: Point, direction: Direction[Any, Any]
) -> tuple[Recipe, Member, Memory[Any, Any, Any]]:
    """The coordinates of one system rebuilt at a geometry, the recipe with its bonds, and the run's memory in them.

    Memory of coordinates that both have is kept. The step that led here is not judged.
    """
    recipe = recipe.rebonded(member, here.x)
    new = recipe.build(here.x, gradient=here.gradient, old=member)
    shared = carried(member.primitives, new.primitives)
    return recipe, new, memory.carried(direction, here, Internal([new]), *shared)
