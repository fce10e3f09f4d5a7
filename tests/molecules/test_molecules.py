"""Molecules keep what chemists say about them, and bad ones are refused in one clear line."""

import logging
import pickle
import re

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.mixing import SumCalculator
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molopt.errors import InputError
from molopt.molecules import Molecule, electrons, perception
from molopt.molecules.identity import bonds_kept, configuration, identity_of, senses_of, stereo_kept
from molopt.molecules.reading import read
from molopt.molecules.shipped import shipped_names

KINDS = [
    "CCO",
    "C[C@H](N)C(=O)O",
    "C[N+](=O)[O-]",
    "C/C=C/C",
    "[CH2]C=C",
    "c1ccncc1",
    "[NH3+]CC(=O)[O-]",
    "CC(=O)[O-].[Na+]",
    "O.O",
    "[O][O]",
    "[C-]#[O+]",
    "[Na+]",
]


@pytest.fixture
def alanine():
    return Molecule.from_smiles("C[C@H](N)C(=O)O", name="alanine")


def one(source, **given):
    (molecule,) = read(source, **given)
    return molecule


def unsaid(molecule):
    """The atoms alone, with charge and spin and nothing else."""
    atoms = molecule.atoms()
    atoms.info = {"charge": molecule.charge, "spin": molecule.spin}
    return atoms


def identity(molecule):
    return molecule.name, molecule.smiles, molecule.charge, molecule.spin, molecule.orders_known


# From SMILES


