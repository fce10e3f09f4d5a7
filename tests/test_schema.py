"""The schema of a run: what is said of a field there is what every output shows."""

import csv
import math
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import ase.db
import pytest

import molopt
from molopt.columns import Cell, Entry, entries, kinds
from molopt.fields import run_fields
from molopt.molecules import Molecule
from molopt.record import Record
from molopt.relaxation import relax
from molopt.report.table import HEADINGS, comparison_table
from molopt.schema import (
    COLUMNS,
    COMPARED,
    EMPTY,
    EXPORT,
    PAGE,
    RELAXED,
    SDF,
    SEARCHED,
    STUDY_SDF,
    Measured,
    Outcome,
    Plan,
    Standing,
)
from molopt.store.checking import KINDS

OUTPUTS = {"relaxed": RELAXED, "compared": COMPARED, "page": PAGE, "sdf": SDF, "study sdf": STUDY_SDF}


def test_every_field_of_an_outcome_and_every_single_value_of_a_plan_has_an_entry_with_a_meaning():
    assert set(entries(Outcome)) == {field.name for field in fields(Outcome)}
    single = {field.name for field in fields(Plan)} - {"numbers", "bonds", "start", "versions"}
    assert set(entries(Plan)) == single
    assert all(entry.meaning for schema in (Plan, Outcome) for entry in entries(schema).values())


def test_the_store_knows_what_values_each_single_field_may_have():
    known = {name: kind for schema in (Plan, Outcome) for name, kind in kinds(schema).items() if kind not in KINDS}
    assert set(known) == {"energy_left_limit", *EMPTY}  # which it looks at one by one


def test_a_result_has_the_measured_fields_and_its_outcome_the_same_values():
    result = relax(Molecule.from_smiles("CCO"), potential="mmff94", check="report")
    outcome = Outcome.of(result)
    for field in fields(Measured):
        assert getattr(outcome, field.name) == getattr(result, field.name)
    assert (outcome.ended, outcome.stationary, outcome.identity) == ("converged", "minimum", "kept")
    assert outcome.curvature == result.curvature.lowest
    assert outcome.energy_left == float(result.energy_left)
    assert len(outcome.energies) == len(result.trace)
    assert "at a new geometry, a failed one included" in molopt.Result.__doc__


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_name_or_heading_of_a_quantity_carries_its_unit(output):
    quantities = [column for column in OUTPUTS[output] if column.unit]
    assert {"energy_left"} <= {column.name for column in quantities}
    for column in quantities:
        assert column.lined.endswith(column.unit)
        assert column.stacked.endswith(f"\n{column.unit}")
        assert column.titled.endswith(")")
        assert column.tagged.endswith(column.unit.replace("/", "_per_").replace("^", ""))


def test_a_number_without_a_unit_counts_something_or_says_its_unit():
    plain = {column.name for columns in OUTPUTS.values() for column in columns if column.numeric and not column.unit}
    assert plain == {"force_calls", "seconds"}


def test_tables_of_the_terminal_have_the_columns_of_the_schema():
    record = Record(Plan("", "A", 0, 0, "[He]", 0, 1, [2], [], [[0, 0, 0]], "uff", "bfgs", False, 0.05, None, 9, {}),
                    Outcome("converged", energy=-1.0, force_calls=3, fmax=0.01))  # fmt: skip
    table = comparison_table([record])
    assert [column.header for column in table.columns] == ["optimizer", *(column.stacked for column in COMPARED)]
    assert HEADINGS.split() == " ".join(["molecule", *(column.lined for column in RELAXED)]).split()
    assert "fmax eV/A" in HEADINGS


def test_data_fields_of_sdf_are_those_of_the_schema():
    outcome = Outcome("converged", why="it is", stiffness=0.5, energy_left=1e-4, energy=-1.0, fmax=0.01)
    fields = run_fields(outcome, "uff", "bfgs", {"ase": "3"}, STUDY_SDF)
    assert list(fields) == [*(column.tagged for column in STUDY_SDF), "potential", "optimizer", "versions"]


def test_every_name_of_an_output_is_a_field_or_follows_from_some():
    record = Record(Plan("", "A", 0, 0, "[He]", 0, 1, [2], [], [[0, 0, 0]], "uff", "bfgs", False, 0.05, None, 9, {}),
                    Outcome("converged"))  # fmt: skip
    assert set(EXPORT) <= set(record.values())
    assert set(SEARCHED) <= {*record.values(), "settings"}
    assert {name for name in entries(Outcome) if name not in EMPTY} <= {column.name for column in COLUMNS}


def test_a_value_is_shown_in_the_unit_and_the_digits_of_its_entry():
    entry = Entry("height", "eV", shown="meV", digits=1)
    assert entry.cell(0.0123) == Cell("12.3", pytest.approx(12.3))
    assert entry.cell(math.nan) == Cell("-")
    assert entry.cell(None) == Cell("-")
    assert entry.cell(True) == Cell("True")


def test_what_is_not_known_sorts_behind_the_rest():
    standing = Standing(Outcome("crashed"))
    assert all(column.cell(standing).value is None for column in PAGE if column.numeric and column.unit)


def molopt_of(package, *arguments, cwd):
    """The command, run with the package of a folder."""
    code = "import sys; from molopt.cli import main; main(sys.argv[1:])"
    environment = os.environ | {"PYTHONPATH": str(package), "COLUMNS": "100"}
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_field_that_is_added_to_the_schema_alone_reaches_every_output(tmp_path):
    """One file is changed; a study from before it was is read with the default."""
    compare = ("compare", "C", "--potential", "mmff94", "--optimizers", "default", "--out")
    molopt_of(Path(molopt.__file__).parents[1], *compare, "before", cwd=tmp_path)
    shutil.copytree(Path(molopt.__file__).parent, tmp_path / "wider" / "molopt")
    schema = tmp_path / "wider" / "molopt" / "schema.py"
    entry = (
        '    twist: Annotated[float, Entry("of it", "eV", heading="twist", shown="meV", digits=2, '
        "read=lambda run: 0.01234)] = NAN\n"
    )
    text = schema.read_text().replace("    why: Annotated[", f"{entry}    why: Annotated[", 1)
    text = re.sub(r"= chosen\(COLUMNS, ", '= chosen(COLUMNS, "twist", ', text)
    text = re.sub(r"^(EXPORT|SEARCHED) = \(\n", r'\1 = (\n    "twist",\n', text, flags=re.MULTILINE)
    schema.write_text(text)

    shown = molopt_of(tmp_path / "wider", *compare, "after", cwd=tmp_path)
    assert "twist" in shown
    assert "12.34" in shown
    relaxed = molopt_of(tmp_path / "wider", "relax", "C", "--potential", "mmff94", cwd=tmp_path).splitlines()
    assert "twist meV" in relaxed[0]
    assert "12.34" in relaxed[1]
    (sdf,) = (tmp_path / "after").glob("*.sdf")
    assert "<twist_meV>  (1) \n12.34" in sdf.read_text()
    assert [row.twist for row in ase.db.connect(tmp_path / "after" / "runs.db").select("twist>0.01")] == [0.01234]
    for study, value in (("before", ""), ("after", "0.01234")):
        molopt_of(tmp_path / "wider", "export", study, "--write", f"{study}.csv", cwd=tmp_path)
        (row,) = csv.DictReader((tmp_path / f"{study}.csv").open())
        assert row["twist"] == value
    molopt_of(tmp_path / "wider", "report", "after", cwd=tmp_path)
    page = (tmp_path / "after" / "report.html").read_text()
    assert ">twist\nmeV</button>" in page
    assert '["12.34",12.34]' in page
