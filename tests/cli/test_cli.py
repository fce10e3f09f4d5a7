"""The command line: what it prints, what it writes, how it exits, and one clear line for bad input."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from click.testing import CliRunner
from rdkit import Chem

from molopt.cli import main, terminal
from molopt.molecules import Molecule
from molopt.molecules.shipped import shipped_names
from molopt.potentials import potential_names
from molopt.relaxation import Result

WATER_XYZ = "3\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"
ALANINE = "C[C@H](N)C(=O)O"
HAS_TBLITE = importlib.util.find_spec("tblite") is not None
needs_tblite = pytest.mark.skipif(not HAS_TBLITE, reason="tblite is not installed: pip install 'molopt[xtb]'")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def molopt(*arguments):
    return CliRunner().invoke(main, list(arguments))


def complaint(*arguments):
    """The line on standard error of a command that must refuse its input and leave the folder as it was."""
    before = contents()
    result = molopt(*arguments)
    assert result.exit_code == 2, result.output
    assert contents() == before
    assert result.stdout == ""
    assert result.stderr.startswith("molopt: ")
    return result.stderr


def one_line(*arguments):
    said = complaint(*arguments)
    assert said.count("\n") == 1, said
    return said


def contents():
    from pathlib import Path

    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


# What works


def test_relax_writes_structures_that_keep_bonds_charge_and_stereo(here):
    assert molopt("relax", f"{ALANINE} alanine").exit_code == 0
    (folder,) = here.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "relax.json", *(f"relaxed.{kind}" for kind in ("csv", "db", "sdf", "xyz"))
    ]  # fmt: skip
    (mol,) = Chem.SDMolSupplier("molopt-relax-alanine/relaxed.sdf", removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == Chem.CanonSmiles(ALANINE)
    atoms = ase.io.read("molopt-relax-alanine/relaxed.xyz")
    assert atoms.info["charge"] == 0
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() <= 0.05
    # SDF keeps four decimals of an Angstrom.
    assert mol.GetConformer().GetPositions() == pytest.approx(atoms.positions, abs=1e-4)


def test_what_relax_wrote_it_can_read():
    molopt("relax", "CC(=O)[O-] acetate", "--check", "none", "--out", "first")
    for ending in ("sdf", "xyz"):
        result = molopt("relax", f"first/relaxed.{ending}", "--check", "none", "--json", "--out", ending)
        (record,) = json.loads(result.stdout)
        assert record["molecule"]["charge"] == -1
        assert record["molecule"]["smiles"] == "CC(=O)[O-]"
        assert record["force_calls"] <= 2  # four decimals of an Angstrom may leave fmax just above 0.05


def test_a_name_with_backslashes_or_quotes_does_not_hide_the_charge_that_follows_it(here):
    (here / "list.smi").write_text('C/C=C\\C([O-])=O ends\\\nC/C=C\\C([O-])=O "a" b=c\\d\n')
    molopt("relax", "list.smi", "--out", "out", "--steps", "1", "--separate")
    for name, path in (("ends\\", "ends.xyz"), ('"a" b=c\\d', "a_b_c_d.xyz")):
        (record,) = json.loads(molopt("relax", f"out/{path}", "--json", "--overwrite").stdout)
        assert (record["name"], record["molecule"]["charge"]) == (name, -1)


def test_relax_exits_with_1_when_a_molecule_did_not_converge():
    result = molopt("relax", "CCO", "CCCO", "--steps", "1")
    assert result.exit_code == 1
    assert "0 of 2 converged" in result.stdout


def test_relax_prints_one_line_a_molecule_of_80_characters_at_most():
    lines = molopt("relax", "CCO", "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC", "--steps", "2").stdout.splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 80 for line in lines[:3])


def test_relax_stops_by_energy_left_unless_told_otherwise():
    calls = []
    for given, least, most in ((["none"], 0.005, 1.0), (["0.005"], 0.0, 0.005), ([], 0.0, 0.001)):
        options = [f"--energy-left={limit}" for limit in given]
        result = molopt("relax", "aladip", "--optimizer", "bfgs", "--json", "--overwrite", *options)
        (record,) = json.loads(result.stdout)
        assert least < record["energy_left"]["energy"] <= most  # on fmax alone, BFGS stops on a plateau
        calls.append(record["force_calls"])
    assert calls == sorted(calls)


def test_relax_says_what_the_end_is_in_table_json_and_sdf_unless_it_is_not_to_look():
    for options, word, mark in (((), "minimum", ""), (("--check", "none"), "unchecked", "?")):
        columns = molopt("relax", "CCO", "--overwrite", *options).stdout.splitlines()[1].split()
        (record,) = json.loads(molopt("relax", "CCO", "--overwrite", "--json", *options).stdout)
        (mol,) = Chem.SDMolSupplier("molopt-relax-C2H6O/relaxed.sdf")
        assert columns[1] == record["verdict"]["stationary"] == mol.GetProp("stationary") == word
        assert columns[-2].removesuffix("?") + mark == columns[-2]
        assert (record["curvature"] is None) == (word == "unchecked") != mol.HasProp("lowest_curvature_eV_per_A2")


@needs_tblite
def test_a_saddle_that_remains_exits_with_1_and_one_that_was_only_to_be_named_with_0(here):
    start = Molecule.from_smiles("Cl/C=C/F", name="flat")  # as a triplet it is a saddle; off it, the bond turns
    flat = start.positions - start.positions.mean(axis=0)
    flat = flat @ np.linalg.svd(flat)[2].T * [1, 1, 0]
    (here / "flat.sdf").write_text(start.with_positions(flat).to_sdf())
    options = ("--spin", "3", "--potential", "gfn2-xtb", "--energy-left", "none", "--overwrite")
    molopt("relax", "flat.sdf", *options, "--check", "none")
    (here / "molopt-relax-flat" / "relaxed.sdf").rename(here / "flat.sdf")  # at rest on the saddle
    for check, code in (("auto", 1), ("report", 0)):
        ran = molopt("relax", "flat.sdf", *options, "--check", check)
        assert ran.exit_code == code, ran.output
        assert ran.stdout.splitlines()[1].split()[1] == "saddle"
    assert molopt("check", "molopt-relax-flat/relaxed.xyz", "--spin", "3", "--potential", "gfn2-xtb").exit_code == 1


def test_a_check_may_have_other_limits_and_any_other_is_one_line():
    (record,) = json.loads(molopt("relax", "aladip", "--check", "auto?calls=1&pushes=1", "--json").stdout)
    assert record["curvature"]["calls"] <= 1
    assert "did you mean calls" in one_line("relax", "C", "--check", "auto?call=12")
    assert "got 'always'" in one_line("relax", "C", "--check", "always")


def test_relax_takes_coordinates():
    for given, name in (("internal", "adam/internal"), ("cartesian", "adam")):
        arguments = ("relax", "CCO", "--optimizer", "adam", "--coordinates", given, "--json", "--out", given)
        (record,) = json.loads(molopt(*arguments).stdout)
        assert record["optimizer"].partition("?")[0] == name
    assert "is ASE's, and Cartesian" in one_line("relax", "C", "--optimizer", "bfgs", "--coordinates", "internal")


def test_compare_shows_the_energy_left_of_every_row():
    lines = molopt(
        "compare", "aladip", "--potential", "mmff94", "--optimizers", "default,bfgs,fire"
    ).stdout.splitlines()
    end = {line.split()[0]: line.split()[1 if "ASE" not in line else 2] for line in lines[3:6]}
    left = {line.split()[0]: line.split()[-2] for line in lines[3:6]}
    assert end == {"default": "minimum", "bfgs": "saddle", "fire": "saddle"}  # by Hessians that are not counted
    assert left["default"].endswith("?")  # no run looked at the curvature itself
    assert float(left["default"][:-1]) < 2
    assert left["bfgs"] == left["fire"] == "-"  # there is no floor below a saddle that its forces could tell


def test_relax_takes_names_files_folders_and_smiles_together(here):
    (here / "water.xyz").write_text(WATER_XYZ)
    (here / "folder").mkdir()
    (here / "folder" / "list.smi").write_text("CCO ethanol\nCO methanol\n")
    result = molopt("relax", "aladip", "water.xyz", "folder", "C methane", "--out", "out", "--steps", "5", "--separate")
    assert result.exit_code == 1, result.output
    stems = {path.stem for path in (here / "out").glob("*.sdf")}
    assert stems == {"aladip", "water", "ethanol", "methanol", "methane"}


def test_json_keys_are_the_fields_of_a_result_and_nothing_else_is_printed():
    for record in json.loads(molopt("relax", "CO", "--json").stdout):
        expected = dict.fromkeys(
            ["place", "where", "name", "smiles", "failed", *Result.__dataclass_fields__, "converged", "ended"]
        )
        assert list(record) == list(expected)
        assert len(record["trace"]["energy"]) == record["force_calls"]


def test_json_of_a_comparison_is_each_run_without_its_geometries():
    command = ["compare", "CO", "--potential", "mmff94", "--optimizers", "adam,bfgs", "--json"]
    records = json.loads(molopt(*command).stdout)
    assert [record["optimizer"].partition("?")[0] for record in records] == ["adam", "bfgs"]
    for record in records:
        assert {"molecule", "potential", "ended", "energy", "energy_left", "fmax", "key"} <= set(record)
        assert len(record["energies"]) == len(record["forces"]) == record["force_calls"]


def test_guesses_are_noted_on_standard_error_and_not_in_the_json(here):
    (here / "water.xyz").write_text(WATER_XYZ)
    result = molopt("relax", "water.xyz", "--json")
    assert "note: water: no charge is given, using 0" in result.stderr
    json.loads(result.stdout)


def test_names_of_molecules_cannot_lead_out_of_the_folder(here):
    (here / "hostile.smi").write_text("C ../up\nC a/b\nC a b\nC A_B\nC <script>\nC \u00e9\u4e2d\n" + f"C {'x' * 300}\n")
    assert molopt("relax", "hostile.smi", "--out", "out", "--separate").exit_code == 0
    assert len(list((here / "out").glob("*.sdf"))) == 7
    assert [path.name for path in here.iterdir() if path.name not in ("hostile.smi", "out")] == []


def test_a_molecule_whose_potential_fails_at_the_start_is_a_line_and_not_the_end(here):
    (here / "failing.py").write_text(
        "from ase.calculators.morse import MorsePotential\n"
        "class Failing(MorsePotential):\n"
        "    def calculate(self, *args, **kwargs):\n"
        "        raise RuntimeError('no convergence in 250 iterations')\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(here))
        result = molopt("relax", "CO", "CCO", "--potential", "failing:Failing", "--out", "out")
        assert result.exit_code == 1
        assert result.stdout.count("no convergence in 250 iterations") == 2
        reasons = (here / "out" / "failures.csv").read_text().splitlines()[1:]
        assert len(reasons) == 2
        assert all("no convergence in 250 iterations" in reason for reason in reasons)
        result = molopt("compare", "CO", "--potential", "failing:Failing", "--optimizers", "adam,bfgs", "--out", "both")
        assert result.exit_code == 0, result.output
        assert result.stdout.count("failed") == 4  # two rows of the table, and two reasons


def test_compare_prints_a_table_of_80_characters_and_writes_structures_trajectories_and_a_figure(here):
    result = molopt("compare", "CCO ethanol", "--potential", "mmff94", "--potential", "uff", "--steps", "40")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines[:-1])
    for optimizer in ("default", "adam/internal", "heavy-ball/internal", "adam", "momentum"):
        assert sum(line.startswith(f"{optimizer} ") for line in lines) == 2
    assert sum("(ASE)" in line for line in lines) == 6
    folder = here / "molopt-compare-ethanol"
    assert (folder / "ethanol.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.glob("ethanol_*.sdf"))) == len(list(folder.glob("ethanol_*.traj"))) == 16
    assert len(ase.io.read(folder / "ethanol_uff_momentum.traj", ":")) == 41


@needs_tblite
def test_compare_takes_mmff94_and_gfn2_xtb_by_default():
    records = json.loads(molopt("compare", "O", "--optimizers", "adam", "--json").stdout)
    assert [record["potential"] for record in records] == ["mmff94", "gfn2-xtb"]


def test_compare_says_in_one_line_which_install_brings_gfn2_xtb(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite.ase", None)
    monkeypatch.setitem(sys.modules, "tblite", None)
    result = molopt("compare", "O", "--optimizers", "adam", "--json")
    assert [record["potential"] for record in json.loads(result.stdout)] == ["mmff94"]
    assert result.stderr.count("\n") == 1
    assert "pip install 'molopt[xtb]'" in result.stderr


def test_compare_runs_an_optimizer_with_several_arguments():
    records = json.loads(
        molopt("compare", "O", "--potential", "uff", "--optimizers", "adam,adam?lr=0.05,Adam", "--json").stdout
    )
    assert ["lr=0.05" in record["optimizer"] for record in records] == [False, True]


def test_the_table_of_an_optimizer_with_a_long_name_fits_80_characters():
    long = "adam?lr=0.025&b1=0.8&b2=0.99&eps=1e-6"
    lines = molopt("compare", "O", "--potential", "uff", "--optimizers", f"bfgs,{long}").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines[:-1])
    assert "end" in lines[2].split()


def test_molecules_lists_what_ships():
    listed = molopt("molecules").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == shipped_names()
    rows = json.loads(molopt("molecules", "--json").stdout)
    spermine = next(row for row in rows if row["name"] == "spermine")
    assert set(spermine) == {"name", "formula", "atoms", "rotatable_bonds", "charge"}
    assert spermine["rotatable_bonds"] == 11


def test_nothing_is_on_standard_error_when_it_is_no_terminal():
    assert [line for line in molopt("relax", "CO").stderr.splitlines() if "compiling the kernels" not in line] == []


def test_what_is_said_of_single_steps_is_not_a_note():
    package = Path(terminal.__file__).parents[1]
    steps = [*(package / "coordinates").rglob("*.py"), *(package / "optimizers").glob("*.py")]
    reporting = {path.stem for path in steps if "log.info" in path.read_text()}
    assert reporting - set(terminal.RUNNING) == {"meeting_constraints"}  # which says where a run begins
    assert set(terminal.RUNNING) <= reporting


# Bad input: one line, exit code 2, nothing written


@pytest.mark.parametrize("command", ["relax", "compare"])
def test_a_smiles_that_cannot_be_read_is_shown_with_the_place(command):
    said = complaint(command, "CC(C)X")
    assert said == "molopt: cannot read the SMILES 'CC(C)X': syntax error at character 6\n  CC(C)X\n       ^\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["C[Se]C"], "atom no. 2 (Se)"),
        (["C[CH2]"], "radicals"),
        (["peg5"], "did you mean peg4"),
        (["missing.sdf"], "there is no file 'missing.sdf'"),
        (["C", "--charge", "1"], "contradicts its formal charges"),
        (["C", "--fmax", "0"], "fmax must be positive"),
        (["C", "--fmax", "nan"], "fmax must be a finite number"),
        (["C", "--fmax=-0.1"], "fmax must be positive"),
        (["C", "--energy-left", "soon"], 'energy_left must be "auto", None or a number of eV'),
        (["C", "--energy-left=-1"], "energy_left must be positive"),
        (["C", "--steps", "0"], "steps must be positive"),
        (["C", "--steps=-5"], "steps must be positive"),
        (["C", "--steps", "many"], "'many' is not a valid integer"),
        (["C", "--potential", "mmf94"], "did you mean mmff94"),
        (["C", "--potential", "gfn2-xtb?accuracy=0.05&spam=1"], "no keyword 'spam'"),
        (["C", "--potential", "nowhere:Calculator"], "cannot import nowhere"),
        (["C", "--potential", "ase.calculators.calculator:Calculator"], "gives no forces"),
        (["C", "--seed=-1"], "seed must be at least 0"),
        (["C", "--spin", "2"], "cannot have multiplicity 2"),
        (["C", "--nonsense"], "--nonsense"),
        ([""], "nothing to read"),
    ],
)
@pytest.mark.parametrize("command", ["relax", "compare"])
def test_bad_input_gets_one_line(command, arguments, named):
    if any("gfn" in argument for argument in arguments) and not HAS_TBLITE:
        pytest.skip("tblite is not installed: pip install 'molopt[xtb]'")
    assert named in one_line(command, *arguments)


@pytest.mark.parametrize(
    ("optimizer", "named"),
    [
        ("adm", "did you mean adam"),
        ("adamw", "weight decay"),
        ("adam?lr=0", "lr must be positive, got 0"),
        ("adam?lr=-0.1", "lr must be positive, got -0.1"),
        ("adam?lr=fast", "lr must be a finite number, got 'fast'"),
        ("adam?b1=1", "b1 must be at least 0 and less than 1"),
        ("adam?rate=1", "adam has no argument 'rate'"),
        ("adam?correction=false", "correction of adam must be True or False"),
        ("adam?control=some", "control must be none"),
        ("adam?lr", "is not key=value"),
        ("bfgs?maxstep=0", "maxstep must be positive"),
        ("bfgs?lr=0.1", "bfgs has no argument 'lr'"),
        ("", "has no name"),
    ],
)
def test_an_optimizer_that_cannot_be_gets_one_line(optimizer, named):
    assert named in one_line("relax", "C", "--optimizer", optimizer)
    assert named in one_line("compare", "C", "--optimizers", f"bfgs,{optimizer}")


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("empty.sdf", "", "is empty"),
        ("empty.xyz", "", "is empty"),
        ("empty.smi", "\n\n", "is empty"),
        ("truncated.xyz", "3\n\nO 0 0 0\nH 0.96 0 0\n", "it declares 3 atoms and has 2"),
        ("truncated.sdf", "\n".join(Molecule.from_smiles("CO").to_sdf().splitlines()[:6]), "truncated"),
        ("spot.xyz", "2\n\nH 0 0 0\nH 0 0 0\n", "0.000 A apart"),
        ("nan.xyz", "2\n\nH 0 0 0\nH nan 0 0.7\n", "coordinates must be finite"),
        ("element.xyz", "1\n\nXx 0 0 0\n", "element.xyz"),
        ("bad.smi", "CC(\n", "bad.smi, line 1"),
        ("notes.txt", "CCO", "its name must end in"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_line_and_its_name(here, name, text, named):
    (here / name).write_text(text)
    said = complaint("relax", name)
    assert named in said
    assert name in said
    assert len(said.splitlines()) == (3 if name == "bad.smi" else 1)  # a SMILES is shown with a caret under it


def test_a_radical_from_an_xyz_file_is_refused_by_mmff_in_one_line(here):
    ase.io.write("methyl.xyz", Atoms("CH3", [[0, 0, 0], [1.08, 0, 0], [-0.54, 0.935, 0], [-0.54, -0.935, 0]]))
    assert "mmff94" in one_line("relax", "methyl.xyz")


@needs_tblite
def test_a_charge_that_xtb_cannot_have_is_refused(here):
    (here / "water.xyz").write_text(WATER_XYZ)
    assert "cannot have multiplicity" in one_line(
        "relax", "water.xyz", "--potential", "gfn2-xtb", "--charge", "1", "--spin", "1"
    )
    assert "electrons" in one_line("relax", "water.xyz", "--potential", "gfn2-xtb", "--charge", "9")


def test_a_missing_extra_says_which_install_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite.ase", None)
    monkeypatch.setitem(sys.modules, "tblite", None)
    assert "pip install 'molopt[xtb]'" in one_line("relax", "C", "--potential", "gfn2-xtb")


def test_a_file_that_exists_is_not_replaced_unless_asked(here):
    (here / "out").mkdir()
    (here / "out" / "relaxed.xyz").write_text("mine")
    assert "out is not empty" in one_line("relax", "C", "CO", "--out", "out")
    assert molopt("relax", "CO", "--out", "out", "--overwrite").exit_code == 0
    assert (here / "out" / "relaxed.xyz").read_text() != "mine"


def test_a_folder_that_holds_something_is_not_written_into_unless_asked(here):
    (here / "study").mkdir()
    (here / "study" / "notes").write_text("mine")
    arguments = ["compare", "CO", "--potential", "uff", "--optimizers", "adam", "--out", "study"]
    assert "not empty" in one_line(*arguments)
    assert molopt(*arguments, "--overwrite").exit_code == 0
    assert (here / "study" / "notes").read_text() == "mine"
    assert "is not a folder" in one_line("relax", "CO", "--out", "study/notes")


def test_a_bad_record_is_named_and_passed_over_unless_that_is_to_be_an_error(here):
    (here / "list.smi").write_text("C methane\nO water\nN ammonia\nC(\nCO methanol\n")
    result = molopt("relax", "list.smi", "--out", "out", "--json")
    assert result.exit_code == 1
    *good, bad = sorted(json.loads(result.stdout), key=lambda record: record["failed"] is not None)
    assert {record["name"] for record in good} == {"methane", "water", "ammonia", "methanol"}
    assert bad["failed"].startswith("cannot read the SMILES 'C('")
    assert (here / "out" / "failures.csv").read_text().splitlines()[1].startswith('3,"list.smi, line 4",')
    strict = molopt("relax", "list.smi", "--out", "strict", "--strict")
    assert (strict.exit_code, strict.stderr.count("list.smi, line 4: ")) == (2, 1)


def test_a_command_without_molecules_says_so():
    assert "give molecules to relax, or --resume FOLDER" in one_line("relax")
    assert "give molecules to compare, or --resume STUDY" in one_line("compare")


def test_an_unknown_command_gets_one_line():
    assert "relux" in one_line("relux", "C")


# A process of its own


def test_the_command_is_installed_and_refuses_bad_input_without_a_traceback():
    ran = subprocess.run([sys.executable, "-m", "molopt", "relax", "C("], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr


def test_the_version_is_that_of_the_package():
    import molopt as package

    assert molopt("--version").stdout == f"molopt, version {package.__version__}\n"


# The charge


def bare_ion(text=""):
    """An XYZ of methylammonium, with nothing said but what is in `text`."""
    from pathlib import Path

    ion = Molecule.from_smiles("C[NH3+]")
    rows = zip(ion.atoms().symbols, ion.positions, strict=True)
    lines = [f"{symbol} {x} {y} {z}" for symbol, (x, y, z) in rows]
    Path("ion.xyz").write_text("\n".join([str(len(ion)), text, *lines]) + "\n")
    return "ion.xyz"


@needs_tblite
def test_a_charge_in_the_name_of_the_potential_is_that_of_a_file_that_says_nothing():
    result = molopt("relax", bare_ion(), "--potential", "gfn2-xtb?charge=1", "--json")
    (said,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert said["molecule"]["smiles"] == "C[NH3+]"
    assert (said["molecule"]["charge"], said["molecule"]["spin"]) == (1, 1)


@needs_tblite
@pytest.mark.parametrize("command", ["relax", "compare"])
def test_charges_that_contradict_each_other_stop_the_command_line(command):
    name = "gfn2-xtb?charge=1"
    assert "says charge 1, the molecule has 0" in one_line(command, "CCO", "--potential", name)
    text = 'Properties=species:S:1:pos:R:3 charge=0 spin=2 pbc="F F F"'
    said = one_line(command, bare_ion(text), "--potential", name)
    assert "charge 0" in said or "charge 1" in said
    assert "--charge" in said


# Criteria by name


def test_criteria_by_name_go_on_until_they_are_met(here):
    reached = {}
    for criteria in ("fmax=0.05,left=none", "geometric:GAU", "gaussian:verytight"):
        (record,) = json.loads(molopt("relax", "CCO", "--criteria", criteria, "--json", "--out", criteria).stdout)
        assert record["converged"]
        reached[criteria] = record["fmax"]
    assert sorted(reached, key=reached.get, reverse=True) == list(reached)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--criteria", "gausian:tight"], "'gausian:tight' is not a criterion; did you mean gaussian:SET?"),
        (["--criteria", "gaussian:tigt"], "Gaussian has no set 'tigt'; did you mean tight"),
        (["--criteria", "fmax=0"], "must be positive"),
        (["--criteria", "left=soon"], "a criterion is a number above 0, got 'soon'"),
        (["--criteria", "fmax=0.1,fmax=0.2"], "is not a criterion"),
        (["--criteria", "gaussian", "--fmax", "0.1"], "--criteria says it all: drop --fmax and --energy-left"),
    ],
)
def test_criteria_that_cannot_be_get_one_line(options, said):
    assert said in one_line("relax", "C", *options)


# Potentials


@needs_tblite
def test_potentials_say_what_they_cost_and_which_atoms_they_know():
    listed = json.loads(molopt("potentials", "--json").stdout)
    assert [row["name"] for row in listed] == potential_names()
    assert all(row["milliseconds"] > 0 and row["atoms"] for row in listed)
    table = molopt("potentials").stdout
    assert all(len(line) <= 80 for line in table.splitlines())


def test_potentials_that_need_an_extra_say_which_install_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite.ase", None)
    monkeypatch.setitem(sys.modules, "tblite", None)
    *_, last = json.loads(molopt("potentials", "--json").stdout)
    assert (last["name"], last["milliseconds"], "molopt[xtb]" in last["needs"]) == ("gfn1-xtb", None, True)
