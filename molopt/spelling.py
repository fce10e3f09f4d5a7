"""Names and values as one line of text that files can hold, and the nearest to a name that was mistyped."""

import difflib
import math
from collections.abc import Iterable


def tidied(name: object) -> str:
    """A name as one line: no breaks or runs of blanks, and nothing that UTF-8 cannot write.

    >>> tidied("two\\nlines \\udcff ")
    'two lines \\\\udcff'
    """
    return " ".join(str(name).encode("utf-8", "backslashreplace").decode().split())


def exact(value: object) -> str:
    """A value as text from which Python reads it back; nothing where it is not known.

    >>> exact(0.1 + 0.2), exact(float("nan")), exact(None), exact(True), exact("=1+1")
    ('0.30000000000000004', '', '', 'True', '=1+1')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def amount(count: int, noun: str) -> str:
    """So many of something.

    >>> amount(1, "force call"), amount(0, "force call")
    ('1 force call', '0 force calls')
    """
    return f"{count} {noun}{'s' * (count != 1)}"


def in_ascii(text: str) -> str:
    r"""The text with escapes for all that is not printable ASCII.

    >>> in_ascii("a\x1b[2J\u00e9")
    'a\\x1b[2J\\xe9'
    """
    return ascii(text)[1:-1]


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that resemble this one, the nearest first, whatever the case of letters.

    >>> nearest("Peg5", ["peg4", "sucrose"])
    ['peg4']
    """
    lower = {entry.lower(): entry for entry in known}
    return [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=3)]


def offer(name: str, known: Iterable[str]) -> str:
    """What an error message about an unknown name ends with.

    >>> offer("mmf94", ["mmff94", "uff"])
    '; did you mean mmff94? Known are mmff94, uff'
    """
    known = list(known)
    near = nearest(name, known)
    listed = f"nown are {', '.join(known)}"
    return f"; did you mean {' or '.join(near)}? K{listed}" if near else f"; k{listed}"
