"""Results, in a database that `ase db` reads too."""

from molopt.store.database import Store

__all__ = ["Store"]
