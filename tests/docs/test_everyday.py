"""The ten everyday jobs run as they are written down."""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest
from ase import Atoms
from searches import archived, begun, end, wait

from molopt.molecules import Molecule

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "everyday.md"
JOBS = {
    int(number): text
    for number, text in re.findall(r"^\*\*(\d+)\.(.*?)(?=^\*\*\d+\.|\Z)", PAGE.read_text(), re.M | re.S)
}
THIRTY = "".join(f"{'C' * (1 + k % 3)}{end} m{k}\n" for k, end in enumerate(["O", "N", "F", "=O", "C#N", "S"] * 5))
MIXED = "CCO ethanol\nC[NH3+].[Cl-] salt\nCX nonsense\n\nOCC(O)CO glycerol\nC1CC ring\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ion = Molecule.from_smiles("CC(=O)[O-]")
    ase.io.write("acetate.xyz", Atoms(ion.numbers, ion.positions), format="xyz")
    cluster = [[0, 0, 0], [1.4, 0, 0], [0.7, 1.3, 0], [0.7, 0.4, 1.2]]
    ase.io.write("cluster.xyz", Atoms("Ar4", cluster), format="xyz")
    Path("thirty.smi").write_text(THIRTY)
    Path("mixed.smi").write_text(MIXED)
    return tmp_path


def blocks(job, language):
    return re.findall(rf"```{language}\n(.*?)```", JOBS[job], re.S)


def lines(job):
    return [line.removeprefix("$ ") for block in blocks(job, "console") for line in block.splitlines()]


def run(line, code=0):
    command = [sys.executable, "-m", *shlex.split(line)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_ten_jobs_each_in_at_most_three_lines_of_shell_or_ten_of_python():
    assert list(JOBS) == list(range(1, 11))
    assert all(len(lines(job)) <= 3 for job in JOBS)
    assert all(len(list(filter(str.strip, text.splitlines()))) <= 10 for job in JOBS for text in blocks(job, "python"))


@pytest.mark.parametrize(("job", "charge"), [(1, 0), (2, -1)])
def test_one_molecule_on_xtb(here, job, charge):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    (line,) = lines(job)
    run(line)
    (row,) = rows(Path(shlex.split(line)[-1]) / "relaxed.csv")
    assert (row["stationary"], row["charge"], "solvent" in row["potential"]) == ("minimum", str(charge), job == 1)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_thirty_molecules_interrupted_and_resumed(here):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    begin, resume = lines(3)
    process = begun(*shlex.split(begin)[2:], command="relax")
    wait(lambda: archived(here / "thirty", "relaxed.db") >= 3, process)
    said = end(process, signal.SIGINT)
    assert process.returncode == 130, said
    assert 3 <= len(rows("thirty/relaxed.csv")) < 30
    run(resume)
    assert len(rows("thirty/relaxed.csv")) == 30


def test_a_comparison_and_its_report(here):
    compare, report = lines(4)
    assert "default" in run(compare)
    run(report)
    assert (here / "compared" / "report.html").exists()


def test_another_import_in_a_script_of_ase(here):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    (script,) = blocks(5, "python")
    Path("script.py").write_text(script)
    subprocess.run([sys.executable, "script.py"], check=True)


def test_a_scan(here):
    (line,) = lines(6)
    run(line)
    assert len(rows("butane/butane_scan.csv")) == 13


def test_conformers_with_populations(here):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    (line,) = lines(7)
    assert "%" in run(line)
    found = rows("glycol/conformers.csv")
    assert sum(float(row["population"]) for row in found) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("job", "module", "folder"), [(8, "mine", "plain"), (9, "my_potential", "cluster")])
def test_code_of_ones_own(here, job, module, folder):
    (code,) = blocks(job, "python")
    Path(f"{module}.py").write_text(code)
    (line,) = lines(job)
    run(line)
    (row,) = rows(f"{folder}/relaxed.csv")
    assert row["converged"] == "True"
    assert module in row["optimizer"] + row["potential"]


def test_a_list_with_salts_and_bad_lines(here):
    (line,) = lines(10)
    run(line, code=1)
    assert {row["molecule"] for row in rows("mixed/failures.csv")} == {"nonsense", "ring"}
    assert {row["molecule"] for row in rows("mixed/relaxed.csv")} == {"ethanol", "salt", "glycerol"}
