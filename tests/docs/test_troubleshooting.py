"""Each message that docs/troubleshooting.md explains is one that molopt can say."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import molopt

PACKAGE = Path(molopt.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
GAP = "\0"  # where a message has a value
ROW = re.compile(r"^\| (`.+?`(?:, `.+?`)*) \|", re.M)
MESSAGES = sorted({message for row in ROW.findall(PAGE.read_text()) for message in re.findall("`(.+?)`", row)})


@cache
def said() -> tuple[str, ...]:
    """Every text in the package, with a gap for each value in it; docstrings apart."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""  # a docstring
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
                found.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.sub(r"%[+\d.]*[a-z]", GAP, node.value))  # of the log
    return tuple(found)


def is_said(message: str) -> bool:
    """Whether a text has the parts of the message between its dots, in their order."""
    parts = [re.escape(part.strip()) for part in message.split("...") if part.strip()]
    pattern = re.compile(f".*?[{GAP}].*?".join(parts), re.S)
    return any(pattern.search(text) for text in said())


def test_the_page_has_messages():
    assert len(MESSAGES) > 70


@pytest.mark.parametrize("message", MESSAGES)
def test_the_message_is_in_the_code(message):
    assert is_said(message)


@pytest.mark.parametrize(
    "message", ["is periodic, and a molecule is one", "failed at step ...", "no charge ... using 0"]
)
def test_one_that_is_not_said_is_seen(message):
    assert not is_said(message)
