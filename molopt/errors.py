"""What molopt raises: one line that names the value, what is allowed and the remedy."""


class InputError(ValueError):
    """Something the user gave cannot be used; the command line prints it and exits with 2."""


class StoreError(InputError):
    """Finished runs cannot be read or written: a full disk, a locked database, a file that is no store."""


class MissingExtra(ImportError):
    """An optional library is not installed; the message says which `pip install` brings it."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs an extra: pip install 'molopt[{extra}]'")


class PotentialFailed(RuntimeError):
    """A potential gave no usable energy and forces: it raised, or they were not finite."""


class Exploded(PotentialFailed):
    """A run has left all sense: its energy, forces or distances are not those of atoms (`molopt.potentials.sense`)."""
