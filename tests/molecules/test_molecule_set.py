"""What molecules/README.md says of the set, as far as it needs no relaxation."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdMolDescriptors

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "molecules").glob("*.sdf"))
NAMES = [file.stem for file in FILES]
CLASSES = {
    *("alkane", "polyether", "peptide", "polyyne", "biaryl", "sugar", "lipid"),
    *("drug-like", "zwitterion", "ion", "hydrogen-bonded"),
}


def read(file: Path) -> Chem.Mol:
    return next(Chem.SDMolSupplier(str(file), removeHs=False))


@pytest.fixture(scope="module")
def molecules() -> dict[str, Chem.Mol]:
    return {file.stem: read(file) for file in FILES}


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    lines = (ROOT / "molecules" / "README.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows[1:]}


@pytest.fixture(scope="module")
def tuning() -> dict[str, Chem.Mol]:
    lines = (ROOT / "docs" / "benchmarks" / "tuning_molecules.smi").read_text().splitlines()
    return {name: Chem.MolFromSmiles(smiles) for smiles, name in map(str.split, lines)}


def rotatable(mol: Chem.Mol) -> int:
    """Explicit hydrogens would make methyl turns count."""
    return rdMolDescriptors.CalcNumRotatableBonds(Chem.RemoveHs(mol))


def without_stereo(mol: Chem.Mol) -> str:
    return Chem.MolToSmiles(Chem.RemoveHs(mol), isomericSmiles=False)


def has_mmff94(mol: Chem.Mol) -> bool:
    """RDKit claims to have parameters for radicals."""
    return rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol) and not any(
        atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()
    )


def fmax(mol: Chem.Mol) -> float:
    """Largest MMFF94 force on an atom, kcal/mol/A."""
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, ignoreInterfragInteractions=False)
    field.CalcEnergy()  # CalcGrad uses the distances that it leaves
    return np.linalg.norm(np.reshape(field.CalcGrad(), (-1, 3)), axis=1).max()


def test_at_least_28_molecules_of_every_class(molecules):
    assert len(molecules) >= 28
    assert {mol.GetProp("class") for mol in molecules.values()} == CLASSES


def test_at_least_12_have_10_or_more_rotatable_bonds(molecules):
    assert sum(rotatable(mol) >= 10 for mol in molecules.values()) >= 12


def test_at_least_4_have_more_than_90_atoms_and_most_have_30_to_90(molecules):
    sizes = np.array([mol.GetNumAtoms() for mol in molecules.values()])
    assert (sizes > 90).sum() >= 4
    assert ((sizes >= 30) & (sizes <= 90)).sum() > len(sizes) / 2
    assert sizes.min() >= 20
    assert sizes.max() <= 150


def test_no_molecule_is_there_twice_not_even_as_a_stereoisomer(molecules):
    assert len({without_stereo(mol) for mol in molecules.values()}) == len(molecules)


@pytest.mark.parametrize("name", NAMES)
def test_file_is_v2000_and_its_title_is_its_name(name):
    lines = (ROOT / "molecules" / f"{name}.sdf").read_text().splitlines()
    assert lines[0] == name
    assert lines[3].endswith("V2000")


@pytest.mark.parametrize("name", NAMES)
def test_fields_describe_the_molecule_of_the_file(name, molecules):
    mol = molecules[name]
    assert int(mol.GetProp("charge")) == Chem.GetFormalCharge(mol)
    assert int(mol.GetProp("seed")) >= 0
    # InChI, because SMILES read from coordinates call the phosphorus of a phosphate, P(=O)[O-], a stereocentre
    assert Chem.MolToInchi(mol) == Chem.MolToInchi(Chem.MolFromSmiles(mol.GetProp("SMILES")))


@pytest.mark.parametrize("name", NAMES)
def test_stereo_of_carbons_and_double_bonds_is_defined(name, molecules):
    mol = Chem.MolFromSmiles(molecules[name].GetProp("SMILES"))
    undefined = [
        element.centeredOn
        for element in Chem.FindPotentialStereo(mol)
        if element.specified != Chem.StereoSpecified.Specified
        and not (
            element.type == Chem.StereoType.Atom_Tetrahedral
            and mol.GetAtomWithIdx(element.centeredOn).GetSymbol() == "P"
        )
    ]
    assert not undefined


@pytest.mark.parametrize("name", NAMES)
def test_mmff94_covers_it_and_all_its_hydrogens_are_explicit(name, molecules):
    assert has_mmff94(molecules[name])
    assert Chem.AddHs(molecules[name]).GetNumAtoms() == molecules[name].GetNumAtoms()


@pytest.mark.parametrize("name", NAMES)
def test_start_has_no_clash_and_is_not_relaxed(name, molecules):
    distances = Chem.Get3DDistanceMatrix(molecules[name])
    assert distances[np.triu_indices_from(distances, k=1)].min() > 0.6
    # eV/A is 23 kcal/mol/A: a hundred times the force of a relaxed geometry
    assert fmax(molecules[name]) > 23


def test_only_the_hydrogen_bonded_pair_has_two_fragments_and_they_reach_each_other(molecules):
    fragments = {name: Chem.GetMolFrags(mol) for name, mol in molecules.items()}
    assert [name for name, parts in fragments.items() if len(parts) > 1] == ["octanoic_dimer"]
    first, second = fragments["octanoic_dimer"]
    contact = Chem.Get3DDistanceMatrix(molecules["octanoic_dimer"])[np.ix_(first, second)].min()
    assert contact == pytest.approx(2.0, abs=1e-3)  # coordinates have four decimals


def test_readme_lists_every_file_with_its_class_size_flexibility_and_charge(molecules, table):
    assert set(table) == set(molecules)
    for name, mol in molecules.items():
        formula = rdMolDescriptors.CalcMolFormula(mol)
        expected = [mol.GetProp("class"), formula, mol.GetNumAtoms(), rotatable(mol), mol.GetProp("charge")]
        assert table[name][:5] == [str(value) for value in expected], name


def test_readme_gives_at_least_12_molecules_more_than_600_force_calls_of_fire(table):
    assert sum(int(row[5]) > 600 for row in table.values()) >= 12


def test_readme_says_of_each_why_it_is_hard_in_its_own_words(table):
    reasons = [row[6] for row in table.values()]
    assert all(len(reason.split()) >= 10 for reason in reasons)
    assert len(set(reasons)) == len(reasons)


def test_tuning_molecules_share_nothing_with_the_set(molecules, tuning):
    assert len(tuning) == 24
    others = {without_stereo(mol) for mol in tuning.values()}
    assert len(others) == 24
    assert not others & {without_stereo(mol) for mol in molecules.values()}
    assert not set(tuning) & set(molecules)


def test_tuning_molecules_are_covered_by_mmff94_and_have_20_to_100_atoms(tuning):
    for name, mol in tuning.items():
        full = Chem.AddHs(mol)
        assert has_mmff94(full), name
        assert 20 <= full.GetNumAtoms() <= 100, name
