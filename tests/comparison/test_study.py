"""Studies: nothing is run twice, nothing is lost, one run's trouble is its own."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from molopt.cli import main
from molopt.comparison.cases import versions
from molopt.comparison.settings import Settings
from molopt.comparison.study import Study
from molopt.comparison.sweep import Sweep
from molopt.errors import InputError
from molopt.execution import Pool, SerialExecutor
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Record

SUPPORT = Path(__file__).parents[1] / "support"
CLOCKED = ("seconds", "optimizer_seconds", "step_seconds", "surrogate_seconds", "surrogate_setup_seconds")
MOLECULES = "CO methanol\nCC ethane\nCCO ethanol\nCOC ether\nC=O formaldehyde\nCCC propane\n"


@pytest.fixture
def smiles(tmp_path):
    path = tmp_path / "some.smi"
    path.write_text(MOLECULES)
    return path


def molopt(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def started(*arguments):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "molopt", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=SUPPORT)


def said(folder):
    """Everything that the runs of a study gave, but for what the clock says; without Plan.source's folder."""
    with Study.open(folder) as study:
        return [without_clock(record) for record in study.store.records()]


def without_clock(record: Record):
    plain = record.as_dict()
    for name in CLOCKED:
        plain["outcome"].pop(name)
    return plain


def test_a_study_killed_three_times_and_resumed_is_the_one_that_ran_through(smiles, tmp_path):
    options = ["--potential", "trouble:Slow?at=0", "--optimizers", "adam,bfgs,fire", "--steps", "40", "--no-files"]
    options += ["--workers", "2"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert started("compare", smiles, *options, "--out", whole).wait(120) == 0
    process = started("compare", smiles, *options, "--out", broken)
    stored = []
    for kill in range(3):
        wait_for_runs(process, broken, 3 * (kill + 1))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        stored.append(runs(broken))
        process = started("compare", "--resume", broken, "--potential", "trouble:Slow?at=0", "--workers", "2")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert stored == sorted(stored)
    assert stored[0] >= 3
    assert said(broken) == said(whole)
    assert len(said(whole)) == 18


def runs(folder):
    with Study.open(folder) as study:
        return len(study.store)


def wait_for_runs(process, folder, count):
    while not (folder / "study.json").exists() or runs(folder) < count:
        assert process.poll() is None
        time.sleep(0.05)


def test_a_study_that_goes_on_writes_the_files_of_one_that_ran_through(tmp_path):
    """Of starts that were half done, and of molecules that share a name or are called like another's further start."""
    source = tmp_path / "some.smi"
    source.write_text("CO a\nCC A\nCCO a__start1\nC=O a_start1\n")
    settings = Settings((str(source),), ("mmff94",), ("bfgs", "fire"), 0.05, None, 200, starts=2)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder, done in ((whole, 0), (broken, 3)):
        with Study.begin(folder, settings) as study:
            cases = islice(study.cases(settings.molecules()), done)
            assert sum(map(len, study.go(SerialExecutor(), cases))) == done
        result = molopt("compare", "--resume", folder)
        count = "16 runs done, 13 of them now" if done else "16 runs done;"
        assert (result.exit_code, count in result.output) == (0, True), result.output
    first = {"a_mmff94_bfgs.sdf", "a_mmff94_fire.sdf", "a.png"}  # of a start that was done, without files
    written, again = ({path.name: path.read_bytes() for path in folder.glob("*.sdf")} for folder in (whole, broken))
    assert again == {name: text for name, text in written.items() if name not in first}
    assert len(written) == 16
    drawn, again = ({path.name for path in folder.glob("*.png")} for folder in (whole, broken))
    assert (again, len(drawn)) == (drawn - first, 8)
    assert said(broken) == said(whole)


@pytest.mark.parametrize("options", [["--workers", "999"], ["--time-limit", "0"], ["--parsl", "nothing.py"]])
def test_bad_input_writes_no_study(tmp_path, options):
    result = molopt("compare", "C", "--potential", "mmff94", "--out", tmp_path / "study", *options)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "study").exists()


def test_a_name_cannot_steer_the_terminal(tmp_path):
    source = tmp_path / "some.smi"
    source.write_text("C \x1b[31mred\u202e\n")
    result = molopt(
        "compare", source, "--potential", "mmff94", "--optimizers", "bfgs", "--no-files", "--out", tmp_path / "s"
    )
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert r"\x1b[31mred\u202e: 5 atoms" in result.output


