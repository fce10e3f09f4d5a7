"""A study from someone else is data: nothing in it is imported or run, and what cannot be is one line."""

import json
import os
import shutil
import sqlite3
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from molopt.cli import main
from molopt.comparison.problems import converged_to_lowest
from molopt.comparison.profiles import profiles
from molopt.comparison.settings import KINDS, SETTINGS, Settings, read_settings, write_settings
from molopt.comparison.study import RUNS, Study
from molopt.comparison.summaries import summaries
from molopt.errors import InputError
from molopt.execution import SerialExecutor
from molopt.record import Plan
from molopt.report.contents import contents
from molopt.report.frames import packed_run
from molopt.report.notes import notes
from molopt.report.page import facts, index
from molopt.report.study import ends_of, reference_of
from molopt.report.summary import tables
from molopt.store import Store
from molopt.store.packing import pack, unpack

MODULE = "payload_of_a_hostile_study"
PAYLOAD = f"{MODULE}:go?command=1"
GUIDED = f"default?surrogate={PAYLOAD}"
CSV, PAGE = "runs.csv", "page.html"


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """A module that leaves a file when it is imported, and another when it is called."""
    (tmp_path / "modules").mkdir()
    code = "from pathlib import Path\nmarker = Path(__file__).parent / 'marker'\nmarker.touch()\n"
    (tmp_path / "modules" / f"{MODULE}.py").write_text(code + "def go(**said):\n    raise ValueError('called')\n")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield tmp_path / "modules" / "marker"
    sys.modules.pop(MODULE, None)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two molecules, two optimizers, whole."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    plan = Settings(("CO methanol", "O water"), ("mmff94",), ("bfgs", "adam"), 0.05, None, 200, files=False)
    with Study.begin(folder, plan) as study:
        list(study.go(SerialExecutor(), study.cases(study.settings.molecules())))
    return folder