def test_one_seed_gives_one_geometry_and_another_seed_another():
    first, again, other = (Molecule.from_smiles("CCCCO", seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first.positions, again.positions)
    assert not np.allclose(first.positions, other.positions)


def test_radical_electrons_set_the_multiplicity():
    assert [Molecule.from_smiles(smiles).spin for smiles in ("C", "[CH3]", "[O][O]")] == [1, 2, 3]


def test_a_name_may_follow_the_smiles():
    assert one("CCO ethyl alcohol").name == "ethyl alcohol"


def test_fragments_are_embedded_side_by_side():
    pair = Molecule.from_smiles("CC(=O)O.CC(=O)O")
    apart = np.linalg.norm(pair.positions[[0, 1, 2, 3], None] - pair.positions[None, [4, 5, 6, 7]], axis=-1)
    assert apart.min() > 2.9  # 3.0 A between the edges along x, and hydrogens stand out farther


@pytest.mark.parametrize(
    ("smiles", "column"), [("CC(C)X", 5), ("CC(C", 2), ("CC]C", 2), ("CN(C)(C)(C)C", 1), ("FC(F)Br(C)C", 5)]
)
def test_an_unusable_smiles_is_shown_with_a_caret_under_the_place(smiles, column, capfd):
    with pytest.raises(InputError) as caught:
        Molecule.from_smiles(smiles)
    message, shown, carets = str(caught.value).splitlines()
    assert smiles in message
    assert shown == f"  {smiles}"
    assert carets == " " * (column + 2) + "^"
    assert capfd.readouterr().err == ""


def test_an_aromatic_ring_without_kekule_form_shows_all_its_atoms():
    with pytest.raises(InputError, match=r"\n  Cc1cccc1\n   \^ \^{4}$"):
        Molecule.from_smiles("Cc1cccc1")


@pytest.mark.parametrize(
    ("smiles", "given", "said"),
    [
        ("", {}, "empty"),
        ("*C", {}, "dummy"),
        ("[H+]", {}, "no electrons"),
        ("CC(=O)[O-]", {"charge": 0}, "contradicts its formal charges, which add up to -1"),
        ("CC", {"seed": -1}, r"seed must be at least 0 and less than 2\^31, got -1"),
        ("CC", {"spin": 2}, "charge 0 leaves 18 electrons, which cannot have multiplicity 2"),
    ],
)
def test_what_cannot_be_is_refused(smiles, given, said):
    with pytest.raises(InputError, match=said):
        Molecule.from_smiles(smiles, **given)


# To and from RDKit and ASE


def test_to_rdkit_gives_a_copy(alanine):
    alanine.to_rdkit().GetConformer().SetAtomPosition(0, (9.0, 9.0, 9.0))
    alanine.positions[0] = 9.0
    assert not (alanine.positions == 9.0).any()


def test_the_chosen_conformer_is_taken():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCCO"))
    ids = list(AllChem.EmbedMultipleConfs(mol, 3, randomSeed=1))
    molecule = Molecule.from_rdkit(mol, conformer=ids[2])
    assert np.array_equal(molecule.positions, mol.GetConformer(ids[2]).GetPositions())
    assert molecule.to_rdkit().GetNumConformers() == 1


def test_rdkit_molecules_without_geometry_or_hydrogens_are_refused():
    bare = Chem.MolFromSmiles("CCO")
    with pytest.raises(InputError, match="has no conformer -1"):
        Molecule.from_rdkit(bare)
    drawing = Chem.MolFromSmiles("CCO")
    AllChem.Compute2DCoords(drawing)
    with pytest.raises(InputError, match="drawing in two dimensions"):
        Molecule.from_rdkit(drawing)
    AllChem.EmbedMolecule(bare, randomSeed=1)
    with pytest.raises(InputError, match="lacks hydrogens"):
        Molecule.from_rdkit(bare)


@pytest.mark.parametrize("smiles", KINDS)
@pytest.mark.parametrize("ending", ["xyz", "traj"])
def test_a_molecule_survives_atoms_and_files(smiles, ending, tmp_path, caplog):
    molecule = Molecule.from_smiles(smiles)
    path = tmp_path / f"one.{ending}"
    ase.io.write(path, molecule.atoms())
    assert identity(Molecule.from_atoms(molecule.atoms())) == identity(molecule)
    assert identity(Molecule.from_atoms(ase.io.read(path))) == identity(molecule)
    assert not caplog.records  # nothing was perceived anew


@pytest.mark.parametrize("smiles", KINDS)
def test_a_molecule_survives_sdf(smiles, tmp_path):
    molecule = Molecule.from_smiles(smiles, name="its name")
    path = tmp_path / "one.sdf"
    path.write_text(molecule.to_sdf())
    again = one(path)
    assert identity(again) == identity(molecule)
    assert again.positions == pytest.approx(molecule.positions, abs=1e-4)  # SDF has four decimals


def test_sdf_keeps_a_multiplicity_that_bonds_do_not_say(tmp_path):
    dioxygen = Molecule.from_smiles("O=O", spin=3)
    path = write(tmp_path / "one.sdf", dioxygen.to_sdf())
    assert identity(one(path)) == identity(dioxygen)
    assert one(path, spin=1).spin == 1


def test_sdf_keeps_the_charge_of_a_molecule_without_bond_orders(tmp_path):
    atoms = unsaid(Molecule.from_smiles("CC(=O)[O-].[Na+]"))
    atoms.info = {"charge": 1, "spin": 2}
    cation = Molecule.from_atoms(atoms)
    again = one(write(tmp_path / "one.sdf", cation.to_sdf()))
    assert not again.orders_known
    assert (again.charge, again.spin, again.bonds.tolist()) == (1, 2, cation.bonds.tolist())


def test_a_charge_field_that_contradicts_the_formal_charges_names_its_record(alanine, tmp_path):
    text = alanine.to_sdf()
    path = write(tmp_path / "two.sdf", text + re.sub(r"(<charge>.*\n)0", r"\g<1>2", text))
    with pytest.raises(InputError, match=r"two\.sdf, record 2: alanine: charge 2 contradicts its formal charges"):
        list(read(path))


def test_a_pickled_molecule_keeps_every_bit_of_its_geometry(alanine):
    again = pickle.loads(pickle.dumps(alanine))
    assert np.array_equal(again.positions, alanine.positions)  # RDKit's own default keeps single precision
    assert identity(again) == identity(alanine)


def test_conformers_come_one_by_one_and_keep_the_stereo():
    molecule = Molecule.from_smiles("C[C@H](O)C(=O)O")
    few = list(molecule.conformers(count=2, seed=1))
    stream = molecule.conformers(count=10**9, seed=1)
    assert np.array_equal(next(stream).positions, few[0].positions)
    assert not np.allclose(few[0].positions, few[1].positions)
    assert {conformer.smiles for conformer in few} == {molecule.smiles}


def test_with_positions_wants_a_position_an_atom(alanine):
    moved = alanine.with_positions(alanine.positions + 1.0)
    assert moved.positions == pytest.approx(alanine.positions + 1.0)
    with pytest.raises(InputError, match=r"shape \(13, 3\), got \(2, 3\)"):
        alanine.with_positions(np.zeros((2, 3)))


# Perception


def test_charge_comes_from_info_then_initial_charges_then_zero(caplog):
    caplog.set_level(logging.INFO, logger="molopt")
    atoms = Atoms("NH4", charges=[0.2] * 5)
    assert electrons.charge_of(atoms) == 1
    atoms.info["charge"] = 3
    assert electrons.charge_of(atoms) == 3
    assert not caplog.records
    assert electrons.charge_of(Atoms("He")) == 0
    assert "no charge is given, using 0" in caplog.text


def test_spin_comes_from_info_then_magnetic_moments_then_parity(caplog):
    atoms = Atoms("O2", magmoms=[1.0, 1.0])
    assert electrons.spin_of(atoms, charge=0) == 3
    atoms.info["spin"] = 1
    assert electrons.spin_of(atoms, charge=0) == 1
    assert electrons.spin_of(Atoms("O2"), charge=0) == 1
    assert not caplog.records
    assert electrons.spin_of(Atoms("O2"), charge=1) == 2
    assert "using multiplicity 2 for its 15 electrons" in caplog.text


def test_a_multiplicity_that_cannot_be_is_named_with_charge_and_electrons():
    with pytest.raises(InputError, match="charge 1 leaves 15 electrons, which cannot have multiplicity 3 but 2, 4, 6"):
        electrons.spin_of(Atoms("O2", info={"spin": 3}), charge=1)


@pytest.mark.parametrize("name", shipped_names())
def test_bonds_of_every_shipped_molecule_are_perceived_from_its_geometry(name):
    molecule = Molecule.named(name)
    assert Molecule.from_atoms(unsaid(molecule)).smiles == molecule.smiles


@pytest.mark.parametrize("smiles", ["CS(C)=O", "CC[S@](C)=O", "C[Se](C)=O", "CS(=O)(=O)N", "C[N+](=O)[O-]"])
def test_oxides_are_perceived_as_mmff94_types_them(smiles):
    molecule = Molecule.from_smiles(smiles)
    assert Molecule.from_atoms(unsaid(molecule)).smiles == molecule.smiles


@pytest.mark.parametrize(
    "smiles",
    ["CNC(=C[N+](=O)[O-])NCc1ccccc1", "C=C([N+](=O)[O-])CCc1ccccc1", "CNC(=C[N+](=O)[O-])NCCSCc1ccc(CN(C)C)o1"],
)
def test_bond_orders_are_found_in_whatever_order_the_atoms_come(smiles):
    molecule = Molecule.from_smiles(smiles)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(molecule)) if seed else np.arange(len(molecule))
        found = Molecule.from_atoms(unsaid(molecule)[order])
        assert found.smiles == molecule.smiles
        assert found.numbers.tolist() == molecule.numbers[order].tolist()


