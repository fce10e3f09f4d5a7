"""What a named optimizer is: its class, with arguments that have been checked."""

import inspect
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import ase.optimize

from molopt.control import Control, Trust
from molopt.errors import InputError
from molopt.optimizers import named
from molopt.optimizers.base import DirectionOptimizer
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.lbfgs import LBFGS
from molopt.optimizers.peers import Peer, require
from molopt.optimizers.rule_optimizer import RuleOptimizer
from molopt.potentials import potential_names
from molopt.rules import Rule
from molopt.rules.base import check
from molopt.specification import parse, specified
from molopt.spelling import offer

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
WHERE = ("internal", "elastic", "cartesian")
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
    check : str or None
        The check of the curvature at its end that its name asks for, as `check=` of `molopt.relax`; "none" where the
        name says that there is to be none.
    """

    name: str
    make: Callable[..., Any]
    surrogate: str | None = None
    guidable: bool = False
    check: str | None = None


def refuse(name: str, surrogate: str | None) -> None:
    """Raise InputError where a surrogate is asked for by name that this optimizer would not use."""
    if surrogate not in (None, "none", "auto", BY_NAME):
        raise InputError(f"{name} takes no surrogate, got {surrogate!r}: run default, or a rule with /internal")


def guide(said: Any, where: str, named: bool) -> str | None:
    """The surrogate that was said, checked as far as it can be without a molecule; None in Cartesians."""
    if said in (None, "none", "None", BY_NAME):
        return None
    if where in ("cartesian", "elastic"):
        if named or said != "auto":
            raise InputError(f"a surrogate needs internal coordinates: drop surrogate={said}, or the {where}")
        return None
    if not isinstance(said, str):
        raise InputError(f"surrogate must be auto, none or the name of a potential, got {said!r}")
    known = ["auto", "none", *potential_names()]
    text = parse(said)[0].lower()
    if text not in known and ":" not in text:
        raise InputError(f"{said!r} is not a surrogate{offer(said, [*known, 'package.module:factory'])}")
    return said


def asked(said: Any, where: str) -> str | None:
    """The check that a name asks for, in its one spelling; None where it asks for none. It needs internals."""
    if said in (None, "none", "None"):
        return None
    CheckRequest.of(said)
    if where in ("cartesian", "elastic"):
        raise InputError(f"a check of the curvature needs internal coordinates: drop check={said}, or the {where}")
    return str(said)


def ours(name: str, where: str, keywords: dict[str, Any], surrogate: str | None) -> Choice:
    """One of molopt's, which may be told a surrogate and a check besides its hyper-parameters."""
    look = asked(keywords.get("check"), where)
    silent = "none" if "check" in keywords else None
    choice = unchecked(name, where, {key: value for key, value in keywords.items() if key != "check"}, surrogate)
    if look is None:
        return replace(choice, check=silent)
    plain, arguments = parse(choice.name)
    return replace(choice, name=specified(plain, arguments | {"check": look}), check=look)


def unchecked(name: str, where: str, keywords: dict[str, Any], surrogate: str | None) -> Choice:
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
        given = {key: value for key, value in given.items() if key in arguments}
        return replace(choice, make=partial(kind, **given, coordinates=where, logfile=None))
    return choice


def of_rule(rule: Rule, where: str, surrogate: str | None) -> Choice:
    name = next((name for name, kind in RULES.items() if kind.kind is type(rule)), None)
    label = (name or type(rule).__name__) + ("" if where == "cartesian" else f"/{where}")
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


def peer(name: str, keywords: dict[str, Any]) -> Choice:
    if keywords:
        raise InputError(f"{name} takes no arguments here, got {', '.join(keywords)}")
    require(name)
    return Choice(name, partial(Peer, peer=name))


def check_keyword(name: str, key: str, value: Any, defaults: dict[str, Any]) -> None:
    if key not in defaults:
        raise InputError(f"{name} has no argument {key!r}{offer(key, defaults)}")
    if isinstance(defaults[key], bool) and not isinstance(value, bool):
        raise InputError(f"{key} of {name} must be True or False, got {value!r}")
    if isinstance(defaults[key], int) and not isinstance(value, int):
        raise InputError(f"{key} of {name} must be a whole number, got {value!r}")
    if not isinstance(defaults[key], bool):
        check(key, value, "finite")
