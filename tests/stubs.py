"""The stubs of modules whose names load on use, made from what is there: what editors and type checkers read.

python tests/stubs.py      # writes them anew, after a new rule or a new public name
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import molopt
from molopt import optimizers, rules
from molopt.optimizers.registry import RULES

PACKAGE = Path(molopt.__file__).parent
HEAD = '"""Made by tests/stubs.py: do not edit."""\n\n'
ALIASES = ("PerEntry", "PerSystem")  # which do not know where they are from


def texts() -> dict[Path, str]:
    """Each stub with its text."""
    stubs = {"": public(), "rules": of_rules(), "optimizers": of_optimizers()}
    return {PACKAGE / room / "__init__.pyi": HEAD + "\n".join(lines) for room, lines in stubs.items()}


def public() -> Iterator[str]:
    yield from imports({**molopt._HOME, **dict.fromkeys(molopt._ROOMS, "molopt")})
    yield from ("", "__version__: str", *listed(molopt.__all__))


def of_rules() -> Iterator[str]:
    homes = {name: getattr(rules, name).__module__ for name in rules.__all__}
    yield from imports({**homes, **dict.fromkeys(ALIASES, "molopt.rules.state")})
    yield from listed(rules.__all__)


def of_optimizers() -> Iterator[str]:
    named = {entry.attribute: getattr(optimizers, entry.attribute) for entry in RULES.values()}
    yield from (
        "from pathlib import Path",
        "from typing import IO, Any, Unpack",
        "",
        "from molopt.control import Control",
    )
    yield from imports({name: home for name, home in optimizers._HOME.items() if name not in named})
    yield "from molopt.optimizers.named import NamedOptimizer"
    yield "from molopt.optimizers.rule_optimizer import RuleSettings"
    for name, kind in sorted(named.items()):
        yield from ("", f"class {name}(NamedOptimizer):", "    def __init__(", "        self,")
        yield from (f"        {parameter}," for parameter in parameters(kind))
        yield from ("        **kwargs: Unpack[RuleSettings],", "    ) -> None: ...")
    yield from listed(optimizers.__all__)


def parameters(kind: Any) -> Iterator[str]:
    """What the class of a rule takes, as text: arguments of ASE and of molopt, and those of the rule."""
    for parameter in inspect.signature(optimizers.RuleOptimizer).parameters.values():
        if parameter.name == "rule":
            yield "*"
        elif parameter.name != "kwargs":
            default = "" if parameter.default is parameter.empty else " = ..."
            yield f"{parameter.name}: {said(parameter.annotation)}{default}"
    for field in fields(kind.kind):
        yield f"{field.name}: {said(field.type)} = ..."


def said(annotation: Any) -> str:
    """An annotation without the modules of its names.

    >>> said(float), said(molopt.Control | str | None)
    ('float', 'Control | str | None')
    """
    if isinstance(annotation, UnionType) or get_origin(annotation) is Union:
        return " | ".join("None" if part is NoneType else said(part) for part in get_args(annotation))
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)


def imports(homes: Mapping[str, str]) -> Iterator[str]:
    """Imports that export what they import, in the order of their modules."""
    for name, home in sorted(homes.items(), key=lambda item: (item[1], item[0])):
        yield f"from {home} import {name} as {name}"


def listed(names: Sequence[str]) -> Iterator[str]:
    yield from ("", "__all__ = [", *(f'    "{name}",' for name in sorted(names)), "]", "")


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
        print(path)
