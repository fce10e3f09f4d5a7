"""Files of other programs: what is read from each, by whom, and what is said of those that cannot be read."""

import gzip
import importlib
import importlib.util
import io
import re
import sqlite3
import sys
import tokenize
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.build import molecule as ase_molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io.formats import ioformats
from rdkit import Chem

import molopt
from molopt.errors import InputError
from molopt.molecules import Molecule, read
from molopt.molecules.ase_files import READ_BY_ASE
from molopt.molecules.entries import Given
from molopt.molecules.reading import listed
from molopt.relaxed.folder import Relaxed
from molopt.relaxed.request import Request

GIVEN = Given(None, None, 7)
GEOMETRY = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.9689]]  # of hydroxide, A


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one(source, **said):
    (found,) = read(source, **said)
    return found


def known(molecule):
    return molecule.name, molecule.smiles, molecule.charge, molecule.spin


# PDB


@pytest.mark.parametrize(
    "smiles",
    ["CCO", "C[N+](=O)[O-]", "CC(=O)[O-]", "C[NH3+]", "c1ccccc1O", "N#CC=C", "CS(C)=O", "[NH3+]CC(=O)[O-]", "N#N"],
)
@pytest.mark.parametrize("bonds", [True, False], ids=["with bonds", "without bonds"])
def test_a_pdb_of_rdkit_is_the_molecule_whether_or_not_it_has_bonds(smiles, bonds, here):
    molecule = Molecule.from_smiles(smiles, name="mine")
    lines = Chem.MolToPDBBlock(molecule.to_rdkit()).splitlines(keepends=True)
    (here / "a.pdb").write_text("".join(line for line in lines if bonds or not line.startswith("CONECT")))
    found = one("a.pdb")
    assert (found.smiles, found.charge, len(found)) == (molecule.smiles, molecule.charge, len(molecule))
    assert found.positions == pytest.approx(molecule.positions, abs=1e-3)  # A; PDB has three decimals


def test_a_zwitterion_of_a_pdb_without_charges_and_bonds_is_one(here):
    molecule = Molecule.from_smiles("[NH3+]CC(=O)[O-]")
    lines = Chem.MolToPDBBlock(molecule.to_rdkit()).splitlines()
    (here / "a.pdb").write_text("\n".join(line[:78] for line in lines if not line.startswith("CONECT")))
    assert known(one("a.pdb")) == ("a", "[NH3+]CC(=O)[O-]", 0, 1)


@pytest.mark.parametrize("smiles", ["CC(=O)[O-]", "C[NH+](C)C", "NC(=[NH2+])N", "CS(=O)(=O)[O-]", "COP(=O)([O-])[O-]"])
def test_the_charge_of_an_ion_in_a_pdb_without_charges_is_seen_by_its_hydrogens(smiles, here, caplog):
    molecule = Molecule.from_smiles(smiles)
    lines = Chem.MolToPDBBlock(molecule.to_rdkit()).splitlines()
    (here / "a.pdb").write_text("\n".join(line[:78] for line in lines if not line.startswith("CONECT")))
    assert known(one("a.pdb")) == ("a", molecule.smiles, molecule.charge, 1)


def test_acids_of_residues_that_lack_their_proton_are_anions_where_hydrogens_are_there(here):
    peptide = Chem.MolFromSequence("DKA")
    for atom in peptide.GetAtoms():
        if atom.GetSymbol() == "O" and atom.GetTotalNumHs():
            atom.SetFormalCharge(-1)
        if atom.GetSymbol() == "N" and atom.GetTotalNumHs() == 2:
            atom.SetFormalCharge(1)
    Chem.SanitizeMol(peptide)
    molecule = Molecule.from_rdkit(embedded(peptide))
    assert molecule.charge == 0
    lines = Chem.MolToPDBBlock(molecule.to_rdkit()).splitlines()
    (here / "a.pdb").write_text("\n".join(line[:78] for line in lines if not line.startswith("CONECT")))
    assert one("a.pdb").smiles == molecule.smiles


def test_one_atom_of_each_residue_is_no_molecule(here):
    rows = [f"ATOM  {n:5d}  CA  ALA A{n:4d}    {3.8 * n:8.3f}{0:8.3f}{0:8.3f}  1.00  0.00           C" for n in (1, 2)]
    (here / "a.pdb").write_text("\n".join([*rows, "TER", "END", "REMARK nothing", ""]))
    with pytest.raises(InputError, match=r"a\.pdb, model 1: it has carbon atoms without neighbours"):
        one("a.pdb")