def test_radicals_are_perceived():
    assert Molecule.from_atoms(unsaid(Molecule.from_smiles("C[CH2]"))).smiles == "[CH2]C"


def test_bonds_by_distance_are_named_in_the_log(caplog):
    molecule = Molecule.from_atoms(unsaid(Molecule.from_smiles("C[Zn]C")))
    assert not molecule.orders_known
    assert "using bonds by distance" in caplog.text
    assert len(molecule.bonds) == 8


def test_no_clock_decides_whether_bond_orders_are_found(monkeypatch):
    azulene = unsaid(Molecule.from_smiles("c1ccc2cccc2cc1"))
    assert Molecule.from_atoms(azulene).orders_known
    monkeypatch.setattr(perception, "MAX_ITERATIONS", 1)
    assert not Molecule.from_atoms(azulene).orders_known


def test_bonds_that_no_longer_fit_the_atoms_are_perceived_anew(caplog):
    atoms = Molecule.from_smiles("CCO.O").atoms()
    del atoms[[3, 10, 11]]  # the water
    assert Molecule.from_atoms(atoms).smiles == "CCO"
    assert "do not fit its atoms" in caplog.text


def test_bonds_of_other_atoms_are_not_believed(caplog):
    ethanol = Molecule.from_smiles("CCO")
    shifted = Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    shifted.translate([0, 0, 9])
    both = ethanol.atoms() + shifted
    reversed_atoms = ethanol.atoms()[::-1]
    swapped = ethanol.atoms()
    swapped.positions[[3, 8]] = swapped.positions[[8, 3]]  # hydrogens, of a carbon and of the oxygen
    for atoms, smiles in ((both, "CCO.O"), (reversed_atoms, "CCO"), (swapped, "CCO")):
        caplog.clear()
        assert Molecule.from_atoms(atoms).smiles == smiles
        assert caplog.text.count("do not fit its atoms") == 1


