"""The arguments that the text of an optimizer gives, checked against those that it has."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from molopt.control import Control, Trust
from molopt.errors import InputError
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.registry import ASES
from molopt.potentials import potential_names
from molopt.rules.base import check
from molopt.specification import parse
from molopt.spelling import offer

NOTHING = (None, "none", "None")  # what a text may say where there is to be none
DRIVING = {"atoms", "restart", "logfile", "trajectory", "append_trajectory", "kwargs"}  # no hyper-parameters


def of_direction(
    name: str, defaults: Mapping[str, Any], control: Control | Trust, keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], Control | Trust]:
    """All hyper-parameters of an optimizer of molopt, and its control, with the keywords in place of their defaults."""
    controls = asdict(control)
    textbook = keywords.get("control", "") in NOTHING
    if textbook:
        if not isinstance(control, Control):
            raise InputError(f"{name} cannot run without control: its steps need a trust radius")
        controls = {"maxstep": math.inf}
    elif "control" in keywords:
        raise InputError(f"control must be none, got {keywords['control']!r}: give its {', '.join(controls)} instead")
    given = {key: value for key, value in keywords.items() if key != "control"}
    for key, value in given.items():
        check_keyword(name, key, value, {**defaults, **controls})
    values = {key: given.get(key, default) for key, default in controls.items()}
    used = Control.textbook(**values) if textbook else type(control)(**values)
    return {key: given.get(key, default) for key, default in defaults.items()}, used


def of_ase(name: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a class of ASE, with the keywords in place of their defaults."""
    defaults = defaults_of_ase(name)
    for key, value in keywords.items():
        check_keyword(name, key, value, defaults)
        if not isinstance(value, bool):
            check(key, value, "positive")
    return {**defaults, **keywords}


def defaults_of_ase(name: str) -> dict[str, Any]:
    """The hyper-parameters of a class of ASE, which says some in its signature and some in `defaults`."""
    kind = ASES[name].load()
    said = {
        parameter.name: kind.defaults.get(parameter.name) if parameter.default is None else parameter.default
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.name not in DRIVING
    }
    return {key: value for key, value in said.items() if value is not None}


def check_keyword(name: str, key: str, value: Any, defaults: Mapping[str, Any]) -> None:
    """Raise InputError where an optimizer has no such argument, or one of another kind."""
    if key not in defaults:
        raise InputError(f"{name} has no argument {key!r}{offer(key, defaults)}")
    if isinstance(defaults[key], bool) and not isinstance(value, bool):
        raise InputError(f"{key} of {name} must be True or False, got {value!r}")
    if isinstance(defaults[key], int) and not isinstance(value, int):
        raise InputError(f"{key} of {name} must be a whole number, got {value!r}")
    if not isinstance(defaults[key], bool):
        check(key, value, "finite")


def guide_of(said: object, coordinates: str | None) -> str | None:
    """The surrogate that a text says, checked as far as it can be without a molecule; None where it says none."""
    if said in NOTHING:
        return None
    if coordinates in ("cartesian", "elastic"):
        raise InputError(f"a surrogate needs internal coordinates: drop surrogate={said}, or the {coordinates}")
    if not isinstance(said, str):
        raise InputError(f"surrogate must be auto, none or the name of a potential, got {said!r}")
    known = ["auto", "none", *potential_names()]
    text = parse(said)[0].lower()
    if text not in known and ":" not in text:
        raise InputError(f"{said!r} is not a surrogate{offer(said, [*known, 'package.module:factory'])}")
    return said


def check_of(said: Any, coordinates: str) -> CheckRequest:
    """The check that a text says."""
    request = CheckRequest() if said in NOTHING else CheckRequest.of(said)
    if request.kind is not None and coordinates in ("cartesian", "elastic"):
        raise InputError(
            f"a check of the curvature needs internal coordinates: drop check={said}, or the {coordinates}"
        )
    return request


def differing(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that are not the defaults."""
    return {key: value for key, value in values.items() if key not in defaults or defaults[key] != value}
