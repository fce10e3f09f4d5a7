"""How kernels are compiled: by numba where it is installed, once, and kept on disk.

A kernel is a plain Python function over arrays. `inner` marks those that other kernels call, `inline` the small ones
among them, and `kernel` those that Python calls: these are kept in numba's cache, next to this file or, where that
cannot be written, in the user's cache folder. Without numba all leave a function as it is; nothing calls it then.
"""

import hashlib
import logging
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

numba: Any
List: Any = list  # the lists of kernels
try:
    numba = import_module("numba")
    List = import_module("numba.typed").List
except ImportError:  # also where numba does not support the NumPy that is installed
    numba = None

log = logging.getLogger("molopt")

# No fast arithmetic: it is a tenth faster, but a function that is compiled into several callers then rounds otherwise,
# and a run that another process continues would not have the bits of one that was not interrupted.
OPTIONS = {"nogil": True, "error_model": "numpy", "fastmath": False}
STAMP = "molopt-kernels.sha256"

Function = TypeVar("Function", bound=Callable[..., Any])
entries: list[Any] = []  # the kernels, as numba keeps them


def inner(function: Function) -> Function:
    """Compile a function that kernels call."""
    compiled: Function = function if numba is None else numba.njit(**OPTIONS)(function)
    return compiled


def inline(function: Function) -> Function:
    """Compile a small function into those that call it: three times as fast for work on 3 x 3 blocks."""
    compiled: Function = function if numba is None else numba.njit(forceinline=True, **OPTIONS)(function)
    return compiled


def kernel(function: Function) -> Function:
    """Compile a function that Python calls, and keep it on disk if any folder can be written."""
    if numba is None:
        return function
    compiled: Function
    try:
        compiled = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no folder for the cache
        compiled = numba.njit(**OPTIONS)(function)
    entries.append(compiled)
    return compiled


@cache
def prepare() -> None:
    """Say once a process if kernels are going to be compiled; forget those of other sources.

    numba notices a change of the file of a kernel, but not of the files of the functions that it calls: the stamp in
    the cache folder is of all of them together.
    """
    folders = {Path(path) for entry in entries if (path := entry.stats.cache_path)}
    if not folders:
        log.warning(
            "compiling the kernels of internal coordinates, up to a minute in each process: no folder to keep them in; "
            "set NUMBA_CACHE_DIR to one that can be written to"
        )
        return
    now = fingerprint()
    for folder in folders:
        stamp = folder / STAMP
        try:
            known = stamp.exists() and stamp.read_text() == now
            if known and most_in(folder):
                continue
            log.warning("compiling the kernels of internal coordinates, up to a minute, once: kept in %s", folder)
            if known:
                continue
            for index in folder.glob("*.nbi"):
                if index.name.split(".")[0] in sources():
                    index.unlink(missing_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
            stamp.write_text(now)
        except OSError as error:
            log.debug("the kernels are not kept: %s", error)


def most_in(folder: Path) -> bool:
    """Whether a cache folder has the kernels of this Python that take long; a process that was ended leaves few."""
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    return 3 * len(list(folder.glob(f"*.{version}*.nbi"))) > len(entries)  # the longest are the first


def sources() -> dict[str, Path]:
    """The files of this package by the names of their modules."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.py"))}


def fingerprint() -> str:
    """A hash of all sources, of the numbers that they take from other modules, which are compiled in, and of numba."""
    texts = [path.read_bytes() for path in sources().values()]
    texts.append(str(getattr(numba, "__version__", None)).encode())
    for name in sources():
        module = sys.modules.get(f"{__package__}.{name}")
        numbers = [item for item in vars(module).items() if isinstance(item[1], int | float)] if module else []
        texts.append(repr(numbers).encode())
    return hashlib.sha256(b"".join(texts)).hexdigest()
