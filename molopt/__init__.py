"""molopt finds the geometry at the bottom of a molecule's potential energy surface."""

__version__ = "0.1.0"
