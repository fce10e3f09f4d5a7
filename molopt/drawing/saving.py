"""Figures as files."""

import os
from pathlib import Path
from typing import TypeVar

from matplotlib import rc_context
from matplotlib.figure import Figure

from molopt.errors import InputError
from molopt.files import draft

ENDINGS = (".png", ".svg", ".pdf")
DPI = 150  # of PNG

Drawn = TypeVar("Drawn", bound=Figure)


def saved(figure: Drawn, path: str | os.PathLike[str] | None) -> Drawn:
    """The figure, written first where there is a path; it appears whole, or not at all.

    Raises
    ------
    InputError
        The path does not end as one of `ENDINGS`, or cannot be written.
    """
    if path is not None:
        form = format_of(path)
        with draft(path) as begun, rc_context({"svg.fonttype": "none"}):  # text that can be searched and edited
            figure.savefig(begun, format=form, dpi=DPI, facecolor="white")
    return figure


def format_of(path: str | os.PathLike[str]) -> str:
    """What a figure of such a name is written as.

    >>> format_of("run.PNG")
    'png'
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"a figure ends with {', '.join(ENDINGS)}, got {path}")
    return ending.removeprefix(".")
