"""`molopt report`: what stands in the page is what the study's records say."""

import re

import pytest
from chromium import EXECUTABLE, Chromium
from click.testing import CliRunner

from molopt.cli import main
from molopt.comparison.study import Study
from molopt.comparison.summaries import summaries
from molopt.optimizers.spec import OptimizerSpec
from molopt.report.notes import notes
from molopt.report.study import figures, reference_of
from molopt.report.summary import tables

NAME = "<script>alert(1)</script>"


def molopt(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two molecules, one of them of a name that is markup, and one that MMFF94 does not cover."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "some.smi").write_text(f"CCCO {NAME}\nCCOC ether\nCB(O)O boron\n")
    out = folder / "out"
    result = molopt(
        "compare", folder / "some.smi", "--potential", "mmff94", "--optimizers", "default,bfgs,adam",
        "--sweep", "lr=0.02:0.2:3", "--starts", "2", "--out", out, "--no-files",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def records(study):
    with Study.open(study) as opened:
        return list(opened.records())


def test_a_study_becomes_a_page(study):
    result = molopt("report", study)
    assert result.exit_code == 0, result.output
    page = (study / "report.html").read_text()
    assert NAME not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    for part in ("Performance profile", "Sensitivity to lr", "Own time", "lowest basin", "not run: mmff94"):
        assert part in page


def test_records_come_in_the_order_of_the_plan(records):
    assert [record.plan.optimizer.partition("?")[0] for record in records[:5]] == [
        "default", "bfgs", "adam", "adam", "adam"
    ]  # fmt: skip
    assert [(record.plan.place, record.plan.seed) for record in records[::5]] == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)
    ]  # fmt: skip


def test_the_summary_is_a_recount_of_the_runs(records):
    ran = [record for record in records if record.outcome.energies.size]
    reference = str(OptimizerSpec.of("bfgs"))
    bfgs = {(r.plan.place, r.plan.seed): r.outcome.force_calls for r in ran if r.plan.optimizer == reference}
    default = {
        (r.plan.place, r.plan.seed): r.outcome.force_calls for r in ran if r.plan.optimizer.startswith("default")
    }
    by_molecule = [(default[place, 0] / bfgs[place, 0] * default[place, 1] / bfgs[place, 1]) ** 0.5 for place in (0, 1)]
    expected = (by_molecule[0] * by_molecule[1]) ** 0.5
    (found,) = [s for s in summaries(ran, reference) if s.optimizer.startswith("default")]
    assert found.ratio.mean == pytest.approx(expected)
    assert (found.runs, found.failures) == (4, 0)
    costs, _ = tables(summaries(ran, reference), reference)
    assert f"{expected:.2f}" in [cell.text for cell in costs.rows[0]]


def test_ratios_are_to_the_best_known_optimizer_there_is_or_to_the_one_that_is_asked_for(records):
    assert reference_of(records, None) == str(OptimizerSpec.of("bfgs"))
    assert reference_of(records, "adam?lr=0.02") == str(OptimizerSpec.of("adam?lr=0.02"))
    with pytest.raises(ValueError, match="'fire' was not run: give one of default, bfgs"):
        reference_of(records, "fire")


def test_a_molecule_that_could_not_be_run_is_a_note_and_in_no_figure(study, records):
    ran = [record for record in records if record.outcome.energies.size]
    with Study.open(study) as opened:
        said = "\n".join(notes(records, opened))
    assert "boron in mmff94: not run: " in said
    assert all("boron" not in figure.svg for figure in figures(ran, str(OptimizerSpec.of("bfgs"))))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nowhere"], "nowhere is not a study"),
        (["{study}", "--against", "fire"], "'fire' was not run"),
        (["{study}", "--write", "{study}/none/report.html"], "does not exist"),
        (["{study}", "--write", "{study}/runs.db/report.html"], "give another --write"),
        (["{study}", "--write", "{study}/runs.db"], "exists"),
        (["{study}", "--write", "{study}"], "is a folder"),
    ],
)
def test_bad_input_is_one_line(study, arguments, named):
    result = molopt("report", *(argument.format(study=study) for argument in arguments))
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert named in result.stderr


def test_a_report_that_ends_in_md_has_the_tables_alone_as_markdown(study, tmp_path):
    assert molopt("report", study, "--write", tmp_path / "tables.md", "--against", "bfgs").exit_code == 0
    lines = (tmp_path / "tables.md").read_text().splitlines()
    heading, ends = (line for line in lines if line.startswith("| potential |"))
    assert "| times bfgs (ASE) |" in heading
    assert "| own time (ms) |" in heading
    assert "| left (meV) |" in ends
    assert sum(line.startswith("| mmff94 |") for line in lines) == 10


def test_a_comparison_of_several_starts_ends_with_a_table_of_all_of_them(study):
    lines = molopt("compare", "--resume", study).output.splitlines()
    rows = [line.split() for line in lines[lines.index("all starts in mmff94") :] if line]
    heading = next(place for place, row in enumerate(rows) if row[:3] == ["optimizer", "runs", "failed"])
    assert [row[0] for row in rows[heading + 1 : heading + 3]] == ["default", "bfgs"]
    assert lines[-1].startswith("molopt report ")


@pytest.mark.skipif(EXECUTABLE is None, reason="needs Chromium")
def test_no_column_of_the_results_is_hidden_behind_a_scroll(study, tmp_path):
    assert molopt("report", study, "--write", tmp_path / "report.html").exit_code == 0
    browser = Chromium(tmp_path / "profile")
    try:
        browser.open(tmp_path / "report.html")
        widths = (
            "Array.from(document.querySelectorAll('#results .scroll'), part => [part.scrollWidth, part.clientWidth])"
        )
        found = browser.run(widths)
    finally:
        browser.close()
    assert len(found) == 2
    assert all(needed <= there for needed, there in found)
