"""Code of others that the user names as "package.module:attribute", imported when it is needed."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, TextIO

from molopt.errors import InputError

FOLDER = "MOLOPT_IMPORTS_FROM"  # of the environment, which processes inherit: the folder of whoever gave the command


@contextmanager
def reaching() -> Iterator[None]:
    """Modules in the folder of the command can be imported, after all others, as long as this is entered."""
    folder = os.environ.get(FOLDER)
    if not folder or folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


class Aside:
    """Sends what others print to standard error, away from results, as long as any thread is in here.

    `contextlib.redirect_stdout` would leave it there for good where two threads overlap.
    """

    def __init__(self) -> None:
        self.changing, self.inside = Lock(), 0
        self.before: TextIO | None = None

    def __enter__(self) -> None:
        with self.changing:
            if not self.inside:
                self.before, sys.stdout = sys.stdout, sys.stderr
            self.inside += 1

    def __exit__(self, *exception: object) -> None:
        with self.changing:
            self.inside -= 1
            if not self.inside:
                sys.stdout = self.before


aside = Aside()


def attribute(name: str, what: str) -> Any:
    """What "package.module:attribute" names.

    Parameters
    ----------
    name : str
    what : str
        What it is to be, as "a potential".

    Raises
    ------
    InputError
        It is not written so, the module cannot be imported, or it has no such attribute.

    >>> attribute("math:tau", "a number")
    6.283185307179586
    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise InputError(f"{what} of another package is written package.module:factory, got {name!r}")
    try:
        with reaching(), aside:
            found = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(f"cannot import {module_name} for {what} {name}: {error}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module_name} has no {path}: {what} is written package.module:factory")
        found = getattr(found, part)
    return found
