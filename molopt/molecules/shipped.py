"""The molecules that come with molopt, by name."""

from functools import cache
from pathlib import Path

from molopt.errors import InputError
from molopt.spelling import offer

PACKAGE = Path(__file__).parent.parent
FOLDERS = (PACKAGE / "data", PACKAGE.parent / "molecules")  # in an installed wheel, in a checkout


@cache
def shipped() -> dict[str, Path]:
    """The SDF file of each shipped molecule, in the order of names."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.sdf"))} if folder else {}


def shipped_names() -> list[str]:
    """The names of the shipped molecules, as `molopt molecules` lists them."""
    return list(shipped())


def find_shipped(name: str) -> Path | None:
    """The file of the shipped molecule of this name, in any case of letters; None where there is none."""
    return {key.lower(): path for key, path in shipped().items()}.get(name.lower())


def shipped_path(name: str) -> Path:
    """The file of the shipped molecule of this name, or InputError with the nearest names."""
    path = find_shipped(name)
    if path is None:
        raise InputError(f"{name!r} is not a shipped molecule{offer(name, shipped_names())}")
    return path