@pytest.mark.parametrize("ending", ["xyz", "traj"])
def test_atoms_that_changed_are_noticed_through_files(ending, tmp_path, caplog):
    path = tmp_path / f"reversed.{ending}"
    ase.io.write(path, Molecule.from_smiles("CCO").atoms()[::-1])
    assert Molecule.from_atoms(ase.io.read(path)).smiles == "CCO"
    assert "do not fit its atoms" in caplog.text


def test_lost_hydrogens_leave_unpaired_electrons_that_were_not_there(caplog):
    atoms = Molecule.from_smiles("CC").atoms()
    del atoms.info["bonded"], atoms[[6, 7]]
    atoms.info["bonds"] = atoms.info["bonds"][:5]
    assert Molecule.from_atoms(atoms).smiles != "[C]C"
    assert "do not fit its atoms" in caplog.text


def test_bonds_that_a_user_wrote_are_believed(caplog):
    atoms = Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], info={"bonds": [[0, 1, 1], [0, 2, 1]]})
    assert Molecule.from_atoms(atoms).smiles == "O"
    assert not caplog.records


def test_a_changed_charge_contradicts_the_formal_charges(alanine):
    atoms = alanine.atoms()
    atoms.info["charge"] = 2
    with pytest.raises(InputError, match="charge 2 contradicts its formal charges"):
        Molecule.from_atoms(atoms)


def test_periodic_atoms_are_no_molecule():
    with pytest.raises(InputError, match="periodic"):
        Molecule.from_atoms(Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[5, 5, 5], pbc=True))


# Files


def write(path, text):
    path.write_text(text)
    return path


def xyz(*lines):
    return "\n".join([str(len(lines)), "", *lines]) + "\n"


def test_records_are_read_one_at_a_time(alanine, tmp_path):
    path = write(tmp_path / "many.sdf", alanine.to_sdf() * 2 + "truncated")
    stream = read(path)
    assert [next(stream).name, next(stream).name] == ["alanine", "alanine"]
    with pytest.raises(InputError, match=r"many\.sdf, record 3: it is truncated: there is no line M  END"):
        next(stream)


def test_data_fields_of_an_sdf_are_kept(tmp_path):
    record = Molecule.from_smiles("O").to_sdf().replace("$$$$", ">  <ID>\nW1\n\n$$$$")
    assert one(write(tmp_path / "w.sdf", record)).to_rdkit().GetProp("ID") == "W1"


def test_a_drawing_is_embedded_with_its_stereo_and_the_log_says_so(tmp_path, caplog):
    drawing = Chem.MolFromSmiles("C[C@H](N)C(=O)O")
    AllChem.Compute2DCoords(drawing)
    molecule = one(write(tmp_path / "drawn.mol", Chem.MolToMolBlock(drawing)))
    assert (molecule.name, molecule.smiles, len(molecule)) == ("drawn", "C[C@H](N)C(=O)O", 13)
    assert "has no 3D geometry" in caplog.text


def test_zeros_are_no_geometry(alanine, tmp_path, caplog):
    zeros = Chem.MolToMolBlock(alanine.with_positions(np.zeros((13, 3))).to_rdkit())
    assert one(write(tmp_path / "zeros.mol", zeros)).positions.std() > 0.5  # A; atoms are apart
    assert "has no 3D geometry" in caplog.text


def test_hydrogens_that_an_sdf_leaves_out_are_added_where_they_belong(alanine, tmp_path, caplog):
    heavy = Chem.RemoveHs(alanine.to_rdkit())
    molecule = one(write(tmp_path / "heavy.mol", Chem.MolToMolBlock(heavy)))
    assert molecule.smiles == alanine.smiles
    assert molecule.positions[:6] == pytest.approx(alanine.positions[:6], abs=1e-4)  # SDF has four decimals
    assert "7 hydrogens" in caplog.text


def test_charge_and_spin_of_extended_xyz_are_honoured(tmp_path):
    head, _, *rows = xyz("O 0 0 0", "H 0 0 0.97").splitlines()
    molecule = one(write(tmp_path / "oh.xyz", "\n".join([head, "charge=-1 spin=1", *rows])))
    assert (molecule.name, molecule.charge, molecule.spin, molecule.smiles) == ("oh", -1, 1, "[OH-]")


