"""What holds for all inputs: text is read or refused in one line, and what is written is read back."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as some

from molopt.errors import InputError
from molopt.molecules import Molecule, read
from molopt.molecules.smiles import parse_smiles
from molopt.naming import safe
from molopt.report.escaping import sentence, shown
from molopt.specification import parse

BUILDING = r"C O N C(=O) c1ccncc1 [C@H](F) [C@@H](O) /C=C/ \C=C/ [NH3+] C([O-])=O C1CC1 [CH2]"
FRAGMENTS = BUILDING.split()
PIECES = [*FRAGMENTS, *"()1=#.[]@*$|é", "%10", "[13C]", "[U]", " name", "\x1b"]
ABSURD = ["1e300", "-1", "nan", "9" * 30, '"1 2 3"', '"_JSON [[0,1,-3]]"', "T", '""', "{1 2}", "a=b", "-1e30", "0.5"]
KEYS = ("charge", "spin", "name", "bonds", "bonded", "radicals", "formal_charges", "pbc")
LINES = ["C a", "CCO b\tc", "CC(", "\x00", "c1ccccc1", "", "[U]", "C\ud800", "F/C=C/F é"]
SDF = {smiles: Molecule.from_smiles(smiles).to_sdf().encode() for smiles in ("CO", "C[C@H](F)O", "C/C=C/[O-]")}

bounded = settings(max_examples=100)
few = settings(max_examples=40)
rows_of_pieces = some.lists(some.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
coordinates = some.one_of(some.floats(-3, 3).map("{:.3f}".format), some.sampled_from(ABSURD))
plain_values = some.one_of(
    some.integers(), some.booleans(), some.none(), some.floats(allow_nan=False).filter(np.isfinite)
)
symbols = some.sampled_from(["O", "H", "C", "X", "Xx", "8", "U", ""])


@some.composite
def molecules(draw):
    """Small molecules with charges, unpaired electrons and stereo."""
    smiles = "".join(draw(some.lists(some.sampled_from(FRAGMENTS), min_size=1, max_size=4)))
    try:
        return Molecule.from_smiles(smiles, seed=draw(some.integers(0, 3)))
    except InputError:  # as where a valence does not fit
        return Molecule.from_smiles("C/C=C/[C@H](F)C(=O)[O-]")


def identity(molecule):
    return molecule.smiles, molecule.charge, molecule.spin, sorted(map(tuple, np.sort(molecule.bonds, axis=1).tolist()))


def works_or_is_refused(function, *arguments):
    """Call what may raise an InputError of one line, with a picture of printable ones, and nothing else."""
    lines = []
    try:
        function(*arguments)
    except InputError as error:
        lines = [sentence(error.message), *error.picture.split("\n")]
    assert all(line.isprintable() for line in lines)


def read_all(path):
    return list(read(path))


# Text that may be nothing


@bounded
@given(some.one_of(some.text(max_size=30), rows_of_pieces))
def test_any_text_is_a_smiles_or_is_refused_in_one_line_and_a_picture(text):
    works_or_is_refused(parse_smiles, text)


@few
@given(rows_of_pieces)
def test_any_source_is_a_molecule_or_is_refused_in_one_line(text):
    works_or_is_refused(read_all, text)


@bounded
@given(some.one_of(some.text(max_size=60), some.text("ab?&=/:'\"()[]{}-+.01e,#", max_size=40).map("adam?lr=".__add__)))
def test_any_specification_is_parsed_or_is_refused_in_one_line(text):
    works_or_is_refused(parse, text)


@bounded
@given(some.dictionaries(some.from_regex(r"[a-z]{1,5}", fullmatch=True), plain_values, max_size=4))
def test_keywords_survive_their_specification(keywords):
    written = "&".join(f"{key}={value!r}" for key, value in keywords.items())
    assert parse(f"adam?{written}" if keywords else "adam") == ("adam", keywords)


@few
@given(some.lists(some.sampled_from(LINES), max_size=4), some.sampled_from(["\n", "\r\n"]))
def test_any_list_of_smiles_is_read_or_is_refused_in_one_line(tmp_path, lines, newline):
    (tmp_path / "list.smi").write_bytes(newline.join(lines).encode("utf-8", "surrogatepass"))
    works_or_is_refused(read_all, tmp_path / "list.smi")


@bounded
@given(
    some.sampled_from(["3", "2", "0", "-1", "9" * 30, "x", "3.0", ""]),
    some.dictionaries(some.sampled_from(KEYS), some.sampled_from(ABSURD), max_size=3),
    some.lists(some.tuples(symbols, coordinates, coordinates, coordinates), max_size=4),
)
def test_any_xyz_is_read_or_is_refused_in_one_line(tmp_path, count, info, atoms):
    comment = " ".join(f"{key}={value}" for key, value in info.items())
    rows = "\n".join(" ".join(atom) for atom in atoms)
    (tmp_path / "some.xyz").write_text(f"{count}\nProperties=species:S:1:pos:R:3 {comment}\n{rows}\n")
    works_or_is_refused(read_all, tmp_path / "some.xyz")


@bounded
@given(some.sampled_from(list(SDF)), some.integers(0, 5000), some.binary(min_size=1, max_size=6), some.booleans())
def test_any_sdf_is_read_or_is_refused_in_one_line(tmp_path, smiles, place, damage, inserted):
    text = SDF[smiles]
    place %= len(text)
    rest = text[place if inserted else place + len(damage) :]
    (tmp_path / "some.sdf").write_bytes(text[:place] + damage + rest)
    works_or_is_refused(read_all, tmp_path / "some.sdf")


@few
@given(
    some.lists(some.tuples(some.sampled_from(["H", "O", "Na"]), some.floats(), some.floats(-5, 5)), max_size=4),
    some.dictionaries(
        some.sampled_from(["name", "charge", "spin"]),
        some.one_of(some.none(), some.integers(), some.floats(), some.text(max_size=3), some.lists(some.integers())),
    ),
)
def test_any_atoms_are_a_molecule_or_are_refused_in_one_line(rows, info):
    atoms = Atoms([symbol for symbol, _, _ in rows], np.array([(x, y, 0) for _, x, y in rows]).reshape(-1, 3))
    atoms.info.update(info)
    works_or_is_refused(Molecule.from_atoms, atoms)


# What comes back


@few
@given(molecules())
def test_a_molecule_survives_sdf_with_charge_spin_bonds_and_stereo(tmp_path, molecule):
    (tmp_path / "some.sdf").write_text(molecule.to_sdf())
    (found,) = read(tmp_path / "some.sdf")
    assert identity(found) == identity(molecule)


@few
@given(molecules())
def test_a_molecule_survives_atoms_and_extended_xyz_with_charge_spin_bonds_and_stereo(tmp_path, molecule):
    ase.io.write(tmp_path / "some.xyz", molecule.atoms(), format="extxyz")
    (found,) = read(tmp_path / "some.xyz")
    assert identity(found) == identity(molecule) == identity(Molecule.from_atoms(molecule.atoms()))


@pytest.fixture(scope="module")
def methane():
    return Molecule.from_smiles("C").to_rdkit()


@few
@given(some.text(max_size=40).filter(str.strip))
def test_a_name_survives_sdf_as_one_line(tmp_path, methane, name):
    molecule = Molecule.from_rdkit(methane, name=name)
    (tmp_path / "some.sdf").write_text(molecule.to_sdf(), encoding="utf-8")
    (found,) = read(tmp_path / "some.sdf")
    assert found.name == molecule.name
    assert len(found.name.splitlines()) == 1


# Names


@bounded
@given(some.text(max_size=200))
def test_no_text_is_printed_raw_and_no_name_leaves_its_folder(text):
    assert shown(text).isprintable()
    assert sentence(text * 9, 100).isprintable()
    assert len(sentence(text * 9, 100)) <= 100
    assert set(safe(text)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_")
    assert safe(text)[0] not in ".-"
