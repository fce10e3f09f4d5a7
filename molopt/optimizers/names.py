"""Optimizers by name, with arguments: `"adam?lr=0.02&b1=0.8"`."""

import inspect
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import ase.optimize

from molopt.control import Control
from molopt.errors import InputError
from molopt.names import offer
from molopt.optimizers import named
from molopt.optimizers.base import RuleOptimizer
from molopt.rules import Rule
from molopt.rules.base import check
from molopt.specification import parse

OURS: dict[str, type[named.NamedOptimizer]] = {
    "adam": named.Adam,
    "momentum": named.Momentum,
    "heavy-ball": named.HeavyBall,
    "nesterov": named.Nesterov,
    "adagrad": named.Adagrad,
    "rmsprop": named.RMSProp,
    "adadelta": named.Adadelta,
    "per-atom-adam": named.PerAtomAdam,
    "amsgrad": named.AMSGrad,
    "nadam": named.NAdam,
    "radam": named.RAdam,
    "adabelief": named.AdaBelief,
    "lion": named.Lion,
    "apollo": named.Apollo,
    "gradient-descent": named.GradientDescent,
}
ASES: dict[str, Any] = {
    name.lower(): getattr(ase.optimize, name) for name in ("BFGS", "LBFGS", "FIRE", "FIRE2", "MDMin")
}
ALIASES = {"gd": "gradient-descent"}

DRIVING = {"atoms", "restart", "logfile", "trajectory", "append_trajectory", "kwargs"}  # no hyper-parameters


@dataclass(frozen=True)
class Choice:
    """An optimizer with its arguments, to be given atoms.

    Attributes
    ----------
    name : str
        With every hyper-parameter. Where the optimizer has a name, `choose(name)` is the same choice.
    make : callable
        `make(atoms, logfile=..., trajectory=...)` is an ASE optimizer.
    """

    name: str
    make: Callable[..., Any]


def optimizer_names() -> list[str]:
    """The names that `choose` knows: ours, then ASE's."""
    return [*OURS, *ASES]


def choose(optimizer: Any) -> Choice:
    """The choice that a name, a rule, an optimizer class or a function describes.

    Parameters
    ----------
    optimizer : str, Rule or callable
        - A name of `optimizer_names`, in any case of letters, with or without hyphens; "gd" is gradient descent.
          Arguments follow as "?key=value&key2=value2": for ours the hyper-parameters of the rule and of `Control`,
          and `control=none` for the textbook rule; for ASE's those of its class.
        - A `Rule`, run under the default control. Its defaults are its paper's, those of names and classes are tuned.
        - A callable that takes (atoms, logfile=..., trajectory=...) and returns an ASE optimizer.

    Raises
    ------
    InputError
        The name or an argument is not known, or an argument is out of its range.

    Examples
    --------
    >>> choose("bfgs?maxstep=0.1").name
    'bfgs?maxstep=0.1&alpha=70.0'
    >>> choose("adm")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: 'adm' is no optimizer; did you mean adam or radam or nadam? Known are adam, momentum, \
heavy-ball, nesterov, adagrad, rmsprop, adadelta, per-atom-adam, amsgrad, nadam, radam, adabelief, lion, apollo, \
gradient-descent, bfgs, lbfgs, fire, fire2, mdmin
    """
    if isinstance(optimizer, str):
        name, keywords = parse(optimizer)
        name = canonical(name)
        return ours(name, keywords) if name in OURS else ases(name, keywords)
    if isinstance(optimizer, Rule):
        return of_rule(optimizer)
    known = next((name for name, kind in (OURS | ASES).items() if kind is optimizer), None)
    if known is not None:
        return choose(known)
    if callable(optimizer):
        return Choice(called(optimizer), optimizer)
    raise InputError(f"optimizer must be a name, a rule or a class of optimizers, got {optimizer!r}")


def canonical(name: str) -> str:
    """The one spelling of a name."""
    plain = name.lower().replace("-", "").replace("_", "")
    if plain == "adamw":
        raise InputError("there is no AdamW: weight decay would pull atoms to the origin of space; use adam")
    spellings = {known.replace("-", ""): known for known in optimizer_names()} | ALIASES
    if plain not in spellings:
        raise InputError(f"{name!r} is no optimizer{offer(name, optimizer_names())}")
    return spellings[plain]