def test_the_given_charge_and_spin_win_over_the_file(tmp_path):
    path = write(tmp_path / "oh.xyz", xyz("O 0 0 0", "H 0 0 0.97"))
    assert (one(path).charge, one(path).spin) == (0, 2)
    assert (one(path, charge=-1, spin=3).charge, one(path, charge=-1, spin=3).spin) == (-1, 3)


def test_a_list_of_smiles_names_the_line_that_cannot_be_read(tmp_path):
    stream = read(write(tmp_path / "some.smi", "CCO ethanol\n\nCC\tethane\nCC(C)X\n"))
    assert [next(stream).name, next(stream).name] == ["ethanol", "ethane"]
    with pytest.raises(InputError, match=r"some\.smi, line 4: cannot read the SMILES"):
        next(stream)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.sdf", "", "is empty"),
        ("a.xyz", "\n\n", "is empty"),
        ("a.smi", "\n", "is empty"),
        ("a.xyz", "hello\n", "frame 1: the number of atoms must come first, got 'hello'"),
        ("a.xyz", "3\n\nO 0 0 0\nH 0 0 0.97\n", "frame 1: it is truncated: it declares 3 atoms and has 2"),
        ("a.xyz", "2\n\nQq 0 0 0\nH 0 0 0.97\n", "frame 1: 'Qq' is not the symbol of an element"),
        ("a.xyz", xyz("O 0 0 0", "H 0 0 nan"), r"frame 1: a: atom 1 \(H\), counted from 0, is at \(0.0, 0.0, nan\)"),
        ("a.xyz", xyz("O 0 0 0", "H 0 0 inf"), "coordinates must be finite"),
        ("a.xyz", xyz("O 0 0 1", "H 0 0 2", "H 0 0 1.05"), r"atoms 0 \(O\) and 2 \(H\), counted from 0, are 0.050 A"),
        ("a.txt", "C", "cannot tell the format"),
    ],
)
def test_a_bad_file_gets_one_clear_line(name, text, said, tmp_path):
    with pytest.raises(InputError, match=said) as caught:
        list(read(write(tmp_path / name, text)))
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_element_in_an_sdf_is_named(alanine, tmp_path, capfd):
    path = write(tmp_path / "bad.sdf", alanine.to_sdf().replace(" N  ", " Q9 "))
    with pytest.raises(InputError, match=r"bad\.sdf, record 1: RDKit cannot read it: Element 'Q9' not found$"):
        list(read(path))
    assert capfd.readouterr().err == ""


def test_a_folder_is_read_file_by_file(alanine, tmp_path):
    write(tmp_path / "b.smi", "C\nCC\n")
    write(tmp_path / "a.sdf", alanine.to_sdf())
    write(tmp_path / "notes.txt", "nothing")
    assert [molecule.name for molecule in read(tmp_path)] == ["alanine", "CH4", "C2H6-2"]


def test_a_missing_file_is_not_taken_for_a_smiles():
    with pytest.raises(InputError, match=r"there is no file 'C\.sdf'"):
        read("C.sdf")


@pytest.mark.parametrize("name", ["foo.cif", "FOO.GJF", "mols/foo", "./mols/", "../a.b/foo.gjf", "water.cml"])
def test_a_missing_file_of_another_format_is_said_to_be_missing(name):
    with pytest.raises(InputError, match=r"there is no file .*; files that are read end in \.sdf, ") as caught:
        read(name)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("smiles", ["F/C=C/X", "CC.Na", "CC.CC(", "C(/C)X"])
def test_a_smiles_with_slashes_and_dots_is_not_taken_for_a_file(smiles):
    with pytest.raises(InputError, match="cannot read the SMILES"):
        read(smiles)


# Shipped molecules


def test_shipped_molecules_are_found_in_any_case_of_letters():
    assert one("PEG4").name == Molecule.named("peg4").name == "peg4"


def test_a_mistyped_name_is_offered_the_nearest():
    with pytest.raises(InputError, match="did you mean peg4"):
        read("peg5")
    with pytest.raises(InputError, match="did you mean peg4"):
        Molecule.named("peg5")


# Identity


def test_a_stretched_bond_is_kept_and_a_torn_one_is_not(alanine):
    far = alanine.positions
    far[4] += 3.0
    assert bonds_kept(alanine, alanine.positions * 1.15)
    assert not bonds_kept(alanine, far)
    assert not bonds_kept(alanine, np.full((13, 3), np.nan))