def test_models_of_a_pdb_are_a_molecule_each(here):
    ethanol = ase_molecule("CH3CH2OH")
    ase.io.write("two.pdb", [ethanol, ethanol])
    assert [(each.name, each.smiles) for each in read("two.pdb")] == [("two", "CCO"), ("two-2", "CCO")]


def test_several_molecules_between_end_lines_of_a_pdb_have_their_own_bonds(here):
    with Chem.PDBWriter("two.pdb") as writer:
        for smiles in ("C=C", "CCO"):
            writer.write(Molecule.from_smiles(smiles).to_rdkit())
    assert [each.smiles for each in read("two.pdb")] == ["C=C", "CCO"]


def test_hydrogens_are_added_to_a_peptide_without_them_and_not_to_an_unknown_residue(here, caplog):
    sequence = Chem.MolFromSequence("GA")
    peptide = Molecule.from_rdkit(embedded(sequence))
    Chem.MolToPDBFile(Chem.RemoveHs(peptide.to_rdkit()), "peptide.pdb", flavor=4 | 8)  # no bonds in it
    assert one("peptide.pdb").smiles == peptide.smiles
    assert "hydrogens that are left out of it were added" in caplog.text
    Chem.MolToPDBFile(Chem.RemoveHs(Molecule.from_smiles("c1ccccc1").to_rdkit()), "ligand.pdb", flavor=4 | 8)
    with pytest.raises(InputError, match=r"ligand\.pdb, model 1: it has no hydrogens, and a PDB file does not say"):
        one("ligand.pdb")


def embedded(mol):
    mol = Chem.AddHs(mol, addResidueInfo=True)
    Chem.rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    return mol


# MOL2, written by hand: RDKit has no writer

MOL2 = """\
# a comment
@<TRIPOS>MOLECULE
{name}
 7 6 0 0 0
SMALL
{charges}

@<TRIPOS>ATOM
      1 C1 -0.0469 0.6558 0.0000 C.3 1 LIG {q[0]}
      2 N1 0.0469 -0.7950 0.0000 {nitrogen} 1 LIG {q[1]}
      3 H1 -1.0900 0.9700 0.0000 H 1 LIG {q[2]}
      4 H2 0.4400 1.0400 0.8900 H 1 LIG {q[2]}
      5 H3 0.4400 1.0400 -0.8900 H 1 LIG {q[2]}
      6 H4 -0.4300 -1.1500 0.8200 H 1 LIG {q[2]}
      7 H5 -0.4300 -1.1500 -0.8200 H 1 LIG {q[2]}
@<TRIPOS>BOND
     1 1 2 1
     2 1 3 1
     3 1 4 1
     4 1 5 1
     5 2 6 1
     6 2 7 1
"""


def mol2(name="methylamine", q=(-0.1, -0.9, 0.2)):
    return MOL2.format(name=name, charges="USER_CHARGES", nitrogen="N.3", q=q)


def test_several_molecules_of_a_mol2_are_read_with_their_bonds(here):
    (here / "two.mol2").write_text(mol2() + "\n" + mol2("*****"))
    assert [known(each) for each in read("two.mol2")] == [("methylamine", "CN", 0, 1), ("two-2", "CN", 0, 1)]


def test_bonds_of_a_mol2_that_cannot_be_or_contradict_its_charges_are_perceived_anew(here, caplog):
    (here / "a.mol2").write_text(mol2().replace("C.3", "C.1").replace("     1 1 2 1", "     1 1 2 3"))
    assert known(one("a.mol2")) == ("methylamine", "CN", 0, 1)
    assert "RDKit cannot use its bonds (Explicit valence for atom # 0 C, 6, is greater than" in caplog.text
    (here / "b.mol2").write_text(mol2(q=(0.5, -1.0, 0.5)))  # e, 2 in all
    assert one("b.mol2").charge == 2
    assert "its bonds do not agree with its charge: they are perceived" in caplog.text


def test_a_mol2_without_bonds_gets_those_of_its_geometry(here):
    text = mol2(q=(0, 0, 0)).partition("@<TRIPOS>BOND")[0].replace(" 7 6 0", " 7 0 0")
    (here / "a.mol2").write_text(text)
    assert known(one("a.mol2")) == ("methylamine", "CN", 0, 1)