def ours(name: str, keywords: dict[str, Any]) -> Choice:
    kind = OURS[name]
    parameters = inspect.signature(kind).parameters
    defaults = {field.name: parameters[field.name].default for field in fields(kind.kind)}
    controls = asdict(parameters["control"].default)
    textbook = keywords.get("control", "") in (None, "none", "None")
    if textbook:
        controls = {"maxstep": math.inf}
    elif "control" in keywords:
        raise InputError(f"control must be none, got {keywords['control']!r}: give its {', '.join(controls)} instead")
    given = {key: value for key, value in keywords.items() if key != "control"}
    for key, value in given.items():
        check_keyword(name, key, value, defaults | controls)
    rule = kind.kind(**{key: given.get(key, default) for key, default in defaults.items()})
    chosen = {key: given.get(key, default) for key, default in controls.items()}
    return under(name, rule, Control.textbook(**chosen) if textbook else Control(**chosen))


def of_rule(rule: Rule) -> Choice:
    name = next((name for name, kind in OURS.items() if kind.kind is type(rule)), type(rule).__name__)
    return under(name, rule, Control())


def under(name: str, rule: Rule, control: Control) -> Choice:
    """A rule under a control, and their hyper-parameters as keywords."""
    arguments = {field.name: getattr(rule, field.name) for field in fields(rule)}
    kind: Any = partial(OURS[name], **arguments) if name in OURS else partial(RuleOptimizer, rule=rule)
    if control == Control.textbook(control.maxstep):
        arguments["control"] = "none"
        arguments |= {"maxstep": control.maxstep} if math.isfinite(control.maxstep) else {}
    else:
        arguments |= asdict(control)

    def make(atoms: Any, logfile: Any = None, trajectory: Any = None) -> RuleOptimizer:
        return kind(atoms, logfile=logfile, trajectory=trajectory, control=control)

    return Choice(specified(name, arguments), make)


def ases(name: str, keywords: dict[str, Any]) -> Choice:
    kind = ASES[name]
    defaults = {
        parameter.name: kind.defaults.get(parameter.name) if parameter.default is None else parameter.default
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.name not in DRIVING
    }
    defaults = {key: value for key, value in defaults.items() if value is not None}
    for key, value in keywords.items():
        check_keyword(name, key, value, defaults)
        if not isinstance(value, bool):
            check(key, value, "positive")

    def make(atoms: Any, logfile: Any = None, trajectory: Any = None) -> Any:
        return kind(atoms, logfile=logfile, trajectory=trajectory, **keywords)

    return Choice(specified(name, defaults | keywords), make)


def check_keyword(name: str, key: str, value: Any, defaults: dict[str, Any]) -> None:
    if key not in defaults:
        raise InputError(f"{name} has no argument {key!r}{offer(key, defaults)}")
    if isinstance(defaults[key], bool) and not isinstance(value, bool):
        raise InputError(f"{key} of {name} must be True or False, got {value!r}")
    if isinstance(defaults[key], int) and not isinstance(value, int):
        raise InputError(f"{key} of {name} must be a whole number, got {value!r}")
    if not isinstance(defaults[key], bool):
        check(key, value, "finite")


def specified(name: str, arguments: dict[str, Any]) -> str:
    """The specification that `molopt.specification.parse` reads back."""
    texts = {key: value if value == "none" else repr(value) for key, value in arguments.items()}
    return f"{name}?{'&'.join(f'{key}={text}' for key, text in texts.items())}" if texts else name


def called(function: Callable[..., Any]) -> str:
    if isinstance(function, partial):
        return specified(called(function.func), function.keywords)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}".lstrip(".")


def abbreviated(name: str) -> str:
    """The name of a choice without the arguments that are its defaults; as it is where it is no known name.

    >>> abbreviated(choose("adam?b1=0.8").name), abbreviated(choose("Heavy_Ball").name)
    ('adam?b1=0.8', 'heavy-ball')
    """
    plain, keywords = parse(name)
    if plain not in optimizer_names():
        return name
    defaults = parse(choose(plain).name)[1]
    return specified(
        plain, {key: value for key, value in keywords.items() if key not in defaults or defaults[key] != value}
    )
