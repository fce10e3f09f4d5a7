"""Finding an optimizer of the registry by what a user writes or gives."""

from collections.abc import Callable

from molopt.errors import InputError
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.named import CLASSES
from molopt.optimizers.registry import (
    ASES,
    COORDINATES,
    DEFAULT,
    ENTRIES,
    PEERS,
    RULES,
    optimizer_names,
)
from molopt.spelling import offer


def placed(text: str, coordinates: str | None) -> tuple[str, str | None]:
    """The one spelling of a name, and the coordinates that it or the caller says; None where molopt sets none."""
    bare, slash, where = text.partition("/")
    name = canonical(bare)
    where = where.lower()
    if slash and where not in COORDINATES:
        raise InputError(f"{text!r}: internal, elastic or cartesian must follow the slash")
    said = where if slash else coordinates
    if slash and coordinates not in (None, where):
        raise InputError(f"{text!r} contradicts coordinates={coordinates!r}")
    if name == DEFAULT:
        return ("lbfgs", said) if said else (DEFAULT, "auto")
    if name == "lbfgs" or name in RULES:
        return name, said or (None if name == "lbfgs" else "cartesian")
    if said in ("internal", "elastic"):
        if name in PEERS:
            raise InputError(f"{name} has internal coordinates of its own: drop the coordinates")
        raise InputError(f"{name} is ASE's, and Cartesian; in {said} coordinates run {', '.join(RULES)} or lbfgs")
    return name, None


def canonical(name: str) -> str:
    """The one spelling of a name without its coordinates; InputError where there is no such optimizer.

    >>> canonical("HEAVY_BALL"), canonical("gd")
    ('heavy-ball', 'gradient-descent')
    """
    bare = plain(name)
    if bare == "adamw":
        raise InputError("there is no AdamW: weight decay would pull atoms to the origin of space; use adam")
    for entry in ENTRIES:
        if bare in map(plain, (entry.name, *entry.aliases)):
            return entry.name
    raise InputError(f"{name!r} is not an optimizer{offer(name, optimizer_names())}")


def plain(name: str) -> str:
    """A name without what spellings may differ in."""
    return name.lower().replace("-", "").replace("_", "")


def name_of_class(optimizer: object) -> str | None:
    """The name in the registry of a class of optimizers."""
    if optimizer is LBFGS:
        return "lbfgs/internal"
    classes = {**CLASSES, **{name: entry.load() for name, entry in ASES.items()}}
    return next((name for name, kind in classes.items() if kind is optimizer), None)


def called(function: Callable[..., object]) -> str:
    """What a function of a user is called."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}".lstrip(".")
