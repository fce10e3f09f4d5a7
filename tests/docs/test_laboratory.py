"""The page of what the laboratory shows is that of the stored data, and the data are of all experiments there are."""

import json
import re
import sys
from pathlib import Path

import pytest

from molopt.landscapes.experiments import NAMES, experiment

RESULTS = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture
def laboratory(monkeypatch):
    """The script that writes the page."""
    monkeypatch.syspath_prepend(str(RESULTS))
    sys.modules.pop("laboratory", None)
    import laboratory

    return laboratory


@pytest.fixture(scope="module")
def stored():
    return json.loads((RESULTS / "data" / "laboratory.json").read_text())


def test_every_experiment_is_stored_with_the_claim_that_it_has_today(stored):
    assert list(stored) == list(NAMES)
    assert {name: entry["claim"] for name, entry in stored.items()} == {name: experiment(name).claim for name in NAMES}


def test_the_page_is_written_from_the_data(laboratory, stored):
    assert (RESULTS / "laboratory.md").read_text(encoding="utf-8") == laboratory.page(stored)


def test_every_picture_of_the_page_is_there_and_no_other(stored):
    shown = set(re.findall(r"\(laboratory/([\w.-]+)\)", (RESULTS / "laboratory.md").read_text(encoding="utf-8")))
    assert shown == {path.name for path in (RESULTS / "laboratory").glob("*.png")}


def test_what_is_stored_of_an_experiment_is_what_it_measures_today(stored):
    name = "plateau"
    for where, outcome in experiment(name).run().outcomes.items():
        numbers = stored[name]["outcomes"][where]["numbers"]
        assert [entry["what"] for entry in numbers] == [number.what for number in outcome.numbers]
        measured = [entry["measured"] for entry in numbers]
        assert measured == pytest.approx([number.measured for number in outcome.numbers], rel=1e-3)