def test_a_new_contact_is_a_new_bond():
    pair = Molecule.from_smiles("[He].[He]")
    near = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    assert bonds_kept(pair, near * 4)
    assert not bonds_kept(pair, near)


def test_a_mirrored_centre_is_not_the_same(alanine):
    assert stereo_kept(alanine, alanine.positions + 1.0) is True
    assert stereo_kept(alanine, alanine.positions * [1, 1, -1]) is False


def test_a_turned_double_bond_is_not_the_same():
    cis, trans = Molecule.from_smiles("F/C=C\\F"), Molecule.from_smiles("F/C=C/F")
    assert stereo_kept(cis, cis.positions) is True
    assert stereo_kept(cis, trans.positions) is False


def test_without_stereo_there_is_nothing_to_keep():
    water = Molecule.from_smiles("O")
    assert stereo_kept(water, water.positions) is None


def test_what_became_of_a_molecule_is_said_with_the_atoms_that_say_it(alanine):
    apart = alanine.positions
    apart[0] += (apart[0] - apart[1]) * 2  # the methyl carbon, without its hydrogens
    assert identity_of(alanine, apart).word == "dissociated"
    assert "C0-C1" in identity_of(alanine, apart).why
    assert identity_of(alanine, alanine.positions * [1, 1, -1])[:2] == ("inverted", "centre C1")
    cis, trans = Molecule.from_smiles("F/C=C\\F"), Molecule.from_smiles("F/C=C/F")
    assert identity_of(cis, trans.positions)[:2] == ("inverted", "bond C1-C2")
    assert identity_of(alanine, alanine.positions)[:2] == ("kept", "")
    assert identity_of(None, alanine.positions).word == "unknown"


def corners(count, radius, height=0.0):
    turns = 2 * np.pi * np.arange(count) / count
    return np.column_stack([radius * np.cos(turns), radius * np.sin(turns), np.full(count, height)])


def test_shapes_are_not_stereo():
    """PF5 that turns itself inside out, and sulfur that leaves a plane."""
    square = Atoms("PF5", np.vstack([[0, 0, 0], corners(4, 1.58, -0.2), [0, 0, 1.55]]))
    bipyramid = np.vstack([[0, 0, 0], [0, 1.53, 0], [1.58, 0, 0], [0, -1.53, 0], [-0.79, 0, -1.37], [-0.79, 0, 1.37]])
    pf5 = Molecule.from_atoms(square)
    assert identity_of(pf5, bipyramid) == ("kept", "", True, None)
    plane = [[0, 0, 0], [0, 1.6, 0], [0, -1.6, 0], [1.45, 0, 0], [-1.45, 0, 0]]
    hydrogens = [[0.85, 2.1, 0], [-0.85, 2.1, 0], [0.85, -2.1, 0], [-0.85, -2.1, 0]]
    sulfamide = Molecule.from_atoms(Atoms("SN2O2H4", plane + hydrogens))
    bent = sulfamide.positions + np.outer([0, 0, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0.9])
    assert identity_of(sulfamide, bent)[:2] == ("kept", "")


def test_a_proton_that_moved_within_the_molecule_is_a_rearrangement():
    glycine = Molecule.from_smiles("NCC(=O)O")
    bonds = {tuple(sorted(pair)) for pair in glycine.bonds.tolist()}
    proton = next(j for i, j in bonds if i == 4 and glycine.numbers[j] == 1)
    there = glycine.positions
    away = there[0] - there[1]  # from C1, behind N0
    there[proton] = there[0] + away / np.linalg.norm(away)
    found = identity_of(glycine, there)
    assert (found.word, found.bonds_kept) == ("rearranged", False)
    assert found.why == f"O4-H{proton} broken; N0-H{proton} formed"


def test_fragments_are_counted_and_named_by_their_formulas():
    pair = Molecule.from_smiles("O.CC")
    there = pair.positions
    carbons = [i for i in range(len(pair)) if pair.numbers[i] == 6]
    first = {carbons[0], *(j for i, j in pair.bonds.tolist() if i == carbons[0] and pair.numbers[j] == 1)}
    there[sorted(first)] += [0.0, 0.0, 30.0]
    found = identity_of(pair, there)
    assert found.word == "dissociated"
    assert found.why == "C1-C2 broken; fragments H2O, 2 CH3"