def test_nothing_is_run_twice(smiles, tmp_path):
    log = tmp_path / "log"
    potential = f"trouble:Troubled?at=0&log='{log}'"
    study = tmp_path / "study"
    result = molopt("compare", smiles, "--potential", potential, "--optimizers", "bfgs", "--out", study, "--no-files")
    assert result.exit_code == 0, result.output
    made = log.read_text().count("made")
    result = molopt("compare", "--resume", study, "--potential", potential)
    assert (result.exit_code, log.read_text().count("made")) == (0, made)
    assert "0 of them now" in result.output


def test_a_potential_that_crashes_hangs_raises_or_is_killed_costs_its_own_runs_alone(tmp_path):
    study = tmp_path / "study"
    kinds = {"Raising": "failed", "Crashing": "crashed", "Killed": "crashed", "Hanging": "timed out"}
    potentials = [part for kind in ("Troubled", *kinds) for part in ("--potential", f"trouble:{kind}")]
    result = molopt(
        "compare", "CCO", "CO", *potentials, "--optimizers", "bfgs", "--time-limit", "8", "--workers", "2",
        "--out", study, "--no-files",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    ended = Counter((record["plan"]["potential"], record["outcome"]["ended"]) for record in said(study))
    assert ended == {("trouble:Troubled", "converged"): 2} | {
        (f"trouble:{kind}", end): 2 for kind, end in kinds.items()
    }
    table = tmp_path / "runs.csv"
    assert molopt("export", study, "--write", table).exit_code == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert all(row["error"] for row in rows if row["ended"] != "converged")


def test_starts_are_the_given_geometry_and_embeddings_of_their_seeds(tmp_path):
    settings = Settings(("CCCO",), ("mmff94",), ("bfgs",), 0.05, None, 200, starts=3)
    with Study.begin(tmp_path / "study", settings) as study:
        list(study.go(SerialExecutor(), study.cases(settings.molecules())))
        plans = [record.plan for record in study.store.records()]
    assert [plan.seed for plan in plans] == [0, 1, 2]
    assert len({str(plan.start) for plan in plans}) == 3


def test_a_study_goes_on_with_the_molecules_and_versions_that_it_began_with(smiles, tmp_path):
    study = tmp_path / "study"
    settings = Settings((str(smiles),), ("mmff94",), ("bfgs",), 0.05, None, 200)
    Study.begin(study, settings).store.close()
    smiles.write_text(MOLECULES.replace("CCC propane", "CCCC butane"))
    with pytest.raises(InputError, match="is not what it was"):
        Study.resume(study)
    smiles.write_text(MOLECULES)
    said = json.loads((study / "study.json").read_text())
    said["versions"]["rdkit"] = "2020.1"
    (study / "study.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"begun with rdkit 2020\.1"):
        Study.resume(study)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_study_is_one_line(tmp_path, text):
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(InputError, match=r"study.json (is damaged|was written by a newer molopt)"):
        Study.resume(tmp_path)


def test_a_folder_that_is_no_study_is_one_line(tmp_path):
    result = molopt("compare", "--resume", tmp_path)
    assert result.exit_code == 2
    assert "is not a study" in result.stderr


def test_resume_takes_all_else_from_the_study(tmp_path):
    result = molopt("compare", "--resume", tmp_path, "--fmax", "0.1")
    assert result.exit_code == 2
    assert "drop --fmax" in result.stderr


def test_runs_come_back_start_by_start_in_the_order_of_the_plan(smiles, tmp_path):
    settings = Settings((str(smiles),), ("mmff94", "uff"), ("fire", "bfgs"), 0.05, None, 200)
    with Study.begin(tmp_path / "study", settings) as study:
        starts = list(study.go(SerialExecutor(), study.cases(settings.molecules())))
    assert [{case.molecule.name for case, _ in start} for start in starts] == [
        {line.split()[1]} for line in MOLECULES.splitlines()
    ]
    assert [(record.plan.potential, record.plan.optimizer.split("?")[0]) for _, record in starts[0]] == [
        ("mmff94", "fire"), ("mmff94", "bfgs"), ("uff", "fire"), ("uff", "bfgs")
    ]  # fmt: skip


def test_a_molecule_that_a_potential_does_not_cover_is_a_failure_among_others(tmp_path):
    (tmp_path / "some.smi").write_text("CO methanol\nCB(O)O boron\n")
    study = tmp_path / "study"
    result = molopt("compare", tmp_path / "some.smi", "--potential", "mmff94", "--optimizers", "bfgs", "--out", study)
    assert result.exit_code == 0, result.output
    ended = {record["plan"]["molecule"]: record["outcome"]["error"] for record in said(study)}
    assert ended["methanol"] is None
    assert ended["boron"].startswith("not run: ")


def test_the_floor_of_an_end_is_below_it_and_uncounted(tmp_path):
    settings = Settings(("CCCCO",), ("mmff94",), ("fire",), 0.05, None, 500)
    with Study.begin(tmp_path / "study", settings) as study:
        ((_, record),) = next(study.go(SerialExecutor(), study.cases(settings.molecules())))
    end = record.outcome
    assert end.floor_energy < end.energy
    assert len(end.energies) == end.force_calls == end.steps + 1


def test_a_run_that_is_over_is_not_lost_where_relaxing_on_hangs(tmp_path):
    settings = Settings(("CCO",), ("trouble:HangingLater?at=1",), ("bfgs",), 0.05, None, 2)
    with Study.begin(tmp_path / "study", settings) as study:
        ((_, record),) = next(study.go(Pool(1, seconds=8), study.cases(settings.molecules())))
    end = record.outcome
    assert (end.ended, end.force_calls, len(end.end), len(end.floor)) == ("unconverged", 3, 9, 0)


def test_molecules_of_one_name_keep_their_files_when_a_study_goes_on(tmp_path):
    (tmp_path / "two.smi").write_text("O water\nCC water\n")
    study = tmp_path / "study"
    options = ["--potential", "mmff94", "--optimizers", "bfgs"]
    assert molopt("compare", tmp_path / "two.smi", *options, "--out", study).exit_code == 0
    names = {path.name: path.read_bytes() for path in study.glob("*.sdf")}
    with Study.open(study) as opened:
        opened.store.connection.execute("DELETE FROM systems WHERE json_extract(key_value_pairs, '$.place') = 1")
    assert "2 runs done, 1 of them now" in molopt("compare", "--resume", study).output
    assert {path.name: path.read_bytes() for path in study.glob("*.sdf")} == names
    assert len(names) == 2


def test_a_study_inside_the_folder_of_its_molecules_goes_on(smiles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = molopt("compare", ".", "--potential", "mmff94", "--optimizers", "bfgs", "--out", "study")
    assert result.exit_code == 0, result.output
    assert "0 of them now" in molopt("compare", "--resume", "study").output


def test_a_link_is_the_same_source_when_a_study_goes_on(smiles, tmp_path):
    (tmp_path / "link.smi").symlink_to(smiles)
    study = tmp_path / "study"
    options = ["--potential", "mmff94", "--optimizers", "bfgs", "--no-files", "--out", study]
    assert molopt("compare", tmp_path / "link.smi", *options).exit_code == 0
    assert "0 of them now" in molopt("compare", "--resume", study).output


def test_a_trajectory_that_cannot_be_written_costs_no_run(tmp_path):
    settings = Settings(("CCO",), ("mmff94",), ("bfgs",), 0.05, None, 200)
    with Study.begin(tmp_path / "study", settings) as study:
        nowhere = tmp_path / "no folder" / "run.traj"
        ((_, record),) = next(study.go(SerialExecutor(), study.cases(settings.molecules()), lambda case: nowhere))
    assert record.outcome.converged
    assert len(record.outcome.energies) == record.outcome.force_calls


def test_a_sweep_is_over_those_optimizers_that_have_the_argument():
    specs = [OptimizerSpec.of(text) for text in ("adam", "bfgs", "momentum?lr=0.5")]  # which is its default, too
    swept = Sweep.parse("lr=0.01:1:3").over(specs)
    assert swept == [OptimizerSpec.of(text) for text in ("adam?lr=0.01", "adam?lr=0.1", "adam?lr=1")] + specs[1:]
    memories = Sweep.parse("memory=2:32:5").over([OptimizerSpec.of("default")])
    assert [spec.arguments["memory"] for spec in memories] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize(
    "text", ["lr=1", "lr=1:2", "lr=2:1:3", "lr=0:1:3", "lr=a:b:c", "lr=1:2:1", "lr=1:2:3:4", "lr=1:2:101"]
)
def test_a_sweep_that_is_none_is_one_line(text):
    with pytest.raises(InputError, match="a sweep"):
        Sweep.parse(text).over([OptimizerSpec.of("adam")])


def test_a_sweep_of_an_argument_that_nobody_has_is_one_line():
    with pytest.raises(InputError, match="none of bfgs has an argument 'lr'"):
        Sweep.parse("lr=0.01:1:3").over([OptimizerSpec.of("bfgs")])


def test_a_start_that_was_done_by_half_comes_back_whole(tmp_path):
    settings = Settings(("CO", "CC"), ("mmff94",), ("fire", "bfgs"), 0.05, None, 200).fixed()
    with Study.begin(tmp_path / "whole", settings) as whole:
        list(whole.go(SerialExecutor(), whole.cases(settings.molecules())))
        first, second, *done = whole.store.records()
    with Study.begin(tmp_path / "half", settings) as half:
        for record in (first, *done):
            half.store.add(record)
        starts = list(half.go(SerialExecutor(), half.cases(settings.molecules())))
        assert half.added == 1
    assert [[record.key for _, record in start] for start in starts] == [[second.key, first.key]]  # fire, then bfgs


def test_a_molecule_that_cannot_be_read_ends_a_study_after_the_runs_under_way(tmp_path):
    (tmp_path / "some.smi").write_text("CO methanol\nCC ethane\nC( broken\n")
    settings = Settings((str(tmp_path / "some.smi"),), ("mmff94",), ("bfgs",), 0.05, None, 200).fixed()
    with Study.begin(tmp_path / "study", settings) as study:
        starts = study.go(SerialExecutor(), study.cases(settings.molecules()))
        assert len(next(starts)) == len(next(starts)) == 1
        with pytest.raises(InputError, match=r"some\.smi, line 3"):
            next(starts)
        assert len(study.store) == 2


def test_a_start_that_cannot_be_embedded_is_left_out_and_said(monkeypatch, caplog, tmp_path):
    def refuse(self, count, seed):
        raise InputError("no embedding")
        yield

    monkeypatch.setattr("molopt.molecules.Molecule.conformers", refuse)
    settings = Settings(("CO",), ("mmff94",), ("bfgs",), 0.05, None, 200, starts=2)
    with Study.begin(tmp_path / "study", settings) as study:
        list(study.go(SerialExecutor(), study.cases(settings.molecules())))
        assert [record.plan.seed for record in study.store.records()] == [0]
    assert "CH4O has no start 1: no embedding" in caplog.text


def test_a_study_without_files_goes_on_without_files(tmp_path):
    study = tmp_path / "study"
    options = ["--potential", "mmff94", "--optimizers", "bfgs,fire", "--no-files", "--out", study]
    assert molopt("compare", "CO", *options).exit_code == 0
    for again in ([], ["--files"]):
        with Study.open(study) as opened:
            opened.store.connection.execute("DELETE FROM systems WHERE id = (SELECT max(id) FROM systems)")
        result = molopt("compare", "--resume", study, *again)
        assert "2 runs done, 1 of them now" in result.output, result.output
        written = {path.suffix for path in study.iterdir()}
        assert written == ({".json", ".db"} | ({".sdf", ".traj", ".png"} if again else set()))


def test_threads_are_the_studys_and_are_written_in_it(tmp_path):
    study = tmp_path / "study"
    options = ["--potential", "mmff94", "--optimizers", "bfgs", "--no-files", "--out", study]
    assert molopt("compare", "CO", *options).exit_code == 0
    assert json.loads((study / "study.json").read_text())["threads"] == 1
    result = molopt("compare", "--resume", study, "--threads", "2")
    assert (result.exit_code, "drop --threads" in result.stderr) == (2, True)
    result = molopt("compare", "CO", *options[:-1], tmp_path / "other", "--threads", "999")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "workers times threads is 999" in result.stderr


def test_progress_counts_the_runs_of_all_molecules_as_they_end(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("molopt.cli.terminal.Progress.say", lambda self, text: said.append(text))
    options = ["--potential", "mmff94", "--optimizers", "bfgs,fire", "--starts", "2", "--largest", "6", "--no-files"]
    assert molopt("compare", "CO methanol", "CCO ethanol", *options, "--out", tmp_path / "study").exit_code == 0
    assert [text.split(" done")[0] for text in said] == [f"{done} of 4 runs" for done in range(1, 5)]
    assert all(text.endswith("last methanol") for text in said)


def test_the_key_of_a_run_holds_the_versions_of_all_that_decide_it(tmp_path, monkeypatch):
    (tmp_path / "own_potential_here.py").write_text("from ase.calculators.emt import EMT\n")
    monkeypatch.syspath_prepend(tmp_path)
    plain = {"molopt", "ase", "numpy", "rdkit", "scipy"} | ({"numba"} if find_spec("numba") else set())
    assert set(versions(OptimizerSpec.of("default"), "mmff94")) == plain
    assert set(versions(OptimizerSpec.of("default?surrogate=ase.calculators.emt:EMT"), "mmff94")) == plain
    own = versions(OptimizerSpec.of("default?surrogate=own_potential_here:EMT"), "mmff94")
    assert own["own_potential_here"].startswith("sha256 ")
    assert "own_potential_here" not in sys.modules
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    pytest.importorskip("sella", reason="pip install 'molopt[peers]'")
    assert set(versions(OptimizerSpec.of("default?surrogate=gfn1-xtb"), "mmff94")) == plain | {"tblite"}
    assert set(versions(OptimizerSpec.of("sella"), "GFN2-xTB?accuracy=1.0")) == plain | {"tblite", "sella"}
