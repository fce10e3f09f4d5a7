"""What molopt writes of geometries and runs: molopt, RDKit and ASE read it, with charge, multiplicity and results."""

import re
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rdkit import Chem

import molopt
from molopt import Molecule, read, relax
from molopt.errors import InputError
from molopt.fields import run_fields
from molopt.molecules.annotation import TRAVELLING
from molopt.molecules.formats import IN_FOLDERS, READERS
from molopt.molecules.writing import WRITTEN, Structure, ending_of, write
from molopt.schema import Outcome
from molopt.spelling import tidied

ENDINGS = list(WRITTEN)
IONS = {
    "anion": ("CC(=O)[O-]", None),
    "cation": ("C[NH3+]", None),
    "triplet": ("[O][O]", 3),
    "radical": ("C[CH2]", None),
    "excited": ("C=C", 3),
    "zwitterion": ("[NH3+]CC(=O)[O-]", None),
    "ions": ("[Na+].[Cl-]", None),
    "chiral": ("C[C@H](N)C(=O)O", None),
}
TOLERANCE = {".sdf": 1e-4, ".pdb": 1e-3, ".xyz": 1e-8, ".extxyz": 1e-8, ".traj": 0.0}  # A, of the decimals of each


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("which", IONS)
def test_what_is_written_is_read_as_the_same_molecule(which, ending, here):
    smiles, spin = IONS[which]
    molecule = Molecule.from_smiles(smiles, name=f'the "{which}" \\o/', spin=spin)
    molecule.write(f"a{ending}")
    (again,) = read(f"a{ending}")
    assert (again.name, again.charge, again.spin) == (molecule.name, molecule.charge, molecule.spin)
    assert again.smiles == molecule.smiles
    assert np.abs(again.positions - molecule.positions).max() <= TOLERANCE[ending] * 0.51


def test_bonds_whose_orders_are_not_known_stay_so(here):
    ozone = Molecule.from_distances(Atoms("O3", [[0, 1.1, -0.2], [0, 0, 0.45], [0, -1.1, -0.2]]))
    for ending in (".sdf", ".xyz", ".traj"):
        ozone.write(f"a{ending}")
        (again,) = read(f"a{ending}")
        assert not again.orders_known
        assert again.bonds.tolist() == ozone.bonds.tolist()