def test_a_contact_of_a_lone_ion_is_no_new_bond():
    acetate = Molecule.from_smiles("CC(=O)[O-].[Na+]")
    positions = acetate.positions
    positions[4] = positions[3] + (positions[3] - positions[1]) / np.linalg.norm(positions[3] - positions[1]) * 2.2
    assert [atom.GetSymbol() for atom in acetate.to_rdkit().GetAtoms()][3:5] == ["O", "Na"]
    assert bonds_kept(acetate, positions)


def test_bonds_of_atoms_that_exchanged_places_are_perceived_anew():
    ethane = Molecule.from_smiles("FC(F)(F)C(F)(F)F").atoms()
    ethane.positions[[1, 4]] = ethane.positions[[4, 1]]
    bonds = {tuple(sorted(bond)) for bond in Molecule.from_atoms(ethane).bonds.tolist()}
    assert (0, 4) in bonds
    assert (0, 1) not in bonds


# What is perceived, and when it is in doubt


def test_the_charge_that_a_calculator_was_told_comes_before_info_and_initial_charges():
    atoms = Atoms("NH4", charges=[0.4] * 5, info={"charge": 2})
    assert list(electrons.charges_said(atoms, {"charge": 1}).values()) == [1, 2, 2]
    assert electrons.charge_of(atoms, {"charge": 1}) == 1


def test_an_ion_needs_no_info_where_its_calculator_knows_the_charge(caplog):
    tblite = pytest.importorskip("tblite.ase")
    ion = Molecule.from_smiles("C[NH2+]CC(=O)O")
    atoms = unsaid(ion)
    del atoms.info["charge"]
    atoms.calc = tblite.TBLite(method="GFN2-xTB", charge=1, verbosity=0)
    found = Molecule.from_atoms(atoms)
    assert (found.charge, found.spin, found.orders_known, found.smiles) == (1, 1, True, ion.smiles)
    assert not caplog.records


@pytest.mark.parametrize("charge", [1 + 0j, np.complex128(1), 10**400, 1e30, np.ones(3), "one", None, float("nan")])
def test_what_a_calculator_calls_its_charge_and_is_none_is_passed_over(charge):
    calculator = EMT()
    calculator.charge = charge
    assert electrons.told(calculator, Atoms("N2")) == {}


def test_a_calculator_that_raises_where_it_is_asked_for_what_it_need_not_have_says_nothing():
    class Strict:
        def __getattr__(self, name):
            raise RuntimeError(name)

    assert electrons.told(Strict(), Atoms("N2")) == {}


def test_a_sum_of_calculators_has_the_charge_of_its_parts():
    ionic = EMT()
    ionic.charge = 1
    assert electrons.told(SumCalculator([EMT(), ionic]), Atoms("NH4")) == {"charge": 1}


def test_where_charges_contradict_each_other_bonds_have_no_orders_and_the_log_warns(caplog):
    ion = Molecule.from_smiles("C[NH3+]")
    atoms = unsaid(ion)
    atoms.info["charge"] = 1
    found = Molecule.from_atoms(atoms, {"charge": 0})
    assert (found.charge, found.orders_known) == (0, False)
    assert found.contradiction == "the calculator says charge 0, its info 1"
    assert "the calculator says charge 0, its info 1" in caplog.text
    assert sorted(map(tuple, np.sort(found.bonds))) == sorted(map(tuple, np.sort(ion.bonds)))


@pytest.mark.parametrize("factor", [0.5, 1.0])
@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)N", "OCC(O)CO", "c1ccccc1O"])
def test_a_hydrogen_torn_off_puts_the_bonds_in_doubt_and_takes_them_from_distances(smiles, factor, caplog):
    atoms = unsaid(Molecule.from_smiles(smiles))
    atoms.positions[-1] += factor * (atoms.positions[-1] - atoms.positions.mean(axis=0))
    found = Molecule.from_atoms(atoms)
    assert not found.orders_known
    assert f"atom {len(atoms) - 1} (H) has no bond" in found.doubt
    assert "using bonds by distance" in caplog.text


def test_a_difference_from_bonds_in_doubt_is_not_called_another_molecule():
    whole = Molecule.from_smiles("OCC(O)CO")
    atoms = unsaid(whole)
    atoms.positions[-1] += atoms.positions[-1] - atoms.positions.mean(axis=0)
    torn = Molecule.from_atoms(atoms)
    assert bonds_kept(torn, whole.positions) is None
    assert bonds_kept(whole, atoms.positions) is False
    assert identity_of(torn, whole.positions).word == "unknown"
    assert "in doubt" in identity_of(torn, whole.positions).why
    assert torn.moved(whole.positions).smiles == whole.smiles


