"""Names with keywords, as written on a command line: `"adam?lr=0.05&b1=0.8"`."""

import ast
from typing import Any

from molopt.errors import InputError


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
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the last three of deep or odd nesting
        return text
