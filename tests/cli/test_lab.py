"""`molopt lab`."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from molopt.cli import main
from molopt.landscapes.experiments import NAMES


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What `molopt lab plateau` prints, and the folder that it writes."""
    folder = tmp_path_factory.mktemp("lab") / "out"
    result = CliRunner().invoke(main, ["lab", "plateau", "--out", str(folder)], standalone_mode=False)
    assert result.exception is None
    return result.stdout, folder


def test_without_a_name_it_lists_the_experiments():
    printed = CliRunner().invoke(main, ["lab"], standalone_mode=False).stdout
    assert all(name in printed for name in NAMES)
    listed = json.loads(CliRunner().invoke(main, ["lab", "--json"], standalone_mode=False).stdout)
    assert [entry["name"] for entry in listed] == list(NAMES)


def test_it_prints_what_was_measured_beside_what_theory_predicts(ran):
    assert "speed of the heavy ball in that of gradient descent  (10 within 5 %)" in ran[0]
    assert "1 of 1 hold as stated" in ran[0]


def test_every_figure_is_written_as_svg_png_and_csv(ran):
    folder = ran[1]
    stems = {path.stem for path in folder.glob("*.csv")}
    assert stems == {"plateau-model-1", "plateau-model-2", "plateau-molecule-1"}
    for stem in stems:
        assert (folder / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (folder / f"{stem}.svg").read_text()


def test_the_data_of_a_figure_are_those_that_were_drawn(ran):
    with open(ran[1] / "plateau-model-2.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    adam = [float(row["speed (Å a call)"]) for row in rows if row["series"] == "adam"]
    np.testing.assert_allclose(adam, 0.02, rtol=2e-3)


def test_the_page_holds_every_figure_and_the_paths_that_can_be_played(ran):
    page = (ran[1] / "lab.html").read_text()
    assert page.count("<figure>") == 3
    start = page.index('id="index">') + len('id="index">')
    (paths,) = json.loads(page[start : page.index("</script>", start)])
    assert [path["name"] for path in paths] == ["gradient-descent", "heavy-ball", "momentum", "adam"]
    assert {len(path["points"]) for path in paths} == {601}
    assert "http" not in page.split("<main>")[1].replace("http://www.w3.org", "")  # it fetches nothing


def test_json_is_all_that_is_printed_where_it_is_asked_for(tmp_path):
    result = CliRunner().invoke(
        main, ["lab", "plateau", "--json", "--out", str(tmp_path / "out")], standalone_mode=False
    )
    (entry,) = json.loads(result.stdout)
    assert entry["holds"] is True
    assert set(entry["outcomes"]) == {"model surface", "molecule"}


@pytest.mark.parametrize(("arguments", "said"), [
    (["plateu"], "there is no experiment 'plateu'; did you mean plateau"),
    (["--all", "plateau"], "--all runs every experiment: leave out plateau, or --all"),
    (["math:pi"], "math:pi is not an experiment"),
    (["plateau", "--seed", "-1"], "--seed must be zero or positive, got -1"),
])  # fmt: skip
def test_bad_input_is_one_line(arguments, said, tmp_path):
    result = CliRunner().invoke(main, ["lab", *arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_not_written_into(ran):
    result = CliRunner().invoke(main, ["lab", "plateau", "--out", str(ran[1])])
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