@pytest.mark.parametrize("smiles", ["O.[Na+]", "CS(=O)(=O)[O-].[Li+]", "[Na+].[Cl-].O", "[K+].[K+].[O-]C(=O)C(=O)[O-]"])
def test_plain_atoms_of_a_salt_of_an_alkali_metal_are_the_molecule(smiles):
    salt = Molecule.from_smiles(smiles)
    atoms = unsaid(salt)
    atoms.info["charge"] = salt.charge
    found = Molecule.from_atoms(atoms)
    assert (found.orders_known, found.smiles) == (True, salt.smiles)
    assert sorted(map(sorted, found.bonds.tolist())) == sorted(map(sorted, salt.bonds.tolist()))


@pytest.mark.parametrize("smiles", ["C[Li]", "[LiH]", "[Na][Na]"])
def test_an_alkali_metal_that_shares_electrons_is_no_ion(smiles):
    covalent = Molecule.from_smiles(smiles)
    assert len(Molecule.from_atoms(unsaid(covalent)).bonds) == len(covalent.bonds)


@pytest.mark.parametrize("smiles", ["CC(=O)[O-].[Na+]", "[He].CCO", "C[NH3+].[Cl-]"])
def test_ions_and_noble_gases_without_a_bond_are_not_in_doubt(smiles):
    assert Molecule.from_atoms(unsaid(Molecule.from_smiles(smiles))).doubt in ("", "no bond orders fit")


def test_doubt_travels_with_the_atoms():
    atoms = unsaid(Molecule.from_smiles("CCO"))
    atoms.positions[-1] *= 2
    torn = Molecule.from_atoms(atoms)
    assert Molecule.from_atoms(torn.atoms()).doubt == torn.doubt != ""


def test_a_cluster_of_neutral_molecules_is_perceived_molecule_by_molecule(monkeypatch):
    monkeypatch.setattr(perception, "MAX_ITERATIONS", 60)  # enough for each, not for both
    one = Molecule.from_smiles("c1ccc2cccc2cc1")
    far = Atoms(np.tile(one.numbers, 6), np.concatenate([one.positions + 12.0 * n for n in range(6)]))
    far = far[np.random.default_rng(0).permutation(len(far))]
    found = Molecule.from_atoms(far)
    assert found.orders_known
    assert found.smiles == ".".join([one.smiles] * 6)


@pytest.mark.parametrize(
    "smiles",
    [
        "C[C@H](N)C(=O)O",
        r"C/C=C/[C@@H](O)[C@H](F)/C=C\C",
        "C[S@](=O)CC[C@@H]1CC[C@H](O)C1",
        "C[C@@H]1C[C@H]2CC[C@@H]1N2C",
    ],
)
def test_the_quick_look_at_stereo_says_what_rdkit_says(smiles):
    start = Molecule.from_smiles(smiles)
    senses = senses_of(start)
    assert senses is not None
    rng = np.random.default_rng(1)
    others = [Molecule.from_smiles(isomer) for isomer in stereoisomers(smiles)]
    assert len(others) > 1
    clear = 0
    for other in others:
        match = other.to_rdkit().GetSubstructMatch(Chem.Mol(start.to_rdkit()), useChirality=False)
        for conformer in other.conformers(3, seed=2):
            positions = conformer.positions[list(match)] + rng.normal(scale=0.03, size=start.positions.shape)
            same = configuration(start.with_positions(positions)) == configuration(start)
            assert senses.kept(positions) <= same
            clear += senses.kept(positions)
    assert clear  # or RDKit would always be asked


def stereoisomers(smiles):
    flat = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(flat)
    found = EnumerateStereoisomers(flat, options=StereoEnumerationOptions(tryEmbedding=True))
    return [Chem.MolToSmiles(each) for each in found]


def test_a_valence_that_rdkit_does_not_know_is_one_line_where_other_geometries_are_asked_for():
    corners = [(1, 0, 0), (-0.5, 0.866, 0), (-0.5, -0.866, 0), (0, 0, 1), (0, 0, -1)]
    pentafluoride = Atoms("AlF5", [(0, 0, 0), *(1.75 * np.array(corners))])
    molecule = Molecule.from_atoms(pentafluoride, {"charge": -2}).renamed("pentafluoride")
    with pytest.raises(InputError, match=r"RDKit cannot embed pentafluoride: .*Al, 5, .*; give a geometry"):
        next(molecule.conformers(1))
