"""The versions of the packages that decide what is computed."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from molopt import __version__
from molopt.importing import reaching
from molopt.potentials.xtb import METHODS
from molopt.specification import parse

# ASE gives constraints, units and radii to every run; numba, where it is installed, compiles internal coordinates, and
# they then agree with those of NumPy but for rounding.
ALWAYS = ("ase", "numba", "numpy", "rdkit", "scipy")


def versions_of(potentials: Iterable[str], packages: Iterable[str] = ()) -> dict[str, str]:
    """The versions of the packages that decide runs on these potentials, and of others, as far as they are known.

    Nothing is imported for it. A module of no package, as one that lies in the folder of its user, has the hash of its
    file for a version.
    """
    found = {"molopt": __version__} | {package: installed_version(package) for package in (*ALWAYS, *packages)}
    for potential in potentials:
        called = parse(potential)[0]
        if called.lower() in METHODS:
            found["tblite"] = installed_version("tblite")
        elif ":" in called:
            found |= versions_of_code(called)
    return {package: version for package, version in found.items() if version}


def versions_of_code(name: str) -> dict[str, str]:
    """The versions of what "package.module:attribute" may belong to."""
    return versions_of_module(name.partition(":")[0].partition(".")[0])


@cache
def installed_version(package: str) -> str:
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return ""


@cache
def versions_of_module(module: str) -> dict[str, str]:
    """The versions of the packages that a module may belong to, whose names need not be its own."""
    packages = packages_distributions().get(module)
    if packages:
        return {package: installed_version(package) for package in packages}
    try:
        with reaching():
            spec = find_spec(module)  # of a module at the top: nothing is run
        content = Path(spec.origin).read_bytes() if spec and spec.origin else b""
    except (ImportError, ValueError, OSError):
        content = b""
    return {module: f"sha256 {hashlib.sha256(content).hexdigest()[:16]}" if content else ""}