def test_partial_charges_that_would_leave_an_electron_alone_are_not_believed(here):
    (here / "a.mol2").write_text(mol2(q=(0.0, 0.0, 0.2)))  # e, 1 in all
    assert known(one("a.mol2")) == ("methylamine", "CN", 0, 1)


# What ASE reads


def hydroxide():
    return Atoms("OH", GEOMETRY, info={"charge": -1, "spin": 1, "name": "hydroxide"})


@pytest.mark.parametrize("ending", ["extxyz", "xyz", "traj"])
def test_charge_spin_and_name_travel_through_files_of_ase(ending, here):
    ase.io.write(f"a.{ending}", [hydroxide(), ase_molecule("H2O")])
    first, second = read(f"a.{ending}")
    assert known(first) == ("hydroxide", "[OH-]", -1, 1)
    assert known(second) == ("a-2", "O", 0, 1)


@pytest.mark.parametrize("ending", ["db", "json"])
def test_rows_of_a_database_of_ase_are_read_with_their_pairs(ending, here):
    with connect(f"a.{ending}") as database:
        database.write(hydroxide(), charge=-1, name="hydroxide")
        database.write(ase_molecule("CH4"))
    assert [known(each) for each in read(f"a.{ending}")] == [("hydroxide", "[OH-]", -1, 1), ("a-2", "C", 0, 1)]


def test_a_database_is_only_read(here):
    with connect("a.db") as database:
        database.write(ase_molecule("H2O"))
    before = (here / "a.db").read_bytes()
    (here / "a.db").chmod(0o444)
    assert one("a.db").smiles == "O"
    assert (here / "a.db").read_bytes() == before
    assert [path.name for path in here.iterdir()] == ["a.db"]


def test_a_database_with_a_view_in_place_of_its_table_is_refused(here):
    with connect("a.db") as database:
        database.write(ase_molecule("H2O"))
    connection = sqlite3.connect("a.db")
    connection.executescript("ALTER TABLE systems RENAME TO real; CREATE VIEW systems AS SELECT * FROM real;")
    connection.close()
    with pytest.raises(
        InputError,
        match=r"a\.db, structure 1: ASE cannot read it as db: it is not a database of ASE, or it was changed",
    ):
        one("a.db")


def test_a_database_of_another_program_stays_as_it_is(here):
    connection = sqlite3.connect("b.db")
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = (here / "b.db").read_bytes()
    with pytest.raises(InputError, match="it is not a database of ASE"):
        one("b.db")
    assert (here / "b.db").read_bytes() == before


@pytest.mark.parametrize("ending", ["com", "gjf"])
def test_an_input_of_gaussian_says_charge_and_multiplicity(ending, here):
    rows = "\n".join(f"{s} {x:.4f} {y:.4f} {z:.4f}" for s, (x, y, z) in zip("OH", GEOMETRY, strict=True))
    (here / f"a.{ending}").write_text(f"%chk=a.chk\n# B3LYP/6-31G(d) opt\n\ntitle\n\n-1 1\n{rows}\n\n")
    assert known(one(f"a.{ending}")) == ("a", "[OH-]", -1, 1)


GAUSSIAN = """\
 Entering Gaussian System, Link 0=g16
 --------------------
 # HF/STO-3G opt
 --------------------
                         Standard orientation:
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
      1          8           0        0.000000    0.000000    0.000000
      2          1           0        0.000000    0.000000    {length}
 ---------------------------------------------------------------------
 SCF Done:  E(RHF) =  -74.8000000     A.U. after    7 cycles
 Mulliken charges:
               1
     1  O   -1.150000
     2  H    0.150000
 Sum of Mulliken charges =  -1.00000
 (Enter /g16/l716.exe)
 -------------------------------------------------------------------
 Center     Atomic                   Forces (Hartrees/Bohr)
 Number     Number              X              Y              Z
 -------------------------------------------------------------------
      1        8           0.000000000    0.000000000    0.001000000
      2        1           0.000000000    0.000000000   -0.001000000
 -------------------------------------------------------------------
"""


def test_an_output_of_gaussian_gives_its_last_geometry_and_the_charge_that_its_charges_add_up_to(here):
    first, last = (GAUSSIAN.format(length=length) for length in ("1.100000", "0.968900"))
    body = last[last.index("                         Standard") :]
    (here / "a.log").write_text(first + body)
    found = one("a.log")
    assert known(found) == ("a", "[OH-]", -1, 1)
    assert found.positions[1, 2] == 0.9689


