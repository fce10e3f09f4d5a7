"""What a rule sees of a geometry, and how its displacement becomes the next one."""

from molopt.coordinates.cartesian import Cartesian
from molopt.coordinates.internal import Internal

__all__ = ["Cartesian", "Internal"]