@pytest.fixture
def study(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"


def molopt(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def attacked(study, drawn=False):
    """What each command makes of it: its exit code, which is 0 or 2, with one line of error where it is 2.

    The figures of a page take a second; where they are not drawn, all is done that comes before.
    """
    commands = {
        "resume": ["compare", "--resume", study],
        "export": ["export", study, "--write", study / CSV, "--overwrite"],
    }
    codes = {}
    if drawn:
        commands["report"] = ["report", study, "--write", study / PAGE, "--overwrite"]
    else:
        try:
            told(study)
            codes["report"] = 0
        except InputError:
            codes["report"] = 2
    for name, arguments in commands.items():
        result = molopt(*arguments)
        assert isinstance(result.exception, SystemExit | None), (name, result.exception)
        assert result.exit_code in (0, 2), (name, result.output)
        if result.exit_code == 2:
            assert result.stderr.startswith("molopt: "), (name, result.stderr)
            assert len(result.stderr.splitlines()) in (1, 3), (name, result.stderr)  # 3 show the place in a SMILES
        codes[name] = result.exit_code
    return codes


def told(study):
    """The numbers of a report."""
    with Study.open(study) as opened:
        records = list(opened.records())
    reference = reference_of(records, None)
    tables(summaries(records, reference), reference)
    notes(records, opened)
    profiles(records, converged_to_lowest)
    found = contents(records, ends_of(records))
    facts(found, opened.settings.command)
    index(found, list(found.molecules.values()))
    for record in records:
        packed_run(record, 5)


def changed(study, **values):
    """The study with other values in its file."""
    said = json.loads((study / SETTINGS).read_text()) | values
    (study / SETTINGS).write_text(json.dumps(said))
    return study


def with_records(study, change):
    """The study with other runs, whose keys are theirs."""
    with Store(study / RUNS) as store:
        records = [change(record) for record in store.records()]
    (study / RUNS).unlink()
    with Store(study / RUNS) as store:
        for record in records:
            store.add(record)
    return study


def test_the_study_as_it_is_goes_through(study):
    assert attacked(study, drawn=True) == {"resume": 0, "report": 0, "export": 0}


@pytest.mark.parametrize("field", [name for name in KINDS if name not in ("files", "threads")])
def test_code_named_in_any_field_of_the_file_is_not_run(study, marker, field):
    value, payload = json.loads((study / SETTINGS).read_text())[field], GUIDED if field == "optimizers" else PAYLOAD
    value = [payload] if isinstance(value, list) else {payload: payload} if isinstance(value, dict) else payload
    codes = attacked(changed(study, **{field: value}))
    assert not marker.exists()
    assert codes["export"] == 0  # which the runs are enough for
    if field != "command":
        assert codes["resume"] == 2


@pytest.mark.parametrize("field", ["source", "molecule", "smiles", "potential", "optimizer", "versions"])
def test_code_named_in_any_text_of_the_runs_is_not_run(study, marker, field):
    payload = GUIDED if field == "optimizer" else PAYLOAD
    value = {payload: payload} if field == "versions" else payload

    def change(record):
        plan = replace(record.plan, **{field: value})
        return replace(record, plan=plan, outcome=replace(record.outcome, error=payload, surrogate=payload))

    codes = attacked(with_records(study, change))
    assert not marker.exists()
    assert (codes["resume"], codes["export"]) == (2, 0)


def test_code_named_in_both_alike_is_still_not_run(study, marker):
    """A whole study, forged with care: its runs are of what its file says."""
    changed(study, potentials=[PAYLOAD], optimizers=[GUIDED, f"adam?lr=1&surrogate={PAYLOAD}"])
    optimizers = {"bfgs": GUIDED, "adam": f"adam?lr=1&surrogate={PAYLOAD}"}

    def change(record):
        optimizer = optimizers[record.plan.optimizer.partition("?")[0]]
        return replace(record, plan=replace(record.plan, potential=PAYLOAD, optimizer=optimizer))

    codes = attacked(with_records(study, change), drawn=True)
    assert codes == {"resume": 2, "report": 0, "export": 0}
    assert not marker.exists()
    refused = molopt("compare", "--resume", study)
    assert f"if you trust it, name it again: --potential '{PAYLOAD}'" in refused.stderr
    assert not marker.exists()


def test_a_potential_named_again_is_imported_and_only_that_one(tmp_path, marker):
    plan = Settings(("CO",), (PAYLOAD,), ("bfgs",), 0.05, None, 200, files=False)
    Study.begin(tmp_path / "study", plan).store.close()
    assert not marker.exists()  # not even to know its version
    for other in ("os:system", f"{MODULE}:go", "mmff94"):
        refused = molopt("compare", "--resume", tmp_path / "study", "--potential", other)
        assert (refused.exit_code, marker.exists()) == (2, False)
    refused = molopt("compare", "--resume", tmp_path / "study", "--potential", PAYLOAD)
    assert refused.exit_code == 2  # its factory makes no calculator
    assert "called" in refused.stderr
    assert marker.exists()


def test_a_surrogate_of_another_package_is_imported_only_if_it_is_named_again(tmp_path, marker):
    plan = Settings(("CO",), ("mmff94",), (GUIDED,), 0.05, None, 200, files=False)
    Study.begin(tmp_path / "study", plan).store.close()
    refused = molopt("compare", "--resume", tmp_path / "study")
    assert (refused.exit_code, marker.exists()) == (2, False)
    with pytest.raises(InputError, match="name it again"):
        Study.resume(tmp_path / "study")
    with Study.resume(tmp_path / "study", [PAYLOAD]) as trusted:
        assert list(trusted.settings.imports) == [PAYLOAD]


# Checks cannot be emptied away


@pytest.mark.parametrize("package", ["molopt", "scipy", "ase", "numpy", "rdkit"])
def test_a_version_that_is_missing_or_another_is_refused(study, package):
    before = json.loads((study / SETTINGS).read_text())["versions"]
    for versions in ({}, {name: said for name, said in before.items() if name != package}, before | {package: "9"}):
        changed(study, versions=versions)
        assert attacked(study) == {"resume": 2, "report": 0, "export": 0}
    changed(study, versions=before | {"pyberny": "0.7.0"})  # which no run needs
    assert attacked(study)["resume"] == 2


def test_contents_that_are_missing_or_others_are_refused(tmp_path):
    (tmp_path / "some.smi").write_text("CO methanol\n")
    plan = Settings((str(tmp_path / "some.smi"),), ("mmff94",), ("bfgs",), 0.05, None, 200, files=False)
    Study.begin(tmp_path / "study", plan).store.close()
    before = json.loads((tmp_path / "study" / SETTINGS).read_text())["contents"]
    for said in ({}, dict.fromkeys(before, "0"), before | {"/etc/hostname": "0"}):
        changed(tmp_path / "study", contents=said)
        refused = molopt("compare", "--resume", tmp_path / "study")
        assert (refused.exit_code, "is not what it was" in refused.stderr) == (2, True)


def test_a_device_as_a_source_is_one_line_and_is_not_read(study):
    refused = molopt("compare", "--resume", changed(study, sources=["/dev/zero"]))
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "/dev/zero is neither a file nor a folder" in refused.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"potentials": ["uff"]},
        {"optimizers": ["bfgs?maxstep=0.2&alpha=70.0"]},
        {"fmax": 0.01},
        {"energy_left": "auto"},
        {"steps": 201},
    ],
)
def test_runs_that_the_study_does_not_have_are_named(study, values):
    changed(study, **values)
    assert attacked(study) == {"resume": 2, "report": 2, "export": 0}
    assert "holds a run " in molopt("report", study).stderr


