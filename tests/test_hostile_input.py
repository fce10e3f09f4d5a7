"""What others made: control sequences in names, numbers without sense, pipes and links, words that are not SMILES."""

import os
import pickle
import pty
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import pytest
from ase import Atoms
from click.testing import CliRunner

from molopt.cli import main
from molopt.errors import InputError
from molopt.molecules import Molecule, read
from molopt.molecules.embedding import MOST_ATOMS
from molopt.molecules.smiles import LONGEST_SMILES, parse_smiles
from molopt.naming import Stems, safe
from molopt.specification import parse

HOSTILE = "x\x1b[2J\r\u202e\x9b1m\u2028\x07" + "y" * 3000
WATER = [("O", 0, 0, 0), ("H", 0.96, 0, 0), ("H", -0.24, 0.93, 0)]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def molopt(*arguments):
    return CliRunner().invoke(main, list(arguments))


def one_line(*arguments):
    """The line of a command that refuses its input at once."""
    start = time.process_time()
    result = molopt(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert time.process_time() - start < 5
    assert result.stderr.startswith("molopt: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.rstrip("\n").isprintable()
    return result.stderr


def raw(text):
    """The characters of a text that a terminal would obey and not show."""
    return {character for line in text.split("\n") for character in line if not character.isprintable()}


def water(path, comment="", columns="", values=("", "", "")):
    rows = [f"{' '.join(map(str, atom))} {value}" for atom, value in zip(WATER, values, strict=True)]
    said = f"Properties=species:S:1:pos:R:3{columns} {comment}"
    Path(path).write_text("\n".join(["3", said, *rows, ""]), encoding="utf-8")
    return path


# Names on a terminal


def study(name=HOSTILE):
    Path("list.smi").write_bytes(f"C {name}\n".replace("\r", "").encode())
    return ["compare", "list.smi", "--potential", "uff", "--optimizers", "bfgs", "--steps", "2", "--out", "study"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["relax", f"CO {HOSTILE}", "--steps", "2"],
        ["relax", f"C[Se]C {HOSTILE}"],
        ["relax", f"CO(C {HOSTILE}"],
        ["relax", f"C{HOSTILE}"],
        ["relax", f"{HOSTILE}.sdf"],
        ["relax", f"folder/{HOSTILE}"],
        ["relax", "C", "--charge", "1", "--out", HOSTILE],
        ["relax", "C", "--steps", "1", "--out", HOSTILE[:100]],
        ["relax", "C", "--optimizer", HOSTILE],
        ["relax", "C", "--optimizer", f"adam?lr={HOSTILE}"],
        ["relax", "C", "--potential", HOSTILE],
        ["relax", "C", "--potential", f"os:{HOSTILE}"],
        ["relax", "C", "--surrogate", HOSTILE],
        ["relax", "C", "--steps", HOSTILE],
        ["relax", "C", f"--{HOSTILE}"],
        ["relax", "C", "--spin", "7", f"CO {HOSTILE}"],
        ["compare", f"CO(C {HOSTILE}"],
        ["compare", "C", "--sweep", HOSTILE],
        ["compare", "C", "--resume", HOSTILE],
        ["compare", "--resume", HOSTILE],
        ["report", HOSTILE],
        ["export", HOSTILE, "--write", "a.csv"],
        ["fit-stiffness", HOSTILE, "--write", "a.json"],
        [HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).encode("unicode_escape").decode()[:50],
)
def test_no_command_sends_a_name_to_the_terminal_that_it_would_obey(arguments):
    result = molopt(*arguments)
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert not raw(result.output)
    assert all(len(line) <= 1000 for line in result.output.splitlines())


def test_no_command_on_a_study_sends_its_names_to_the_terminal():
    for arguments in (study(), ["report", "study"], ["export", "study", "--write", f"{HOSTILE[:50]}.csv"]):
        result = molopt(*arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        assert not raw(result.output)
    assert not raw(molopt("compare", "--resume", "study").output)


def test_what_fit_stiffness_leaves_out_is_named_and_does_not_reach_the_terminal():
    Path("list.smi").write_bytes(b"C[Se]C a\x1b[2J\n" * 10)
    result = molopt("fit-stiffness", "list.smi", "--potential", "mmff94", "--write", "a.json", "--workers", "1")
    assert result.stderr.count("left out: a\\x1b[2J: ") == 10
    assert not raw(result.output)


def on_terminal(*arguments):
    """What a terminal is sent by a command of its own."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "molopt", *arguments], stdin=follower, stdout=follower, stderr=follower, close_fds=True
    )
    os.close(follower)
    sent = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        sent += block
    os.close(leader)
    return process.wait(), sent.decode()


def test_a_terminal_with_its_line_of_progress_is_sent_no_control_sequences_from_names():
    Path("list.smi").write_bytes(b"C a\nOC=O x\x1b[2J\xe2\x80\xae\xc2\x9b1m\n" + b"CC(\x1b[2J b\n")
    code, sent = on_terminal("relax", "list.smi")
    assert code == 1
    assert "is not a SMILES: '\\x1b' at character 4 cannot be in one" in sent
    code, sent = on_terminal("relax", "C a", "OC=O x\x1b[2J\u202e\x9b1m", "--steps", "20")
    assert code == 0
    assert "x\\x1b[2J" in sent
    assert "x\x1b" not in sent
    assert not {"\u202e", "\x9b"} & set(sent)


def test_a_terminal_that_does_not_know_a_letter_is_sent_its_escape():
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "molopt", "relax", "C é中", "--steps", "1"]
    ran = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert b"Traceback" not in ran.stderr
    assert b"\xe9\\u4e2d" in ran.stdout


def test_a_picture_of_a_long_smiles_shows_the_place_and_not_all_of_it():
    with pytest.raises(InputError) as caught:
        parse_smiles("C" * 3000 + "X" + "C" * 3000)
    shown, carets = caught.value.picture.splitlines()
    assert len(shown) < 80
    assert shown[carets.index("^")] == "X"
    assert len(caught.value.message) < 200


def test_a_picture_travels_between_processes():
    with pytest.raises(InputError) as caught:
        parse_smiles("CC(C")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.message, copy.picture) == (caught.value.message, caught.value.picture)


# Numbers and keys without sense


@pytest.mark.parametrize(
    ("comment", "columns", "values", "said"),
    [
        ("charge=-1e30", "", [""] * 3, "charge must be a whole number of at most 1e+06, got -1e+30"),
        ("charge=-1000", "", [""] * 3, "charge -1000 adds more electrons than the 10 that it has"),
        ("charge=nan", "", [""] * 3, "charge must be a whole number"),
        ('charge="1 2"', "", [""] * 3, "charge must be a whole number"),
        ("spin=1000000000", "", [""] * 3, "spin must be a whole number of at most 1e+06"),
        ("spin=99", "", [""] * 3, "cannot have multiplicity 99"),
        ("", ":initial_charges:R:1", ("nan", "0", "0"), "its initial charges add up to nan; they must be finite"),
        (
            "",
            ":initial_charges:R:1",
            ("1e300", "0", "0"),
            "the sum of its initial charges must be a whole number",
        ),
        ("", ":initial_magmoms:R:1", ("inf", "0", "0"), "its initial magmoms add up to inf; they must be finite"),
    ],
)
def test_absurd_charges_and_moments_of_a_file_get_one_line(comment, columns, values, said):
    assert said in one_line("relax", water("water.xyz", comment, columns, values))


@pytest.mark.parametrize("option", ["--charge", "--spin"])
def test_absurd_numbers_of_an_option_get_one_line(option):
    for source in ("CO", water("water.xyz"), "aladip"):
        one_line("relax", source, option, "99999999999999999999")


@pytest.mark.parametrize("count", ["99999999999999999999999", "9" * 5000, "-3", "1e3", "3.0", "", "\x00", "0"])
def test_absurd_counts_of_atoms_get_one_line(count):
    Path("water.xyz").write_text(f"{count}\n\nO 0 0 0\n")
    one_line("relax", "water.xyz")


@pytest.mark.parametrize("value", ["1e300", "-1e300", "1e5", "nan", "inf"])
def test_a_coordinate_beyond_what_an_sdf_can_say_gets_one_line(value):
    Path("far.xyz").write_text(f"2\n\nO 0 0 0\nH {value} 0 0\n")
    assert "coordinates must be finite numbers of at most 9999 A" in one_line("relax", "far.xyz")


def test_a_name_of_numbers_is_a_name():
    (molecule,) = read(water("water.xyz", 'name="1 2 3"'))
    assert molecule.name == "1 2 3"
    atoms = Atoms("H2O", positions=[atom[1:] for atom in (WATER[1], WATER[2], WATER[0])])
    atoms.info["name"] = ["a", "b"]
    assert Molecule.from_atoms(atoms).name == "a b"


@pytest.mark.parametrize(
    "bonds", ["[[0,1,-3]]", "[[0,1,99]]", "[[0,9,1]]", "[[0,0,1]]", "{}", "[[-1,0,1]]", "[[0,1,1],[0,1,1]]"]
)
def test_bonds_of_a_file_that_cannot_be_are_perceived_anew(bonds, caplog):
    (molecule,) = read(water("water.xyz", f'bonds="_JSON {bonds}"'))
    assert molecule.smiles == "O"
    assert "the bonds in its info do not fit its atoms" in caplog.text


def test_bytes_that_are_not_utf8_get_one_line_or_a_name():
    Path("list.smi").write_bytes(b"C\xff\xfeC m\n")
    assert "is not a SMILES: '\\ufffd' at character 2 cannot be in one" in one_line("relax", "list.smi")
    text = Molecule.from_smiles("CO").to_sdf().encode()
    Path("element.sdf").write_bytes(text.replace(b" C  ", b" \xef  "))
    assert "element.sdf, record 1: RDKit cannot read it" in one_line("relax", "element.sdf")
    Path("block.sdf").write_bytes(text.replace(b"0.0", b"\xef\xbf\xa30", 1))
    one_line("relax", "block.sdf")
    Path("title.sdf").write_bytes(text.replace(b"CH4O", b"\xff\xfe", 1))
    assert [molecule.name for molecule in read("title.sdf")] == ["\ufffd\ufffd"]


def test_an_xyz_file_with_a_mark_of_bytes_dos_lines_and_tabs_is_read():
    text = Path(water("water.xyz")).read_text().replace("\n", "\r\n").replace(" 0", "\t0")
    Path("water.xyz").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [len(molecule) for molecule in read("water.xyz")] == [3]


@pytest.mark.parametrize(
    "literal", ["(" * 10_000, "[" * 200, "-" * 900 + "1", "{[]: 1}", "9" * 5000, "...", "b'x'", "{1, 2}"]
)
def test_an_absurd_literal_is_text_and_not_a_traceback(literal):
    assert parse(f"adam?lr={literal}")[1]["lr"] == literal
    assert "lr must be a finite number" in one_line("relax", "C", "--optimizer", f"adam?lr={literal}")


def test_conditions_of_rdkit_that_fail_get_one_line():
    assert "RDKit cannot use the SMILES '[SiH500]'" in one_line("relax", "[SiH500]")
    Path("order.sdf").write_text(Molecule.from_smiles("CO").to_sdf().replace("  1  2  1", "  1  2  7"))
    assert "UFF cannot be used for CH4O: bad bond order" in one_line("relax", "order.sdf", "--potential", "uff")


def test_an_integer_of_hundreds_of_digits_gets_one_line():
    assert "lr must be a finite number" in one_line("relax", "C", "--optimizer", f"adam?lr={'1' * 400}")


# Sizes


def test_a_smiles_of_a_hundred_thousand_atoms_is_refused_at_once():
    assert f"has 100000 characters, and at most {LONGEST_SMILES} are read" in one_line("relax", "C" * 100_000)
    Path("long.smi").write_text("C" * 100_000 + " long\n")
    assert "give a large molecule as an SDF with a 3D geometry" in one_line("relax", "long.smi")
    assert "has 100000 characters" in one_line("compare", "C(" * 50_000)


def test_a_molecule_too_large_to_embed_is_refused_at_once_with_the_remedy():
    said = one_line("relax", "C" * 1000)
    assert f"has 3002 atoms, and a geometry is made for at most {MOST_ATOMS}: give an SDF with a 3D geometry" in said


def test_an_error_at_the_end_of_the_longest_smiles_is_found_in_time():
    result = molopt("relax", "C(" * (LONGEST_SMILES // 2))
    assert result.exit_code == 2


def test_files_that_would_take_minutes_to_parse_are_refused_at_once():
    text = Molecule.from_smiles("CO").to_sdf().replace("$$$$\n", "")
    Path("fields.sdf").write_text(text + "".join(f">  <p{n}>\nv\n\n" for n in range(100_000)) + "$$$$\n")
    assert "it has 100002 data fields; at most 1000 are read" in one_line("relax", "fields.sdf")
    water("comment.xyz", "x=1 " * 500_000)
    assert "its second line has 2000032 characters; at most 1000000 are read" in one_line("relax", "comment.xyz")


# What is not a file


@pytest.fixture
def strange(here):
    os.mkfifo("pipe.xyz")
    Path("zero.smi").symlink_to("/dev/zero")
    Path("many").mkdir()
    os.mkfifo("many/pipe.sdf")
    return here


@pytest.mark.parametrize("name", ["study.json", "runs.db", "runs.db-journal", "runs.db-wal"])
def test_a_pipe_in_a_study_is_not_waited_for(name):
    assert molopt(*study("x")).exit_code == 0
    Path("study", name).unlink(missing_ok=True)
    os.mkfifo(Path("study", name))
    one_line("report", "study")
    one_line("compare", "--resume", "study")


def test_a_database_with_a_table_whose_name_is_not_utf8_gets_one_line():
    assert molopt(*study("x")).exit_code == 0
    path = Path("study", "runs.db")
    path.write_bytes(path.read_bytes().replace(b"tablespecies", b"table\xffpecies"))
    assert "is damaged ('text that is not UTF-8')" in one_line("export", "study", "--write", "a.csv")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("pipe.xyz", "pipe.xyz is a named pipe: give a plain file"),
        ("zero.smi", "zero.smi is a device: give a plain file"),
        ("many", "many/pipe.sdf is a named pipe: give a plain file"),
        ("/dev/null", "/dev/null is a device: give a plain file"),
    ],
)
@pytest.mark.parametrize("command", ["relax", "compare"])
def test_a_pipe_or_a_device_is_named_and_not_waited_for(strange, command, source, said):
    assert said in one_line(command, source)


def test_a_pipe_or_a_device_is_not_written_to(strange):
    assert "is not a folder" in one_line("relax", "C", "--out", "pipe.xyz")
    assert "is not a folder" in one_line("relax", "C", "--out", "/dev/null")
    os.makedirs("out")
    os.mkfifo("out/CH4.xyz")
    assert "CH4.xyz is a named pipe" in molopt("relax", "C", "--out", "out", "--separate", "--overwrite").stderr
    assert "is a named pipe" in one_line("fit-stiffness", "pipe.xyz", "--write", "a.json")


def test_a_link_that_leads_out_of_the_folder_is_not_written_through(here):
    (here / "mine").write_text("mine")
    (here / "out").mkdir()
    for source, name, target in (("C", "CH4.sdf", here / "mine"), ("O", "H2O.traj", here / "made")):
        (here / "out" / name).symlink_to(target)
        said = molopt("relax", source, "--out", "out", "--separate", "--trajectories", "--overwrite")
        assert (said.exit_code, f"{name} is a link" in said.stderr) == (2, True)
    (here / "out" / "relaxed.csv").symlink_to(here / "mine")
    assert molopt("relax", "N", "--out", "out", "--overwrite").exit_code == 0
    assert (here / "mine").read_text() == "mine"
    assert not (here / "made").exists()


def test_a_study_of_someone_else_cannot_make_others_write_through_its_links(here):
    (here / "mine").write_text("mine")
    arguments = study("x")
    assert molopt(*arguments).exit_code == 0
    for link in ("report.html.part", "x_uff_bfgs.traj"):
        (here / "study" / link).unlink(missing_ok=True)
        (here / "study" / link).symlink_to(here / "mine")
    assert molopt("report", "study").exit_code == 0
    assert "x_uff_bfgs.traj is a link" in molopt(*arguments, "--overwrite").stderr
    assert (here / "mine").read_text() == "mine"


def test_a_folder_that_holds_a_link_to_itself_is_read_once(here):
    (here / "many").mkdir()
    water("many/water.xyz")
    (here / "many" / "loop.xyz").symlink_to(".")
    assert len(list(read("many"))) == 1


# Names that are paths or breaks


def test_names_of_devices_and_paths_become_names_of_files():
    stems = Stems()
    given = ["../../x", "/etc/passwd", "CON", "con", "aux.sdf", "..", "a/../b", "-rf", "x\x00y", "C:\\x", "~"]
    found = [stems.new(name) for name in given]
    assert len({name.lower() for name in found}) == len(given)
    assert all(name.partition(".")[0].upper() not in ("CON", "AUX") for name in found)
    assert all(set(name).isdisjoint("/\\:~\0") and not name.startswith(("-", ".")) for name in found)
    assert safe("naproxen") == "naproxen"


@pytest.mark.parametrize("name", ["a\nb", "a\r\x85\u2028b", "$$$$ b", "a \udcff", "M  END", "> <charge>", "\x00"])
def test_a_name_does_not_break_the_files_that_hold_it(name, here):
    molecule = Molecule.from_smiles("CC(=O)[O-]", name=name)
    (here / "a.sdf").write_text(molecule.to_sdf() * 2, encoding="utf-8")
    assert [(found.name, found.charge) for found in read("a.sdf")] == [(molecule.name, -1)] * 2
    ase.io.write("a.xyz", molecule.atoms(), format="extxyz")
    assert [found.charge for found in read("a.xyz")] == [-1]


def test_names_of_files_are_names_of_molecules_whatever_their_bytes(here):
    water(os.fsdecode(b"a\xff\nb\x1b[2J.xyz"))
    result = molopt("relax", os.fsdecode(b"a\xff\nb\x1b[2J.xyz"), "--out", "out")
    assert result.exit_code == 0, (result.output, result.exception)
    assert not raw(result.output)
    assert len(list((here / "out").iterdir())) == 5


# Words


@pytest.mark.parametrize(
    "word", ["naproxen", "Ibuprofen", "acetic acid", "2-methylbutane", "N,N-dimethylaniline", "H2O", "DMSO"]
)
def test_a_name_that_does_not_ship_is_not_called_a_syntax_error(word):
    said = one_line("relax", word)
    assert f"{word!r} is neither a file, nor a SMILES, nor a shipped molecule" in said
    assert "names are not looked up, so give its SMILES or a file" in said


def test_a_mistyped_set_of_the_literature_is_offered():
    assert "did you mean baker" in one_line("relax", "bakr")


@pytest.mark.parametrize("smiles", ["CC(C)X", "CC(", "Cc1cccc1", "CC(C ethanol", "c1ccccc"])
def test_a_damaged_smiles_is_not_called_a_name(smiles):
    result = molopt("relax", smiles)
    assert result.exit_code == 2
    assert "the SMILES" in result.stderr


def test_an_sdf_of_one_line_gets_one_line():
    Path("one.sdf").write_text("M  END\n")
    assert "one.sdf, record 1: RDKit cannot read it" in one_line("relax", "one.sdf")