@pytest.mark.parametrize("ending", [".sdf", ".pdb"])
def test_rdkit_reads_sdf_and_pdb_with_charges_and_bonds(ending, here):
    molecule = Molecule.from_smiles("[NH3+]CC(=O)[O-]", name="glycine")
    molecule.write(f"a{ending}")
    load = Chem.MolFromPDBFile if ending == ".pdb" else Chem.MolFromMolFile
    mol = load(f"a{ending}", removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == molecule.smiles
    assert mol.GetProp("_Name") == "glycine"


@pytest.mark.parametrize("ending", ENDINGS)
def test_ase_reads_elements_and_geometry_of_every_format(ending, here):
    molecule = Molecule.from_smiles("CO")
    molecule.write(f"a{ending}")
    atoms = ase.io.read(f"a{ending}")
    assert atoms.numbers.tolist() == molecule.numbers.tolist()
    assert atoms.positions == pytest.approx(molecule.positions, abs=1e-3)


# Results


FIELDS = {"energy_eV", "fmax_eV_per_A", "energy_left_meV", "ended", "stationary", "identity", "force_calls",
          "potential", "optimizer", "versions", "charge", "spin"}  # fmt: skip


def test_an_sdf_of_a_result_says_what_was_found_and_rdkit_gives_the_same_numbers(here):
    result = relax(Molecule.from_smiles("CC(=O)[O-]", name="acetate"), potential="mmff94")
    result.write("a.sdf")
    (mol,) = Chem.SDMolSupplier("a.sdf", removeHs=False)
    said = mol.GetPropsAsDict()
    assert set(said) >= FIELDS
    assert (said["charge"], said["spin"], said["identity"], said["force_calls"]) == (-1, 1, "kept", result.force_calls)
    assert (said["energy_eV"], said["fmax_eV_per_A"]) == pytest.approx((result.energy, result.fmax), rel=1e-11)
    assert said["energy_left_meV"] == pytest.approx(1e3 * float(result.energy_left), rel=1e-11)
    assert said["potential"] == "mmff94"
    assert f"molopt {molopt.__version__}" in said["versions"]


@pytest.mark.parametrize("ending", [".xyz", ".extxyz", ".traj"])
def test_ase_reads_energy_forces_and_what_was_found(ending, here):
    result = relax(Molecule.from_smiles("CC(=O)[O-]", name="acetate"), potential="mmff94")
    result.write(f"a{ending}")
    atoms = ase.io.read(f"a{ending}")
    assert atoms.get_potential_energy() == result.energy
    assert atoms.get_forces() == pytest.approx(result.atoms.get_forces(), abs=1e-8)
    assert set(atoms.info) >= FIELDS
    assert (atoms.info["charge"], atoms.info["spin"]) == (-1, 1)
    assert atoms.info["energy_eV"] == pytest.approx(result.energy, rel=1e-11)


def test_what_is_said_in_info_is_never_what_a_molecule_is_read_from():
    result = relax(Molecule.from_smiles("O"), potential="mmff94")
    assert not set(result.structure().fields) & set(TRAVELLING)


def test_where_a_proton_moved_files_hold_the_molecule_that_came_out_and_say_so(here):
    start = Molecule.from_smiles("OC(=O)CN", name="glycine")
    result = relax(start, "bfgs", Towards(zwitterion(start)), energy_left=None)
    assert result.converged
    assert (result.verdict.molecule, result.molecule.smiles) == ("rearranged", "[NH3+]CC(=O)[O-]")
    for ending in ENDINGS:
        result.write(f"a{ending}")
        (again,) = read(f"a{ending}")
        assert (again.smiles, again.charge, again.spin) == ("[NH3+]CC(=O)[O-]", 0, 1)
    (mol,) = Chem.SDMolSupplier("a.sdf", removeHs=False)
    said = mol.GetPropsAsDict()
    assert (said["identity"], said["bonds_from"]) == ("rearranged", "the end of the run, which changed them")
    assert "broken" in said["why"]
    assert "formed" in said["why"]


class Towards(Calculator):
    """A spring between each atom and a place of its own."""

    implemented_properties = ("energy", "forces")

    def __init__(self, places):
        super().__init__()
        self.places = places

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        away = atoms.positions - self.places
        self.results = {"energy": float((away**2).sum()), "forces": -2 * away}


def zwitterion(glycine):
    """A geometry of the same atoms with the proton of the acid at the nitrogen."""
    mol = Chem.RWMol(glycine.to_rdkit())
    (acid,) = mol.GetSubstructMatches(Chem.MolFromSmarts("[H]OC=O"))
    (amine,) = mol.GetSubstructMatches(Chem.MolFromSmarts("[NX3]"))
    mol.RemoveBond(acid[0], acid[1])
    mol.AddBond(acid[0], amine[0], Chem.BondType.SINGLE)
    mol.GetAtomWithIdx(acid[1]).SetFormalCharge(-1)
    mol.GetAtomWithIdx(amine[0]).SetFormalCharge(1)
    Chem.SanitizeMol(mol)
    Chem.rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    return mol.GetConformer().GetPositions()


def test_where_bonds_broke_the_sdf_has_none_of_them(here):
    water = Molecule.from_smiles("O", name="water")
    apart = water.positions + np.array([[0, 0, 0], [4, 0, 0], [0, 0, 0]])
    result = relax(water, "bfgs", Towards(apart), energy_left=None)
    result.write("a.sdf")
    (again,) = read("a.sdf")
    assert len(again.bonds) == 1
    assert result.verdict.molecule == "dissociated"


def test_atoms_that_are_no_molecule_are_written_where_there_is_no_need_of_one(here):
    gold = Atoms("Au", cell=np.eye(3) * 2.6, pbc=True)
    gold *= (2, 2, 2)
    gold.rattle(0.05, seed=1)
    gold.calc = EMT()
    result = relax(gold, fmax=0.2, steps=3)
    result.write("a.xyz")
    assert ase.io.read("a.xyz").cell == pytest.approx(gold.cell.array)
    with pytest.raises(InputError, match=r"not known to be a molecule: write them as \.xyz or \.traj"):
        result.write("a.sdf")
    assert [path.name for path in here.iterdir()] == ["a.xyz"]


# Files


def test_many_geometries_are_streamed_into_one_file(here):
    molecules = [Molecule.from_smiles(smiles, name=smiles) for smiles in ("O", "CO", "CCO")]
    for ending in ENDINGS:
        written = write(f"a{ending}", (Structure(each, each.atoms(), {"place": 1}) for each in molecules))
        assert written == 3
        assert [each.smiles for each in read(f"a{ending}")] == ["O", "CO", "CCO"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_appears_whole_or_not_at_all(ending, here):
    (here / f"a{ending}").write_text("before")
    water = Molecule.from_smiles("O")

    def broken():
        yield Structure(water, water.atoms())
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write(f"a{ending}", broken())
    assert (here / f"a{ending}").read_text() == "before"
    assert [path.name for path in here.iterdir()] == [f"a{ending}"]


def test_an_ending_that_is_not_written_is_an_error_before_anything_is_run(here):
    with pytest.raises(InputError, match=r"cannot write 'a\.mol2': its name must end in \.sdf, \.xyz, .*\.traj"):
        ending_of("a.mol2")
    with pytest.raises(InputError, match="could not be written: No such file or directory"):
        Molecule.from_smiles("O").write("nowhere/a.sdf")


def test_the_document_of_formats_lists_every_field_every_ending_and_no_other():
    text = (Path(__file__).parents[2] / "docs" / "guide" / "formats.md").read_text()
    reading, rest = text.split("## Written")
    writing, fields = rest.split("## What travels")
    found = run_fields(Outcome("converged", why="it is", stiffness=0.5, energy_left=1e-4, energy=-1.0, fmax=0.01,
                               bonds_kept=False), "uff", "bfgs", {"ase": "3"})  # fmt: skip
    assert first_column(fields) == set(found)
    assert first_column(writing) == set(WRITTEN)
    assert set(READERS) <= first_column(reading)
    (folder,) = [line for line in reading.splitlines() if line.startswith("| a folder")]
    assert set(re.findall(r"`(\.\w+)`", folder)) == set(IN_FOLDERS)


def first_column(text):
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@settings(max_examples=30)
@given(name=st.text(st.characters(exclude_characters="\0"), min_size=1).filter(lambda text: tidied(text)))
@example(name="T")
@example(name="007")
@example(name="[1, 2]")
@example(name='{"a": 1}')
@example(name="_JSON 3")
@example(name="$$$$")
@example(name="Ünï cödé" * 30)
@example(name='F/C=C\\F "quoted"')
def test_any_name_travels_through_every_format(name, tmp_path):
    molecule = Molecule.from_rdkit(WATER, name=name)
    for ending in ENDINGS:
        path = tmp_path / f"a{ending}"
        molecule.write(path)
        (again,) = read(path)
        assert again.name == molecule.name, ending


WATER = Molecule.from_smiles("O").to_rdkit()
