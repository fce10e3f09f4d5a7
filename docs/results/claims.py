"""The claims of README and documents, each with the figures that it holds and the data that they are computed from.

claims.toml has a table a claim:

    [[claim]]
    id = "xtb"
    text = "On GFN2-xTB `molopt.relax` takes {ratio} of the CPU time of `xtb --opt`."
    figures.ratio = { data = "xtb_times", what = "paired", ..., as = "{:.2f}" }
    cited = { "README.md" = "takes {ratio} of the CPU time of `xtb --opt`" }

A figure is `scale` times what the function `what` of figures.py gives, written as `as` says. Each text of `cited`
stands in its document once, lines broken anywhere, with the figures as they are computed.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from figures import WHAT

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"


@dataclass(frozen=True)
class Claim:
    """What is said, and from what it follows."""

    id: str
    text: str
    figures: Mapping[str, Mapping[str, object]]
    cited: Mapping[str, str]

    @cached_property
    def values(self) -> dict[str, str]:
        """Each figure as it is written, computed from the stored data."""
        return {name: value(figure) for name, figure in self.figures.items()}

    @property
    def data(self) -> list[str]:
        return list(dict.fromkeys(str(figure["data"]) for figure in self.figures.values()))

    @property
    def said(self) -> str:
        return self.text.format(**self.values)


def value(figure: Mapping[str, object]) -> str:
    """A figure as it is written."""
    arguments = {name: said for name, said in figure.items() if name not in ("data", "what", "as", "scale")}
    found = WHAT[str(figure["what"])](figure["data"], **arguments)
    return str(figure.get("as", "{:.2f}")).format(found * float(str(figure.get("scale", 1))))


def read(path: Path = HERE / "claims.toml") -> list[Claim]:
    said = tomllib.loads(path.read_text(encoding="utf-8"))["claim"]
    return [Claim(claim["id"], claim["text"], claim["figures"], claim.get("cited", {})) for claim in said]


def pattern(template: str) -> re.Pattern[str]:
    """What a cited text looks like with any figures, lines broken anywhere.

    >>> bool(pattern("takes {ratio} of it").search("it takes\\n0.26 of it"))
    True
    """
    parts = re.split(r"\{(\w+)\}", template)
    texts = [r"\s+".join(map(re.escape, re.split(r"\s+", text))) for text in parts[::2]]
    groups = [f"(?P<{name}>{NUMBER})" for name in parts[1::2]]
    return re.compile("".join(text + group for text, group in zip(texts, [*groups, ""], strict=True)))


def rewritten(text: str, template: str, values: Mapping[str, str]) -> str:
    """A document with the figures of a cited text as they are computed.

    Raises
    ------
    ValueError
        The text does not stand there, or more than once.

    >>> rewritten("It takes 0.3 of it.", "takes {ratio} of", {"ratio": "0.26"})
    'It takes 0.26 of it.'
    """
    found = list(pattern(template).finditer(text))
    if len(found) != 1:
        raise ValueError(f"{template!r} must stand there once, and does {len(found)} times")
    for name in sorted(found[0].groupdict(), key=found[0].start, reverse=True):
        start, end = found[0].span(name)
        text = text[:start] + values[name] + text[end:]
    return text