def test_runs_of_a_start_that_the_study_does_not_have_are_named(study):
    with_records(study, lambda record: replace(record, plan=replace(record.plan, seed=record.plan.place)))
    assert "holds a run of start 1, which its study does not have" in molopt("report", study).stderr
    assert attacked(study) == {"resume": 2, "report": 2, "export": 0}


def test_two_molecules_in_one_place_are_named(study):
    with_records(study, lambda record: replace(record, plan=replace(record.plan, place=0)))
    assert "runs of molecule 0 that cannot be of one study" in molopt("report", study).stderr
    assert attacked(study) == {"resume": 2, "report": 2, "export": 0}


def test_a_run_whose_key_is_anothers_is_named(study):
    database = sqlite3.connect(study / RUNS)
    other = "CASE substr(unique_id, 1, 1) WHEN 'f' THEN '0' ELSE 'f' END"
    database.execute(f"UPDATE systems SET unique_id = {other} || substr(unique_id, 2) WHERE id = 1")
    database.commit()
    database.close()
    assert attacked(study) == {"resume": 2, "report": 2, "export": 2}
    assert "its key is another run's" in molopt("export", study, "--write", study / CSV).stderr


def test_nothing_is_written_through_a_link_that_lies_in_a_study(study, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in ("methanol_mmff94_bfgs.sdf", f"{PAGE}.part", f".molopt-export-{os.getpid()}.csv"):
        (study / name).symlink_to(victim)
    with Store(study / RUNS) as store:
        store.connection.execute("DELETE FROM systems WHERE id = 1")
    assert "is a link" in molopt("compare", "--resume", study, "--files").stderr
    assert attacked(study, drawn=True) == {"resume": 2, "report": 0, "export": 0}
    assert victim.read_text() == "mine"


# Schema


def test_a_study_of_the_first_format_is_reported_and_exported_and_not_gone_on_with(study):
    said = json.loads((study / SETTINGS).read_text())
    said |= {"format": 1, "versions": {"molopt": "0.1.0", "ase": "3.29.0"}}
    for name in ("files", "threads"):
        del said[name]
    (study / SETTINGS).write_text(json.dumps(said))
    sqlite3.connect(study / RUNS).execute("PRAGMA user_version = 1").connection.close()
    assert attacked(study) == {"resume": 2, "report": 0, "export": 0}
    assert "begun with molopt 0.1.0, here is" in molopt("compare", "--resume", study).stderr
    with Store(study / RUNS) as store, pytest.raises(InputError, match="older molopt: it can be read"):
        store.add(next(store.records()))


@pytest.mark.parametrize("version", [0, -1, 4, 2**31 - 1])
def test_a_store_of_no_or_a_newer_version_is_one_line(study, version):
    sqlite3.connect(study / RUNS).execute(f"PRAGMA user_version = {version}").connection.close()
    assert attacked(study) == {"resume": 2, "report": 2, "export": 2}


@pytest.mark.parametrize("written", [0, 3, True, 2.0, "2", None, [], {}])
def test_a_file_of_no_or_a_newer_format_is_one_line(study, written):
    changed(study, format=written)
    assert attacked(study) == {"resume": 2, "report": 2, "export": 0}


# Databases that were made to harm


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TRIGGER t AFTER INSERT ON systems BEGIN DELETE FROM systems; END",
        "ALTER TABLE systems RENAME TO other; CREATE VIEW systems AS WITH RECURSIVE n(id) AS "
        "(SELECT 1 UNION ALL SELECT id + 1 FROM n) "
        "SELECT id, 'k' AS unique_id, '{}' AS key_value_pairs, NULL AS data FROM n",
        "ALTER TABLE systems RENAME TO other",
        "DROP TABLE systems; CREATE VIRTUAL TABLE systems USING fts5(unique_id, data)",
        "UPDATE systems SET key_value_pairs = '{'",
        "UPDATE systems SET data = NULL",
        "UPDATE systems SET data = 'text'",
        "UPDATE systems SET data = x'00'",
        "UPDATE systems SET data = substr(data, 1, 40)",
        "UPDATE systems SET unique_id = NULL",
        "ALTER TABLE systems DROP COLUMN data",
    ],
)
def test_a_database_that_was_changed_is_one_line(study, script):
    connection = sqlite3.connect(study / RUNS)
    connection.executescript(script)
    connection.close()
    assert set(attacked(study).values()) == {2}