ORCA = """\
                                 *****************
                                 * O   R   C   A *
                                 *****************
Number of atoms                         ....          2
{steps}
                             ****ORCA TERMINATED NORMALLY****
"""
ORCA_STEP = """\
---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
  O      0.000000    0.000000    0.000000
  H      0.000000    0.000000    {length}

----------------------------
CARTESIAN COORDINATES (A.U.)
----------------------------
FINAL SINGLE POINT ENERGY       -75.000000000000
"""


def test_an_output_of_orca_gives_its_last_geometry_and_takes_the_charge_that_is_given(here):
    steps = "".join(ORCA_STEP.format(length=length) for length in ("1.100000", "0.968900"))
    (here / "a.out").write_text(ORCA.format(steps=steps))
    found = one("a.out", charge=-1)
    assert known(found) == ("a", "[OH-]", -1, 1)
    assert found.positions[1, 2] == 0.9689


def test_geometries_of_xtb_are_read(here):
    water = ase_molecule("H2O")
    rows = "\n".join(f"{s} {x} {y} {z}" for s, (x, y, z) in zip(water.symbols, water.positions, strict=True))
    (here / "xtbopt.xyz").write_text(f"3\n energy: -5.070544 gnorm: 0.0003 xtb: 6.7.1 (edcfbbe)\n{rows}\n")
    ase.io.write("xtbopt.coord", water, format="turbomole")
    (here / "coord").write_text((here / "xtbopt.coord").read_text())
    for name in ("xtbopt.xyz", "xtbopt.coord", "coord"):
        assert known(one(name)) == (name.partition(".")[0], "O", 0, 1)


def test_one_molecule_in_a_cell_is_read_without_it_and_the_log_says_so(here, caplog):
    boxed = ase_molecule("CH3OH")
    boxed.center(vacuum=4.0)
    boxed.pbc = True
    for name in ("a.cif", "POSCAR", "a.xyz"):
        ase.io.write(name, boxed)
        assert one(name).smiles == "CO"
    assert caplog.text.count("its cell was dropped") == 3


def test_a_crystal_is_no_molecule_and_the_message_says_what_to_do(here):
    pair = ase_molecule("H2O") + Atoms("Ne", [[0, 0, 5]])
    pair.center(vacuum=3.0)
    pair.pbc = True
    ase.io.write("pair.cif", pair)
    ase.io.write("diamond.cif", bulk("C"))
    with pytest.raises(InputError, match=r"pair\.cif, structure 1: pair is periodic, with 2 molecules in its cell"):
        one("pair.cif")
    with pytest.raises(InputError, match=r"diamond is periodic, and bonds cross its cell"):
        one("diamond.cif")


def test_an_energy_in_a_file_is_no_calculator(here):
    water = ase_molecule("H2O")
    water.calc = SinglePointCalculator(water, energy=-1.0, forces=np.zeros((3, 3)))
    ase.io.write("a.traj", water)
    assert one("a.traj").atoms().calc is None


def test_a_file_of_ase_that_breaks_off_is_an_entry_that_cannot_be_read(here):
    ase.io.write("a.traj", [ase_molecule("H2O")] * 2)
    whole = (here / "a.traj").read_bytes()
    (here / "a.traj").write_bytes(b"- of UlmASE-Trajectory" + b"\0" * 10)
    entries = list(listed("a.traj", GIVEN))
    assert [bool(entry.wrong) for entry in entries] == [True]
    with pytest.raises(InputError, match=r"a\.traj, structure 1: ASE cannot read it as traj: "):
        entries[0].molecule(GIVEN)
    (here / "a.traj").write_bytes(whole)
    assert len(list(read("a.traj"))) == 2


def test_no_reader_of_ase_that_is_used_runs_or_unpickles_what_it_reads():
    running = re.compile(r"\b(eval|exec|pickle|import_module|__import__|subprocess|os\.system|Popen)\b")
    for name in sorted(READ_BY_ASE):
        source = Path(importlib.import_module(ioformats[name].module_name).__file__).read_text()
        code = io.StringIO(source).readline
        words = " ".join(token.string for token in tokenize.generate_tokens(code) if token.type == tokenize.NAME)
        assert name in CALLS or not running.search(words), name


