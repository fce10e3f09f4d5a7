"""What molopt raises: one line that names the value, what is allowed and the remedy."""


class InputError(ValueError):
    """Something the user gave cannot be used; the command line prints it and exits with 2.

    Attributes
    ----------
    message : str
        One line, if the names in it are.
    picture : str
        Lines of printable ASCII that show the place, as carets under a SMILES; empty where there are none.
    """

    def __init__(self, message: str, picture: str = "") -> None:
        super().__init__(message, picture)
        self.message = message
        self.picture = picture

    def __str__(self) -> str:
        return f"{self.message}\n{self.picture}" if self.picture else self.message


class StoreError(InputError):
    """Finished runs cannot be read or written: a full disk, a locked database, a file that is not a store."""


class MissingExtra(ImportError):
    """An optional library is not installed; the message says which `pip install` brings it."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs an extra: pip install 'molopt[{extra}]'")


class PotentialFailed(RuntimeError):
    """A potential gave no usable energy and forces: it raised, or they were not finite."""


class Exploded(PotentialFailed):
    """A run no longer makes sense: its energy, forces or distances are not those of atoms (`potentials.sense`)."""


class RunStopped(BaseException):
    """A run is to end before its next force call: a budget is spent, the user asks for it, or nothing is gained.

    Like KeyboardInterrupt, this is not an Exception: an optimizer that catches errors must not take it for one.
    `molopt.relax` makes a result of it.

    Attributes
    ----------
    ended : str
        How that is called in a result: "stopped" or "stalled".
    why : str
        The reason, in a few words.
    """

    def __init__(self, ended: str, why: str) -> None:
        super().__init__(why)
        self.ended = ended
        self.why = why
