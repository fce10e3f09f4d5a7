"""The library that draws molecules in 3D, from the wheel of chemiscope: https://chemiscope.org"""

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

VERSION = "1.1.0"  # the one the page was tried with; the extra `report` asks for it
SCRIPT = "chemiscope/sphinx/static/chemiscope.min.js"
NOTICES = "chemiscope/static/chemiscope-widget.mjs.LICENSE.txt"  # of the libraries inside, for its other bundle of them


class Library(NamedTuple):
    script: str
    licences: str  # who redistributes it must pass them on


def library() -> Library | None:
    """What is installed, without importing it: that would load Jupyter's widgets. None where it is not, or another."""
    try:
        found = distribution("chemiscope")
        if found.version != VERSION:
            return None
        return Library(content(found, SCRIPT), f"{licence(found)}\n\n{content(found, NOTICES)}")
    except (PackageNotFoundError, FileNotFoundError):
        return None


def licence(found: Distribution) -> str:
    return f"chemiscope {VERSION}\n\n{found.read_text('licenses/LICENSE') or found.metadata['License']}"


def content(found: Distribution, name: str) -> str:
    with open(str(found.locate_file(name)), encoding="utf-8", newline="") as file:
        return file.read()
