"""Optimizers by name, with arguments: `"adam?lr=0.02&b1=0.8"`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from molopt.errors import InputError
from molopt.optimizers.choice import (
    ASES,
    BY_NAME,
    DEFAULT,
    RULES,
    WHERE,
    Choice,
    ases,
    of_rule,
    ours,
    peer,
    refuse,
)
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.peers import PEERS
from molopt.rules import Rule
from molopt.specification import parse, specified
from molopt.spelling import offer

ALIASES = {"gd": "gradient-descent"}


def optimizer_names() -> list[str]:
    """The names that `choose` knows: ours, then ASE's, then the peers."""
    return [DEFAULT, *(f"lbfgs/{where}" for where in WHERE), *RULES, *ASES, *PEERS]


def choose(optimizer: Any, coordinates: str | None = None, surrogate: str | None = BY_NAME) -> Choice:
    """The choice that a name, a rule, an optimizer class or a function describes.

    Parameters
    ----------
    optimizer : str, Rule or callable
        - A name of `optimizer_names`, in any case of letters, with or without hyphens; "gd" is gradient descent.
          Arguments follow as "?key=value&key2=value2": for ours the hyper-parameters of the rule and of `Control`,
          and `control=none` for the textbook rule; for ASE's those of its class.
          "/internal", "/elastic" or "/cartesian" after the name of a rule say what it sees, Cartesian where nothing is
          said; "lbfgs/internal" and so on are `molopt.LBFGS`, bare "lbfgs" is ASE's. "default" is the best there is:
          "lbfgs/internal" for molecules, "lbfgs/elastic" for surfaces and crystals, "lbfgs/cartesian" for all else.
          "?check=auto" and "?check=report" look at the curvature of the end, as in `molopt.relax`.
          "sella", "geometric" and "pyberny" are those packages (the extra `peers`), with their own defaults.
        - A `Rule`, run under the default control. Its defaults are its paper's, those of names and classes are tuned.
        - A callable that takes (atoms, logfile=..., trajectory=...) and returns an ASE optimizer.
    coordinates : str, optional
        "internal", "elastic" or "cartesian", for a name that does not say it, or a rule.
    surrogate : str, optional
        For optimizers of ours whose name does not say it with "?surrogate=...": None, "auto", or the name of a
        potential. By default "auto" for "default", none for all else. In Cartesians there is none.

    Raises
    ------
    InputError
        The name or an argument is not known, or an argument is out of its range.
    MissingExtra
        The package of a peer is not installed.

    Examples
    --------
    >>> choose("bfgs?maxstep=0.1").name
    'bfgs?maxstep=0.1&alpha=70.0'
    >>> abbreviated(choose("adam", coordinates="internal").name)
    'adam/internal'
    >>> choose("adm")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: 'adm' is not an optimizer; did you mean adam or radam or nadam? Known are default, \
lbfgs/internal, lbfgs/elastic, lbfgs/cartesian, adam, momentum, heavy-ball, nesterov, adagrad, rmsprop, adadelta, \
per-atom-adam, amsgrad, nadam, radam, adabelief, lion, apollo, gradient-descent, bfgs, lbfgs, fire, fire2, mdmin, \
sella, geometric, pyberny
    """
    if coordinates is not None and coordinates not in WHERE:
        raise InputError(f"coordinates must be internal, elastic or cartesian, got {coordinates!r}")
    if isinstance(optimizer, str):
        text, keywords = parse(optimizer)
        name, where = placed(text, coordinates)
        if where is None:
            refuse(name, surrogate)
            return peer(name, keywords) if name in PEERS else ases(name, keywords)
        return ours(name, where, keywords, "auto" if surrogate == BY_NAME and where == "auto" else surrogate)
    if isinstance(optimizer, Rule):
        return of_rule(optimizer, coordinates or "cartesian", surrogate)
    known = next((name for name, kind in (RULES | ASES).items() if kind is optimizer), None)
    if optimizer is LBFGS:
        known = "lbfgs/internal"
    if known is not None:
        return choose(known, coordinates if known in RULES else None, surrogate)
    if callable(optimizer):
        refuse(called(optimizer), surrogate)
        return Choice(called(optimizer), optimizer)
    raise InputError(f"optimizer must be a name, a rule or a class of optimizers, got {optimizer!r}")


def placed(text: str, coordinates: str | None) -> tuple[str, str | None]:
    """The one spelling of a name, and the coordinates that it or the caller says; None for ASE's own."""
    plain, slash, where = text.partition("/")
    name = canonical(plain)
    where = where.lower()
    if slash and where not in WHERE:
        raise InputError(f"{text!r}: after the slash comes internal, elastic or cartesian")
    said = where if slash else coordinates
    if slash and coordinates not in (None, where):
        raise InputError(f"{text!r} contradicts coordinates={coordinates!r}")
    if name == DEFAULT:
        return "lbfgs", said or "auto"
    if name == "lbfgs" or name in RULES:
        return name, said or (None if name == "lbfgs" else "cartesian")
    if said in ("internal", "elastic"):
        if name in PEERS:
            raise InputError(f"{name} has internal coordinates of its own: drop the coordinates")
        raise InputError(f"{name} is ASE's, and Cartesian; in {said} coordinates run {', '.join(RULES)} or lbfgs")
    return name, None


def canonical(name: str) -> str:
    """The one spelling of a name, coordinates apart."""
    plain = name.lower().replace("-", "").replace("_", "")
    if plain == "adamw":
        raise InputError("there is no AdamW: weight decay would pull atoms to the origin of space; use adam")
    spellings = {known.replace("-", ""): known for known in [DEFAULT, *RULES, *ASES, *PEERS]} | ALIASES
    if plain not in spellings:
        raise InputError(f"{name!r} is not an optimizer{offer(name, optimizer_names())}")
    return spellings[plain]


def guided(name: str, surrogate: str) -> str:
    """The full name of a choice that a calculator of this name guides.

    >>> guided("default?memory=8&surrogate=none", "emt")
    'default?memory=8&surrogate=emt'
    """
    plain, keywords = parse(name)
    return specified(plain, keywords | {"surrogate": surrogate})


def called(function: Callable[..., Any]) -> str:
    if isinstance(function, partial):
        return specified(called(function.func), function.keywords)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}".lstrip(".")


def abbreviated(name: str) -> str:
    """The name of a choice without the arguments that are its defaults; as it is where it is not a known name.

    >>> abbreviated(choose("adam?b1=0.8").name), abbreviated(choose("Heavy_Ball").name)
    ('adam?b1=0.8', 'heavy-ball')
    """
    plain, keywords = parse(name)
    if plain.partition("/")[0] not in [DEFAULT, *RULES, *ASES]:
        return name
    defaults = parse(choose(plain).name)[1]
    return specified(
        plain, {key: value for key, value in keywords.items() if key not in defaults or defaults[key] != value}
    )
