"""Molecules on standard input: copied to a file once, which is then read like any other, and as often as is needed."""

import shutil
import sys
import tempfile
import weakref
from pathlib import Path
from typing import BinaryIO, TextIO

from molopt.errors import InputError

DASH = "-"
SHOWN = Path("stdin")  # how it is called in messages, and the name of what has none

_received: "weakref.WeakKeyDictionary[TextIO, Path]" = weakref.WeakKeyDictionary()


def received() -> Path:
    """The file that has what standard input says, read to its end; it is gone when the program ends.

    Raises
    ------
    InputError
        There is no standard input.
    """
    stream = sys.stdin
    if stream is None or stream.closed:
        raise InputError("there is no standard input: give a file")
    if stream not in _received:
        with tempfile.NamedTemporaryFile(prefix="molopt-", suffix="-stdin", delete=False) as copy:
            path = Path(copy.name)
            weakref.finalize(stream, path.unlink, missing_ok=True)
            shutil.copyfileobj(bytes_of(stream), copy)
        _received[stream] = path
    return _received[stream]


def bytes_of(stream: TextIO) -> BinaryIO:
    try:
        return stream.buffer
    except AttributeError:  # as in a notebook
        raise InputError("standard input is no stream of bytes here: give a file") from None