# Their modules call programs where they run calculations, not where they read.
CALLS = ("gamess-us-out", "gamess-us-punch")


# What Open Babel reads


def test_what_neither_rdkit_nor_ase_reads_is_read_by_open_babel(here):
    pybel = pytest.importorskip("openbabel.pybel")
    Molecule.from_smiles("CC(=O)[O-]", name="acetate").write("a.sdf")
    next(pybel.readfile("sdf", "a.sdf")).write("cml", "a.cml")
    next(pybel.readfile("sdf", "a.sdf")).write("pdbqt", "a.pdbqt")
    assert known(one("a.cml")) == ("acetate", "CC(=O)[O-]", -1, 1)
    with pytest.raises(InputError, match=r"a\.pdbqt, molecule 1: Open Babel finds \d unpaired electrons in it"):
        one("a.pdbqt")


@pytest.mark.skipif(importlib.util.find_spec("openbabel") is not None, reason="Open Babel is installed")
def test_a_format_that_open_babel_would_read_says_how_it_is_installed(here):
    (here / "a.cml").write_text("<cml/>")
    with pytest.raises(InputError, match=r"more formats with Open Babel: pip install 'molopt\[openbabel\]'$"):
        read("a.cml")


# SMILES in tables


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "semicolons.csv", "a.csv.gz"])
def test_a_table_is_read_by_its_header(name, here):
    rows = [["ID", "Canonical SMILES", "Name"], ["1", "CCO", "ethanol, pure"], ["2", "O", ""], ["", "", ""]]
    mark = "\t" if name.endswith(".tsv") else ";" if name.startswith("semi") else ","
    text = "\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows)
    (here / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    first, second = read(name)
    assert (first.name, first.smiles) == ("ethanol, pure", "CCO")
    assert second.smiles == "O"


def test_a_row_without_a_smiles_is_named_by_its_line_and_does_not_end_the_stream(here):
    (here / "a.csv").write_text("name,smiles\nfirst,CC\nsecond,CX\nthird\nfourth,C\n")
    said = []
    for entry in listed("a.csv", GIVEN):
        try:
            said.append(entry.molecule(GIVEN).name)
        except InputError as error:
            said.append(str(error).partition("\n")[0])
    assert said == [
        "first",
        "a.csv, line 3: cannot read the SMILES 'CX': syntax error at character 2",
        "a.csv, line 4: the SMILES is empty",
        "fourth",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\nC,1\n", r"a\.csv has no column of SMILES, only 'a', 'b': call the one that is meant smiles"),
        ("my smiles,your smiles\nC,C\n", "several columns could hold the SMILES, 'my smiles', 'your smiles'"),
        ("", r"a\.csv is empty"),
        ("smiles\n", r"a\.csv is empty"),
    ],
)
def test_a_table_without_a_column_of_smiles_gets_one_clear_line(text, said, here):
    (here / "a.csv").write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        list(read("a.csv"))
    assert len(str(caught.value).splitlines()) == 1


# Compressed files


