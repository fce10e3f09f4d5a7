"""Names that anyone may have chosen, as text that cannot become markup and can be read."""

import json

LONGEST = 160  # characters of a name
LONGEST_LINE = 1000  # characters of a sentence


def shown(text: object, longest: int = LONGEST) -> str:
    """What is not to be seen (controls, marks of direction, lone surrogates) by its escape; long texts cut.

    >>> shown("line\\u2028break\\ud800")
    'line\\\\u2028break\\\\ud800'
    >>> len(shown("C" * 5000))
    160
    """
    found = "".join(map(visible, str(text)[: longest + 1]))
    return found if len(found) <= longest else f"{found[: longest - 1]}…"


def sentence(text: object, longest: int = LONGEST_LINE) -> str:
    """A sentence as `shown`; a long one lacks its middle, as the remedy stands at its end.

    >>> sentence("x" * 5000 + "\\r\\x1b[2J: give another")[-40:]
    'xxxxxxxxxxxxxxxxx\\\\r\\\\x1b[2J: give another'
    """
    found = "".join(map(visible, without_middle(str(text), longest)))
    return without_middle(found, longest)


def without_middle(text: str, longest: int) -> str:
    end = longest // 2
    return text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"


def visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def json_text(values: object) -> str:
    """JSON for a `<script type="application/json">`: nothing in it ends the element or a line.

    >>> json_text(["</script>", "\\u2028"])
    '["\\\\u003c/script\\\\u003e","\\\\u2028"]'
    """
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))  # ASCII only
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
