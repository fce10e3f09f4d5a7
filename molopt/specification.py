"""Names with keywords as one text, as written on a command line: `"adam?lr=0.05&b1=0.8"`."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from molopt.errors import InputError

UNQUOTED = ("surrogate", "check", "solvent", "solvation")  # keywords whose texts are written as a user would


def parse(specification: str) -> tuple[str, dict[str, Any]]:
    """The name and the keywords of `"name?key=value&key2=value2"`.

    A value is read as a Python literal where it is one (numbers, True, None, quoted strings, tuples), and is a
    string otherwise.

    Raises
    ------
    InputError
        The name is empty, a part is not `key=value`, a key is not a Python identifier or is given twice.

    Examples
    --------
    >>> parse("adam?lr=0.05&correction=False")
    ('adam', {'lr': 0.05, 'correction': False})
    >>> parse("mace.calculators:mace_off?model=small")
    ('mace.calculators:mace_off', {'model': 'small'})
    """
    name, mark, rest = specification.partition("?")
    name = name.strip()
    if not name:
        raise InputError(f"{specification!r} has no name: write name?key=value&key2=value2")
    keywords: dict[str, Any] = {}
    for part in rest.split("&") if mark else []:
        key, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals or not key.isidentifier():
            raise InputError(f"{part!r} in {specification!r} is not key=value: write name?key=value&key2=value2")
        if key in keywords:
            raise InputError(f"{key} is given twice in {specification!r}")
        keywords[key] = literal(text)
    return name, keywords


def literal(text: str) -> Any:
    """The Python literal that `text` spells, or the text itself."""
    try:
        value = ast.literal_eval(text)
        json.dumps(value)  # what a record could not hold, as a set or an ellipsis, is text
        return value
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the last three of deep or odd nesting
        return text


def specified(name: str, keywords: Mapping[str, object]) -> str:
    """The text that `parse` reads back as this name with these keywords, of finite numbers, texts and the like.

    >>> specified("adam", {"lr": 0.05, "control": "none"})
    'adam?lr=0.05&control=none'
    """
    texts = {
        key: value if value == "none" or (key in UNQUOTED and unquoted(value)) else repr(value).replace("&", r"\x26")
        for key, value in keywords.items()
    }
    return f"{name}?{'&'.join(f'{key}={text}' for key, text in texts.items())}" if texts else name


def unquoted(value: object) -> bool:
    """Whether a text is read back as it is, without quotes."""
    return isinstance(value, str) and "&" not in value and value == value.strip() == literal(value)
