"""The report of a study: what counts in it, and that it is of one moment."""

from dataclasses import replace

import pytest

from molopt.comparison.settings import Settings
from molopt.comparison.study import Study
from molopt.execution import SerialExecutor
from molopt.report.study import Stored, covered, write_report

pytest.importorskip("jinja2", reason="the page needs: pip install 'molopt[report]'")


@pytest.fixture
def study(tmp_path):
    """Ethanol, and xenon, of which no force field knows."""
    (tmp_path / "some.smi").write_text("CCO ethanol\n[Xe] xenon\n")
    settings = Settings((str(tmp_path / "some.smi"),), ("mmff94",), ("bfgs", "fire"), 0.05, None, 200).fixed()
    with Study.begin(tmp_path / "study", settings) as begun:
        list(begun.go(SerialExecutor(), begun.cases(settings.molecules())))
        yield begun


def test_a_molecule_that_no_optimizer_could_be_run_on_is_told_and_not_counted(study, tmp_path):
    assert {record.plan.molecule for record in covered(list(study.records()))} == {"ethanol"}
    write_report(study, tmp_path / "report.html")
    assert "xenon in mmff94: not run: " in (tmp_path / "report.html").read_text()


def test_an_optimizer_that_could_not_be_run_where_others_could_has_failed(study):
    ethanol, other, *_ = study.records()
    refused = replace(other, outcome=replace(other.outcome, ended="failed", error="not run: it takes no surrogate"))
    assert covered([ethanol, refused]) == [ethanol, refused]


def test_a_study_in_which_nothing_could_be_run_has_a_report(tmp_path):
    settings = Settings(("[Xe]",), ("mmff94",), ("bfgs",), 0.05, None, 200)
    with Study.begin(tmp_path / "study", settings) as study:
        list(study.go(SerialExecutor(), study.cases(settings.molecules())))
        write_report(study, tmp_path / "report.html")
    assert "more could not be run" in (tmp_path / "report.html").read_text()


def test_runs_that_end_while_the_report_is_written_are_not_in_it(study):
    *_, last = study.records()
    study.store.connection.execute("DELETE FROM systems WHERE unique_id = ?", (last.key,))
    before = [record.key for record in study.records()]
    stored = Stored(study, set(before))
    study.store.add(last)
    assert len(study.store) == len(before) + 1
    assert [record.key for record in stored] == before