@pytest.mark.parametrize("name", ["a.sdf", "a.xyz", "a.smi", "a.smiles", "a.pdb", "a.mol2", "a.cif"])
def test_text_files_are_read_compressed_and_named_without_their_endings(name, here):
    water = Molecule.from_smiles("O", name="")
    if name.endswith((".sdf", ".xyz", ".pdb")):
        water.write(name)
        text = (here / name).read_text().replace("COMPND    O\n", "").replace("name=O ", "")
    elif name == "a.cif":
        boxed = water.atoms()
        boxed.center(vacuum=4.0)
        boxed.pbc = True
        ase.io.write(name, boxed)
        text = (here / name).read_text()
    else:
        text = mol2("*****") if name == "a.mol2" else "O\n"
    (here / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    found = one(f"{name}.gz")
    assert found.smiles == ("CN" if name == "a.mol2" else "O")
    assert found.name in ("a", "H2O")


@pytest.mark.parametrize("name", ["packed", "packed.dat"])
def test_a_compressed_file_is_unpacked_whatever_it_is_called(name, here):
    Molecule.from_smiles("CCO", name="ethanol").write("a.xyz")
    Path(name).write_bytes(gzip.compress(Path("a.xyz").read_bytes()))
    assert (one(name).name, one(name).smiles) == ("ethanol", "CCO")


def test_a_compressed_file_that_was_cut_gives_what_it_has_and_then_says_so(here):
    text = "".join(f"{'C' * (n % 7 + 1)} m{n}\n" for n in range(20_000)).encode()
    (here / "a.smi.gz").write_bytes(gzip.compress(text)[:20_000])
    entries = list(listed("a.smi.gz", GIVEN))
    assert entries[0].text == "C m0\n"
    assert [entry.wrong for entry in entries if entry.wrong] == [
        "its compressed data is damaged: Compressed file ended before the end-of-stream marker was reached"
    ]


# Which format


def test_a_format_is_named_before_the_path_where_its_name_does_not_say_it(here):
    (here / "list.txt").write_text("CCO ethanol\n")
    (here / "job").write_text(GAUSSIAN.format(length="0.968900"))
    assert known(one("smi:list.txt")) == ("ethanol", "CCO", 0, 1)
    assert known(one("gaussian-out:job")) == ("job", "[OH-]", -1, 1)
    with pytest.raises(InputError, match=r"there is no file 'missing.txt'"):
        read("smi:missing.txt")
    with pytest.raises(InputError, match=r"cannot tell the format of 'list.txt': .*; sdf:list.txt says what it is"):
        read("list.txt")


def test_a_file_with_an_at_sign_or_the_address_of_a_server_for_a_name_is_a_file(here):
    for name in ("a@0.com", "postgres.com"):
        (here / name).write_text("# HF\n\ntitle\n\n0 1\nHe 0.0 0.0 0.0\n\n")
        assert one(name).smiles == "[He]"


def test_a_format_of_ase_that_holds_no_molecules_is_refused_by_name(here):
    (here / "a.gpw").write_bytes(b"- of UlmGPAW" + b"\0" * 60)
    with pytest.raises(InputError, match=r"a\.gpw is a file of ASE's format 'gpw', from which no molecules are read"):
        read("a.gpw")


def test_a_folder_gives_molecules_and_not_tables_about_them(here):
    (here / "set").mkdir()
    (here / "set" / "a.smi").write_text("CCO ethanol\n")
    (here / "set" / "a.csv").write_text("smiles\nCC\n")
    Molecule.from_smiles("O", name="water").write(here / "set" / "b.pdb")
    assert [each.name for each in read("set")] == ["ethanol", "water"]


# Standard input


@pytest.fixture
def typed(monkeypatch):
    """Give the program a standard input."""

    def give(content):
        stream = io.TextIOWrapper(io.BytesIO(content.encode() if isinstance(content, str) else content))
        monkeypatch.setattr(sys, "stdin", stream)

    return give


@pytest.mark.parametrize("what", ["sdf", "xyz", "pdb", "mol2", "smi", "csv", "traj", "gaussian-out"])
def test_standard_input_is_told_by_what_it_says(what, typed, here):
    molecule = Molecule.from_smiles("CN", name="methylamine")
    if what in ("sdf", "xyz", "pdb", "traj"):
        molecule.write(f"a.{what}")
        typed((here / f"a.{what}").read_bytes())
    else:
        table = {"mol2": mol2(), "smi": "CN methylamine\nC\n", "csv": "name,smiles\nmethylamine,CN\n"}
        typed(table.get(what) or GAUSSIAN.format(length="0.968900"))
    first = next(read("-"))
    expected = ("stdin", "[OH-]", -1, 1) if what == "gaussian-out" else ("methylamine", "CN", 0, 1)
    assert known(first) == expected


def test_standard_input_can_be_read_again_and_its_format_can_be_named(typed):
    typed("C methane\nX\n")
    assert next(read("-")).name == next(read("smi:-")).name == "methane"
    with pytest.raises(InputError, match="stdin, line 2: cannot read the SMILES 'X'"):
        list(read("-"))


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "standard input is empty"), ("hello world\n", "cannot tell the format of standard input, which begins with")],
)
def test_standard_input_that_cannot_be_told_gets_one_clear_line(content, said, typed):
    typed(content)
    with pytest.raises(InputError, match=said):
        read("-")


def test_a_folder_of_work_keeps_standard_input_and_goes_on_with_it(typed, here):
    typed("CCO ethanol\nCX bad\n")
    begun = Relaxed.begin(here / "out", Request(("-",)))
    begun.archive.close()
    typed("")
    again = Relaxed.resume(here / "out")
    assert [task.entry.called for task in again.tasks()] == [("ethanol", "CCO"), ("bad", "CX")]
    again.archive.close()
    assert again.request.sources == (f"smi:{here / 'out' / 'stdin'}",)


