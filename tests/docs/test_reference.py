"""The reference has a place for every name that molopt exports."""

import re
from pathlib import Path

import molopt
import molopt.errors
import molopt.landscapes
import molopt.rules

PAGES = Path(__file__).parents[2] / "docs" / "reference"
DIRECTIVE = re.compile(r"^\.\. auto\w+:: ([\w.]+)$", re.M)
DOCUMENTED = [name for page in PAGES.glob("*.md") for name in DIRECTIVE.findall(page.read_text(encoding="utf-8"))]


def test_every_public_name_is_in_the_reference():
    public = {f"molopt.{name}" for name in molopt.__all__ if name != "__version__"}
    assert public <= set(DOCUMENTED)


def test_every_rule_and_what_a_rule_is_made_of_are_in_the_reference():
    assert {f"molopt.rules.{name}" for name in molopt.rules.__all__} <= set(DOCUMENTED)


def test_nothing_has_two_places_in_the_reference():
    assert len(DOCUMENTED) == len(set(DOCUMENTED))


def test_what_experiments_are_made_of_is_in_the_reference():
    assert {f"molopt.landscapes.{name}" for name in molopt.landscapes.__all__} <= set(DOCUMENTED)
