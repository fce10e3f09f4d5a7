"""What README and documents claim is what the stored data say."""

import importlib
import sys
from pathlib import Path

import pytest

RESULTS = Path(__file__).parents[2] / "docs" / "results"
MODULES = ("stored", "figures", "tables", "claims", "publish")


@pytest.fixture(scope="module")
def results():
    """The modules of docs/results by their names, which no other test sees."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RESULTS))
        for name in MODULES:
            patch.delitem(sys.modules, name, raising=False)
        yield {name: importlib.import_module(name) for name in MODULES}
        for name in MODULES:
            sys.modules.pop(name)


@pytest.fixture(scope="module")
def said(results):
    return results["claims"].read()


def test_every_figure_that_is_cited_and_every_table_stands_as_it_is_computed(results, said):
    changed = results["publish"].changed(said)
    assert not changed, f"python docs/results/publish.py writes {', '.join(map(str, changed))} anew"


def test_claims_have_names_of_their_own_and_data_that_say_where_they_came_from(results, said):
    assert len({claim.id for claim in said}) == len(said) >= 30
    for name in {name for claim in said for name in claim.data}:
        origin = results["stored"].origin(name)
        assert origin.command.startswith(("molopt ", "python docs/benchmarks/")), name
        assert origin.version
        assert len(results["stored"].rows(name)) > 10


def test_a_figure_follows_its_data(results, said, monkeypatch):
    claim = next(claim for claim in said if claim.id == "batch")
    stored = results["stored"]
    before, rows = dict(claim.values), stored.rows
    monkeypatch.setattr(
        stored, "rows", lambda name: [row | {"seconds": str(2 * float(row["seconds"]))} for row in rows(name)]
    )
    after = {name: results["claims"].value(figure) for name, figure in claim.figures.items()}
    assert all(abs(float(after[name]) - 2 * float(before[name])) < 0.011 for name in before)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("It takes 0.31\nof the time, always.", "It takes 0.26\nof the time, always."),
        ("It takes 0.26 of the time.", "It takes 0.26 of the time."),
    ],
)
def test_a_figure_is_put_into_its_sentence_wherever_lines_break(results, text, new):
    assert results["claims"].rewritten(text, "takes {ratio} of the time", {"ratio": "0.26"}) == new


@pytest.mark.parametrize("text", ["It needs 0.26 of the time.", "takes 1 of the time; takes 2 of the time"])
def test_a_sentence_that_is_not_there_once_is_an_error(results, text):
    with pytest.raises(ValueError, match="must stand there once"):
        results["claims"].rewritten(text, "takes {ratio} of the time", {"ratio": "0.26"})


def test_runs_are_stored_so_that_their_statistics_are_those_of_the_study(results, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from molopt.cli import main
    from molopt.comparison.study import Study
    from molopt.comparison.summaries import summaries

    options = ["--potential", "mmff94", "--optimizers", "bfgs,fire", "--starts", "2", "--no-files"]
    assert CliRunner().invoke(main, ["compare", "CO", "CCO", *options, "--out", str(tmp_path / "study")]).exit_code == 0
    stored = results["stored"]
    monkeypatch.setattr(stored, "DATA", tmp_path / "data")
    assert stored.keep_study("small", tmp_path / "study", "molopt compare", "") == 8
    with Study.open(tmp_path / "study") as study:
        records = list(study.records())
    reference = next(record.plan.optimizer for record in records if record.plan.optimizer.startswith("bfgs"))
    there, here = summaries(records, reference), summaries(stored.runs("small"), reference)
    for one, other in zip(there, here, strict=True):
        assert one.optimizer == other.optimizer
        assert one.ratio == other.ratio
        assert (one.ended, one.ends, one.lower, one.higher) == (other.ended, other.ends, other.lower, other.higher)
        assert one.above_floor == pytest.approx(other.above_floor, abs=2e-6)