def test_what_would_unpack_to_more_than_any_run_is_refused(study):
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 24)) for _ in range(9)) + packer.flush()
    with pytest.raises(ValueError, match="larger than any run"):
        unpack(bomb)


# Any values at all

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**400), 2**63, 0])
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([PAYLOAD, GUIDED, "../../etc/passwd", "\x1b[2J", "<script>alert(1)</script>", "/dev/zero"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60)
@given(field=st.sampled_from(["format", *KINDS]), value=VALUES)
def test_any_value_in_any_field_of_the_file_is_read_or_one_line(finished, tmp_path, marker, field, value):
    study = tmp_path / "study"
    shutil.copytree(finished, study, dirs_exist_ok=True)
    changed(study, **{field: value})
    attacked(study)
    assert not marker.exists()


PLAIN = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
NAMES = st.lists(PLAIN, min_size=1, max_size=3).map(tuple)
COUNT = st.integers(1, 10**12)


@settings(max_examples=60)
@given(
    said=st.builds(
        Settings,
        sources=NAMES,
        potentials=NAMES,
        optimizers=NAMES,
        fmax=st.floats(1e-300, 1e12),
        energy_left=st.none() | st.just("auto") | st.floats(1e-300, 1e12),
        steps=COUNT,
        starts=COUNT,
        seed=st.integers(0, 2**31 - 1),
        charge=st.none() | st.integers(-(10**12), 10**12),
        spin=st.none() | COUNT,
        largest=st.none() | COUNT,
        files=st.booleans(),
        threads=st.none() | COUNT,
        command=st.text(),
        contents=st.dictionaries(st.text(), st.text(), max_size=3),
        versions=st.dictionaries(st.text(), st.text(), max_size=3),
    )
)
def test_settings_come_back_from_their_file_as_they_were(tmp_path, said):
    write_settings(said, tmp_path)
    assert read_settings(tmp_path) == said


@settings(max_examples=60)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_a_study_are_one_line(tmp_path, content):
    (tmp_path / SETTINGS).write_bytes(content)
    with pytest.raises(InputError) as told:
        read_settings(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 2, "fmax": NaN}', '{"format": ' + "9" * 5000 + "}"])
def test_deep_nesting_numbers_that_are_none_and_endless_digits_are_one_line(tmp_path, text):
    (tmp_path / SETTINGS).write_text(text)
    with pytest.raises(InputError, match=r"damaged|newer"):
        read_settings(tmp_path)


@settings(max_examples=120)
@given(field=st.sampled_from([*Plan.__dataclass_fields__]), value=VALUES)
def test_any_value_in_any_field_of_a_run_is_read_or_one_line(finished, tmp_path, marker, field, value):
    study = tmp_path / "study"
    shutil.copytree(finished, study, dirs_exist_ok=True)
    connection = sqlite3.connect(study / RUNS)
    with Store(study / RUNS) as store:
        first = next(store.records())
    forged = replace(first, plan=replace(first.plan, **{field: value}))
    try:
        key = forged.key
    except (ValueError, TypeError):  # NaN, which no key can hold
        key = first.key
    packed = pack(forged)
    head = json.dumps({"record": {"__ndarray__": [[len(packed)], "uint8", 8]}}).encode()
    data = (8 + len(packed)).to_bytes(8, "little") + packed + head
    connection.execute("UPDATE systems SET data = ?, unique_id = ? WHERE unique_id = ?", (data, key, first.key))
    connection.commit()
    connection.close()
    attacked(study)
    assert not marker.exists()


def test_names_of_a_hostile_study_are_text_on_its_page(study):
    name = "</script><script>alert(1)</script>\x1b[2J\u202e"
    changed(study, command=name)
    with_records(study, lambda record: replace(record, plan=replace(record.plan, molecule=name, source=name)))
    assert attacked(study, drawn=True) == {"resume": 2, "report": 0, "export": 0}
    page = Path(study / PAGE).read_text()
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
