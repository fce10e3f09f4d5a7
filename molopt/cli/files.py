"""What must be true of the places that a command writes to."""

from collections.abc import Iterable
from pathlib import Path

from molopt.errors import InputError
from molopt.files import obstacle


def require_absent(paths: Iterable[Path], overwrite: bool, option: str = "--out") -> None:
    """Raise InputError where a file exists and may not be replaced, or something stands there that is not a file.

    The option is what another name is given by. A link could lead out of the folder, and is never written through.
    """
    for path in paths:
        if kind := "a link" if path.is_symlink() else obstacle(path):
            raise InputError(f"{path} is {kind}, and a file is to be written there: give another {option}")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists: give another {option}, or --overwrite")


def require_folder(path: Path, option: str = "--out") -> None:
    """Raise InputError where a folder cannot be, because a file stands there."""
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise InputError(f"{part} is not a folder, so {path} cannot be created: give another {option}")


def require_empty(path: Path, overwrite: bool) -> None:
    """Raise InputError where a folder holds something and may not be written into."""
    require_folder(path)
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise InputError(f"the folder {path} is not empty: give another --out, or --overwrite")
