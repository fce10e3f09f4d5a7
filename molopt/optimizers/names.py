"""Optimizers by name, with arguments: `"adam?lr=0.02&b1=0.8"`."""

import inspect
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import ase.optimize

from molopt.control import Control, Trust
from molopt.errors import InputError
from molopt.names import offer
from molopt.optimizers import named
from molopt.optimizers.base import DirectionOptimizer
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.rule_optimizer import RuleOptimizer
from molopt.potentials import potential_names
from molopt.rules import Rule
from molopt.rules.base import check
from molopt.specification import parse

RULES: dict[str, type[named.NamedOptimizer]] = {
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
WHERE = ("internal", "cartesian")
BY_NAME = "by name"
DEFAULT = "default"  # ours, in the coordinates that suit: `molopt.LBFGS(coordinates="auto")`

DRIVING = {"atoms", "restart", "logfile", "trajectory", "append_trajectory", "kwargs"}  # no hyper-parameters


@dataclass(frozen=True)
class Choice:
    """An optimizer with its arguments, to be given atoms.

    Attributes
    ----------
    name : str
        With every hyper-parameter. Where the optimizer has a name, `choose(name)` is the same choice.
    make : callable
        `make(atoms, logfile=..., trajectory=...)` is an ASE optimizer; where `surrogate` is not None, or it is ours, it
        takes surrogate=... too, a `Surrogate` or None.
    surrogate : str or None
        "auto", or the name of a potential that guides it.
    guidable : bool
        Whether it takes a surrogate: ours do, in internal coordinates.
    """

    name: str
    make: Callable[..., Any]
    surrogate: str | None = None
    guidable: bool = False


def optimizer_names() -> list[str]:
    """The names that `choose` knows: ours, then ASE's."""
    return [DEFAULT, *(f"lbfgs/{where}" for where in WHERE), *RULES, *ASES]


def choose(optimizer: Any, coordinates: str | None = None, surrogate: str | None = BY_NAME) -> Choice:
    """The choice that a name, a rule, an optimizer class or a function describes.

    Parameters
    ----------
    optimizer : str, Rule or callable
        - A name of `optimizer_names`, in any case of letters, with or without hyphens; "gd" is gradient descent.
          Arguments follow as "?key=value&key2=value2": for ours the hyper-parameters of the rule and of `Control`,
          and `control=none` for the textbook rule; for ASE's those of its class.
          "/internal" or "/cartesian" after the name of a rule say what it sees, Cartesian where nothing is said;
          "lbfgs/internal" and "lbfgs/cartesian" are `molopt.LBFGS`, bare "lbfgs" is ASE's. "default" is the best there
          is: "lbfgs/internal" for molecules, "lbfgs/cartesian" for all else.
        - A `Rule`, run under the default control. Its defaults are its paper's, those of names and classes are tuned.
        - A callable that takes (atoms, logfile=..., trajectory=...) and returns an ASE optimizer.
    coordinates : str, optional
        "internal" or "cartesian", for a name that does not say it, or a rule.
    surrogate : str, optional
        For optimizers of ours whose name does not say it with "?surrogate=...": None, "auto", or the name of a
        potential. By default "auto" for "default", none for all else. In Cartesians there is none.

    Raises
    ------
    InputError
        The name or an argument is not known, or an argument is out of its range.

    Examples
    --------
    >>> choose("bfgs?maxstep=0.1").name
    'bfgs?maxstep=0.1&alpha=70.0'
    >>> abbreviated(choose("adam", coordinates="internal").name)
    'adam/internal'
    >>> choose("adm")
    Traceback (most recent call last):
        ...
    molopt.errors.InputError: 'adm' is no optimizer; did you mean adam or radam or nadam? Known are default, \
lbfgs/internal, lbfgs/cartesian, adam, momentum, heavy-ball, nesterov, adagrad, rmsprop, adadelta, per-atom-adam, \
amsgrad, nadam, radam, adabelief, lion, apollo, gradient-descent, bfgs, lbfgs, fire, fire2, mdmin
    """
    if coordinates is not None and coordinates not in WHERE:
        raise InputError(f"coordinates must be internal or cartesian, got {coordinates!r}")
    if isinstance(optimizer, str):
        text, keywords = parse(optimizer)
        name, where = placed(text, coordinates)
        if where is None:
            refuse(name, surrogate)
            return ases(name, keywords)
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
        raise InputError(f"{text!r}: after the slash comes internal or cartesian")
    said = where if slash else coordinates
    if slash and coordinates not in (None, where):
        raise InputError(f"{text!r} contradicts coordinates={coordinates!r}")
    if name == DEFAULT:
        return "lbfgs", said or "auto"
    if name == "lbfgs" or name in RULES:
        return name, said or (None if name == "lbfgs" else "cartesian")
    if said == "internal":
        raise InputError(f"{name} is ASE's, and Cartesian; in internal coordinates run {', '.join(RULES)} or lbfgs")
    return name, None


def canonical(name: str) -> str:
    """The one spelling of a name, coordinates apart."""
    plain = name.lower().replace("-", "").replace("_", "")
    if plain == "adamw":
        raise InputError("there is no AdamW: weight decay would pull atoms to the origin of space; use adam")
    spellings = {known.replace("-", ""): known for known in [DEFAULT, *RULES, *ASES]} | ALIASES
    if plain not in spellings:
        raise InputError(f"{name!r} is no optimizer{offer(name, optimizer_names())}")
    return spellings[plain]


def refuse(name: str, surrogate: str | None) -> None:
    """Raise InputError where a surrogate is asked for by name that this optimizer would not use."""
    if surrogate not in (None, "none", "auto", BY_NAME):
        raise InputError(f"{name} takes no surrogate, got {surrogate!r}: run default, or a rule with /internal")


def guide(said: Any, where: str, named: bool) -> str | None:
    """The surrogate that was said, checked as far as it can be without a molecule; None in Cartesians."""
    if said in (None, "none", "None", BY_NAME):
        return None
    if where == "cartesian":
        if named or said != "auto":
            raise InputError(f"a surrogate needs internal coordinates: drop surrogate={said}, or the cartesian")
        return None
    if not isinstance(said, str):
        raise InputError(f"surrogate must be auto, none or the name of a potential, got {said!r}")
    known = ["auto", "none", *potential_names()]
    text = parse(said)[0].lower()
    if text not in known and ":" not in text:
        raise InputError(f"{said!r} is no surrogate{offer(said, [*known, 'package.module:factory'])}")
    return said


def ours(name: str, where: str, keywords: dict[str, Any], surrogate: str | None) -> Choice:
    kind: Any = RULES.get(name, LBFGS)
    surrogate = guide(keywords.get("surrogate", surrogate), where, "surrogate" in keywords)
    keywords = {key: value for key, value in keywords.items() if key != "surrogate"}
    defaults, control = kind.defaults(where), kind.default_control(where)
    controls = asdict(control)
    textbook = keywords.get("control", "") in (None, "none", "None")
    if textbook:
        if not isinstance(control, Control):
            raise InputError(f"{name} cannot run without control: its steps need a trust radius")
        controls = {"maxstep": math.inf}
    elif "control" in keywords:
        raise InputError(f"control must be none, got {keywords['control']!r}: give its {', '.join(controls)} instead")
    given = {key: value for key, value in keywords.items() if key != "control"}
    for key, value in given.items():
        check_keyword(name, key, value, defaults | controls)
    arguments = {key: given.get(key, default) for key, default in defaults.items()}
    direction = kind.kind(**arguments)
    chosen = {key: given.get(key, default) for key, default in controls.items()}
    used = Control.textbook(**chosen) if textbook else type(control)(**chosen)
    label = DEFAULT if where == "auto" else name if name in RULES and where == "cartesian" else f"{name}/{where}"
    choice = under(label, partial(kind, **arguments, coordinates=where), direction, used, surrogate)
    if used == control and isinstance(control, Trust):  # its coordinates or its surrogate may want another
        return replace(choice, make=partial(kind, **arguments, coordinates=where, logfile=None))
    return choice


def of_rule(rule: Rule, where: str, surrogate: str | None) -> Choice:
    name = next((name for name, kind in RULES.items() if kind.kind is type(rule)), None)
    label = (name or type(rule).__name__) + ("/internal" if where == "internal" else "")
    arguments = {field.name: getattr(rule, field.name) for field in fields(rule)}
    make = partial(RULES[name], **arguments) if name else partial(RuleOptimizer, rule=rule)
    control = RuleOptimizer.default_control(where)
    return under(label, partial(make, coordinates=where), rule, control, guide(surrogate, where, False))


def under(label: str, kind: Any, direction: Any, control: Any, surrogate: str | None) -> Choice:
    """A direction under a control, and their hyper-parameters as keywords."""
    arguments = {field.name: getattr(direction, field.name) for field in fields(direction)}
    if control == Control.textbook(control.maxstep):
        arguments["control"] = "none"
        arguments |= {"maxstep": control.maxstep} if math.isfinite(control.maxstep) else {}
    else:
        arguments |= asdict(control)
    if surrogate is not None or label == DEFAULT:
        arguments["surrogate"] = "none" if surrogate is None else surrogate

    def make(atoms: Any, logfile: Any = None, trajectory: Any = None, **more: Any) -> DirectionOptimizer:
        return kind(atoms, logfile=logfile, trajectory=trajectory, control=control, **more)

    return Choice(specified(label, arguments), make, surrogate, label == DEFAULT or label.endswith("/internal"))


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
    texts = {
        key: value if value == "none" or (key == "surrogate" and "&" not in value) else repr(value)
        for key, value in arguments.items()
    }
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
    if plain.partition("/")[0] not in [DEFAULT, *RULES, *ASES]:
        return name
    defaults = parse(choose(plain).name)[1]
    return specified(
        plain, {key: value for key, value in keywords.items() if key not in defaults or defaults[key] != value}
    )