# One molecule from whatever describes it


def test_relax_check_and_conformers_take_what_describes_a_molecule(here):
    methanol = Molecule.from_smiles("CO", name="methanol")
    methanol.write("a.sdf")
    drawn = Chem.MolFromSmiles("CO")
    for target in ("CO methanol", "a.sdf", here / "a.sdf", methanol.to_rdkit(), drawn, methanol.atoms()):
        assert molopt.relax(target, potential="mmff94").molecule.smiles == "CO"
    assert molopt.check("a.sdf", "mmff94").name == "methanol"
    assert len(molopt.conformers(methanol.atoms(), count=2)) == len(molopt.conformers("a.sdf", count=2)) == 1
    (here / "one.smi").write_text("CC(O)F open\n")
    assert "leaves centre C1 open" in molopt.conformers("one.smi", count=2).notes[-1]


def test_one_molecule_is_not_several_and_not_a_number(here):
    (here / "two.smi").write_text("C\nCC\n")
    with pytest.raises(InputError, match=r"'two\.smi' has several molecules, and one is needed: .* molopt\.read"):
        molopt.relax("two.smi")
    with pytest.raises(InputError, match="or the path of a file, got 5"):
        Molecule.of(5)
    with pytest.raises(InputError, match=r"there is no file 'nothing\.sdf'"):
        Molecule.of("nothing.sdf")


def test_the_charge_of_a_potential_holds_for_a_file_that_says_none(here):
    (here / "oh.xyz").write_text("2\n\nO 0 0 0\nH 0 0 0.97\n")
    pytest.importorskip("tblite")
    assert molopt.relax("oh.xyz", potential="gfn2-xtb?charge=-1").molecule.smiles == "[OH-]"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.log", "", "a.log is empty"),
        ("a.out", "Psi4\n", "a.out, structure 1: ASE "),
        (
            "a.com",
            "# HF\n\ntitle\n\n0 1\nQq 0.0 0.0 0.0\n\n",
            "a.com, structure 1: ASE cannot read it as gaussian-in: ",
        ),
        ("a.json", '{"potential": "mmff94"}', "a.json, structure 1: ASE cannot read it as json: "),
        ("a.json", "{", "a.json, structure 1: ASE cannot read it as json: "),
        ("a.db", "not a database", "a.db, structure 1: ASE cannot read it as db: file is not a database"),
        ("a.traj", "nothing", "a.traj, structure 1: ASE cannot read it as traj: "),
        ("a.cif", "data_a\n", "a.cif, structure 1: ASE "),
        ("a.pdb", "HEADER\n", "a.pdb, model 1: it has no atoms"),
        ("a.pdb", "ATOM      1  C1  UNL     1      nothing\n", "a.pdb, model 1: RDKit cannot read it: "),
        ("a.mol2", "nothing\n", "a.mol2, molecule 1: there is no line @<TRIPOS>MOLECULE"),
        ("a.mol2", "@<TRIPOS>MOLECULE\nname\n", "a.mol2, molecule 1: RDKit cannot read it: "),
        ("a.sdf.gz", "\x1f\x8b\x08", "a.sdf.gz, record 1: its compressed data is damaged: "),
        ("a.csv", '"a\n', "a.csv has no column of SMILES"),
        ("a.csv", "smiles\n\0\n", "a.csv, line 2: "),
    ],
)
def test_a_bad_file_of_another_program_gets_one_line_that_names_it_and_the_record(name, content, said, here):
    (here / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        list(read(name))
    assert caught.value.message.startswith(said)
    assert "\n" not in caught.value.message


def test_of_a_folder_the_file_that_says_most_is_read_of_several_of_one_name(tmp_path, caplog):
    salt = Molecule.from_smiles("CC(=O)[O-]", name="acetate")
    (tmp_path / "acetate.sdf").write_text(salt.to_sdf())
    ase.io.write(tmp_path / "acetate.xyz", salt.atoms())
    ase.io.write(tmp_path / "water.xyz", Molecule.from_smiles("O").atoms())
    with caplog.at_level("INFO", "molopt"):
        found = list(read(tmp_path))
    assert [(len(molecule), molecule.charge) for molecule in found] == [(7, -1), (3, 0)]
    assert "acetate.xyz is not read: acetate.sdf has the same name" in caplog.text
