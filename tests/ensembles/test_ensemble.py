"""An ensemble ranks its conformers, and what it writes is read back by other programs as it was."""

import copy
import csv
import json
import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import units
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdMolAlign

import molopt
from molopt import potentials
from molopt.ensembles.conformer import SOURCES, Conformer, Round, SetAside
from molopt.ensembles.degeneracy import degeneracies, with_degeneracies
from molopt.ensembles.ensemble import Ensemble
from molopt.ensembles.fields import FIELDS
from molopt.ensembles.free_energies import with_dipoles, with_free_energies
from molopt.ensembles.ranking import boltzmann
from molopt.errors import InputError
from molopt.files import whole
from molopt.molecules import Molecule
from molopt.stationary.verdict import Verdict

KCAL = units.kcal / units.mol
MINIMUM = Verdict("converged", "minimum", "kept", "lowest curvature 0.4 of the model's", 1e-5)
SADDLE = Verdict("unconverged", "saddle", "kept", "lowest curvature -0.3 of the model's")


@cache
def relaxed(smiles, count=12, potential="mmff94s", fmax=1e-3):
    """Ends of relaxations from embeddings, as conformers."""
    molecule = Molecule.from_smiles(smiles)
    starts = [one.positions for one in molecule.conformers(count, seed=3)]
    ends = molopt.relax_batch(molecule, potential=potential, positions=starts, fmax=fmax, ordered=True)
    found = [
        Conformer(
            end.positions, end.energy, "etkdg", seed=seed, calls=end.force_calls, verdict=end.verdict, fmax=end.fmax,
            energy_left=float(end.energy_left),
        )
        for seed, end in enumerate(ends)
    ]  # fmt: skip
    return molecule, found


@cache
def butane():
    """Anti and one gauche, by their torsion; each minimum once."""
    molecule, found = relaxed("CCCC")
    ensemble = Ensemble(molecule, found, "mmff94s")
    angles = np.abs(ensemble.torsions()[1][:, 0])
    anti, gauche = ensemble[int(angles.argmax())], ensemble[int(angles.argmin())]
    assert angles.max() > 179
    assert 60 < angles.min() < 70
    return with_degeneracies(Ensemble(molecule, [anti, gauche], "mmff94s", window=3.0, force_calls={"mmff94s": 200}))


@cache
def dipeptide():
    molecule, found = relaxed("CC(=O)N[C@@H](C)C(=O)NC", 6)
    aside = [SetAside(found[0].positions, math.nan, "turn", "rearranged: N3-H14 broken; O2-H14 formed")]
    rounds = [Round(60, -0.7, 1, {"etkdg": (4, 1)}), Round(120, -0.74, 2, {"etkdg": (6, 2), "turn": (3, 0)})]
    return Ensemble(
        molecule, [*found, replace(found[1], source="turn", seed=None, dipole=0.5)], "mmff94s", 310.0, 6.0,
        aside, rounds, {"etkdg": 6, "turn": 1}, {"mmff94s": 120}, "no new ones", (0.1, 0.05), ["a note"],
    )  # fmt: skip


def rigid(*energies, **each):
    """Conformers of water that differ in energy alone, kcal/mol."""
    water = Molecule.from_smiles("O")
    return water, [Conformer(water.positions, energy * KCAL, **each) for energy in energies]


def test_populations_are_those_of_a_sum_by_hand():
    # RT is 0.592484 kcal/mol: weights 1, 2 exp(-0.5 / RT) = 0.860059, 2 exp(-1 / RT) = 0.369851; sum 2.229910.
    water, (one, two, three) = rigid(0.0, 0.5, 1.0)
    ensemble = Ensemble(water, [replace(three, degeneracy=2), one, replace(two, degeneracy=2)], "mmff94s")
    assert ensemble.relative == pytest.approx([0.0, 0.5, 1.0])
    assert ensemble.populations == pytest.approx([0.448449, 0.385693, 0.165859], abs=2e-6)
    assert ensemble.averages().energy == pytest.approx((0.5 * 0.385693 + 0.165859) * KCAL, rel=1e-5)


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=9),
    st.floats(-1e4, 1e4),
    st.floats(10, 2000),
)
def test_populations_add_up_and_do_not_depend_on_the_zero_of_energy(energies, zero, temperature):
    weights = np.arange(1, len(energies) + 1)
    found = boltzmann(np.array(energies), weights, temperature)
    assert found.sum() == pytest.approx(1)
    assert boltzmann(np.array(energies) + zero, weights, temperature) == pytest.approx(found, abs=1e-6)


def test_a_saddle_is_listed_and_has_no_population():
    water, (one, two) = rigid(0.0, 1.0)
    ensemble = Ensemble(water, [replace(one, verdict=SADDLE), replace(two, verdict=MINIMUM)], "mmff94s")
    assert ensemble.populations.tolist() == [0.0, 1.0]
    assert "2 conformers (1 minima)" in repr(ensemble)


@pytest.mark.parametrize("temperature", [0, -1, math.nan])
def test_a_temperature_that_cannot_be_is_refused(temperature):
    water, found = rigid(0.0)
    with pytest.raises(InputError, match="temperature must be positive"):
        Ensemble(water, found, "mmff94s", temperature)


def test_mirror_images_count_where_they_are_other_shapes_of_an_achiral_molecule():
    ensemble = butane()
    assert [conformer.degeneracy for conformer in ensemble] == [1, 2]
    gauche = ensemble.positions[1:]
    assert degeneracies(ensemble.molecule, gauche, mirror="keep") == [1]
    chiral = dipeptide()
    assert degeneracies(chiral.molecule, chiral.positions) == [1] * len(chiral)


def test_conformers_of_pentane_count_one_four_and_two():
    ensemble = molopt.conformers("CCCCC", "mmff94s", count=80, conforge=False, seed=1)
    assert [conformer.degeneracy for conformer in ensemble][:3] == [1, 4, 2]
    assert [conformer.images for conformer in ensemble][:3] == [1, 2, 2]
    apart = molopt.conformers("CCCCC", "mmff94s", count=80, conforge=False, seed=1, mirror="keep")
    assert ensemble.populations[1] == pytest.approx(apart.populations[1:3].sum(), abs=1e-3)  # tg and its image


def test_free_energies_are_those_of_check_and_rank():
    found = with_free_energies(butane(), temperature=350.0)
    for conformer in found:
        checked = molopt.check(
            found.molecule.with_positions(conformer.positions), "mmff94s", frequencies=True, temperature=350.0
        )
        assert conformer.free_energy == pytest.approx(checked.thermochemistry.gibbs, abs=1e-9)
        assert conformer.verdict.stationary == "minimum"
    # Anti butane has a twofold axis as gauche butane has, and the gauche one counts twice.
    free = np.array([conformer.free_energy for conformer in found])
    weights = np.array([c.images for c in found]) * np.exp(-(free - free.min()) / (units.kB * 350))
    assert found.populations == pytest.approx(weights / weights.sum())
    assert found.order == "free_energy"
    assert found.temperature == 350
    calls = found.force_calls["mmff94s"] - butane().force_calls["mmff94s"]
    assert calls >= 2 * 2 * 3 * 14
    assert found.notes == [f"free energies at 350 K: {calls} force calls of mmff94s for 2 conformers"]


def test_free_energies_are_the_same_whatever_the_number_of_workers():
    one, two = (with_free_energies(butane(), workers=workers) for workers in (1, 2))
    assert [c.free_energy for c in one] == [c.free_energy for c in two]
    assert one.force_calls == two.force_calls
    with pytest.raises(InputError, match="cannot be divided among workers"):
        with_free_energies(butane(), potentials.potential("mmff94s", butane().molecule), workers=2)


def test_a_conformer_whose_potential_fails_keeps_its_energy_and_the_reason_is_said():
    far = Conformer(np.zeros((14, 3)), butane()[0].energy + 0.1)
    found = with_free_energies(butane().with_conformers([*butane(), far]), window=9.0)
    assert [c.free_energy is None for c in found] == [False, False, True]
    assert found.notes[-1].startswith("conformer 3 has no free energy: ")


def test_a_saddle_that_frequencies_find_is_named_and_has_no_free_energy():
    ensemble = butane()
    atoms = ensemble.molecule.with_positions(ensemble[0].positions).atoms()
    carbons = [0, 1, 2, 3]
    for _ in range(2):  # cis butane, by symmetry a saddle, whose other coordinates are relaxed
        atoms.set_dihedral(*carbons, 0.0, indices=[3, 11, 12, 13, 9, 10])
        molecule = ensemble.molecule.with_positions(atoms.positions)
        top = molopt.relax(molecule, "lbfgs", potential="mmff94s", fmax=1e-4, check=None, energy_left=None)
        atoms.positions = top.atoms.positions
    if abs(atoms.get_dihedral(*carbons)) > 1 and abs(atoms.get_dihedral(*carbons) - 360) > 1:
        pytest.fail("it did not stay on the ridge")
    found = with_free_energies(
        ensemble.with_conformers([*ensemble, Conformer(atoms.positions, top.energy)]), window=9.0
    )
    assert found[-1].verdict.stationary == "saddle"
    assert found[-1].free_energy is None
    assert found.populations[-1] == 0
    assert "conformer 3 has no free energy: it is for minima, and this is a saddle" in found.notes[-1]


def test_a_conformer_above_the_window_costs_no_frequencies_and_is_shifted_as_the_others_are():
    ensemble = butane()
    found = with_free_energies(ensemble, window=0.1)
    assert [conformer.free_energy is None for conformer in found] == [False, True]
    assert found.populations == pytest.approx(ensemble.populations)


def test_dipoles_come_from_the_potential_that_has_them():
    pytest.importorskip("tblite", reason="xTB needs: pip install 'molopt[xtb]'")
    water = molopt.relax(Molecule.from_smiles("O"), potential="gfn2-xtb")
    ensemble = Ensemble(water.molecule, [Conformer(water.atoms.positions, water.energy)], "gfn2-xtb")
    measured = with_dipoles(ensemble)
    assert measured[0].dipole / units.Debye == pytest.approx(2.2, abs=0.15)  # GFN2-xTB says 2.2 D
    assert measured.averages().dipole == measured[0].dipole
    assert measured.force_calls == {"gfn2-xtb": 1}
    assert with_dipoles(ensemble, "mmff94s")[0].dipole is None
    ion = Molecule.from_smiles("[OH-]")
    here, there = (
        with_dipoles(Ensemble(ion, [Conformer(ion.positions + shift, 0.0)], "gfn2-xtb"))[0].dipole for shift in (0, 50)
    )
    assert here == pytest.approx(there, abs=1e-4)


def test_slices_are_ensembles_and_orders_can_be_others():
    ensemble = dipeptide()
    assert np.all(np.diff(ensemble.energies) >= 0)
    part = ensemble[2:4]
    assert isinstance(part, Ensemble)
    assert part.energies.tolist() == ensemble.energies[2:4].tolist()
    assert part.populations.sum() == pytest.approx(1)
    assert part.relative[0] == 0
    assert part.rounds == ensemble.rounds
    by_calls = ensemble.sorted_by("calls")
    assert [c.calls for c in by_calls] == sorted(c.calls for c in ensemble)
    assert by_calls.sorted_by("energy").energies.tolist() == ensemble.energies.tolist()
    assert ensemble.sorted_by("dipole")[0].dipole == 0.5  # what is not known comes last
    assert ensemble[-1] is list(ensemble)[-1]
    with pytest.raises(InputError, match="sorted by a number, got 'source': give one of energy,"):
        ensemble.sorted_by("source")


def test_rmsd_is_rdkits_over_heavy_atoms_and_polar_hydrogens():
    ensemble = dipeptide()
    apart = ensemble.rmsd()
    mol = ensemble.to_rdkit()
    dropped = [
        atom.GetIdx()
        for atom in mol.GetAtoms()
        if atom.GetAtomicNum() == 1 and atom.GetNeighbors()[0].GetAtomicNum() == 6
    ]
    outline = Chem.RWMol(mol)
    for atom in sorted(dropped, reverse=True):
        outline.RemoveAtom(atom)
    for one in range(len(ensemble)):
        for other in range(one):
            best = rdMolAlign.GetBestRMS(Chem.Mol(outline), Chem.Mol(outline), one, other)
            assert apart[one, other] == pytest.approx(best, abs=2e-4)
    assert (apart == apart.T).all()


def test_torsions_are_named_by_atoms_and_in_degrees():
    names, angles = butane().torsions()
    assert names == ["C0-C1-C2-C3"]
    assert np.abs(angles[:, 0]) == pytest.approx([180, 65], abs=1)


def test_a_repr_says_what_is_in_it_in_one_line():
    assert repr(butane()).startswith("<Ensemble C4H10: 2 conformers (2 minima) within 0.8 kcal/mol, mmff94s, lowest ")
    water, _ = rigid()
    assert repr(Ensemble(water, [], "mmff94s")) == "<Ensemble H2O: no conformers, mmff94s>"


def test_no_conformers_are_an_ensemble_too(tmp_path):
    water, _ = rigid()
    nothing = Ensemble(water, [], "mmff94s")
    assert nothing.energies.shape == nothing.populations.shape == (0,)
    assert nothing.positions.shape == (0, 3, 3)
    assert nothing.averages() == (None, None, None)
    assert Ensemble.from_data(nothing.as_data()).positions.shape == (0, 3, 3)
    for write, name in ((nothing.to_sdf, "a.sdf"), (nothing.to_xyz, "a.xyz"), (nothing.to_csv, "a.csv")):
        write(tmp_path / name)


def test_positions_of_another_molecule_are_refused():
    water, _ = rigid()
    with pytest.raises(InputError, match=r"needs positions of shape \(3, 3\), got \(2, 3\)"):
        Ensemble(water, [Conformer(np.zeros((2, 3)), 0.0)], "mmff94s")


def test_what_is_kept_as_data_comes_back_the_same():
    ensemble = dipeptide()
    data = ensemble.as_data()
    arrays = data.pop("arrays")
    back = Ensemble.from_data(json.loads(json.dumps(data, allow_nan=False)) | {"arrays": arrays})
    assert repr(back) == repr(ensemble)
    assert back.molecule.smiles == ensemble.molecule.smiles
    assert np.array_equal(back.positions, ensemble.positions)
    assert back.populations == pytest.approx(ensemble.populations, rel=1e-12)
    for one, other in zip(back, ensemble, strict=True):
        assert {**vars(one), "positions": 0} == {**vars(other), "positions": 0}
    for name in (
        "potential",
        "temperature",
        "window",
        "rounds",
        "generated",
        "force_calls",
        "stopped",
        "unseen",
        "notes",
    ):
        assert getattr(back, name) == getattr(ensemble, name), name
    (aside,) = back.set_aside
    assert math.isnan(aside.energy)
    assert aside.why == ensemble.set_aside[0].why


def test_numbers_of_numpy_are_numbers():
    water, _ = rigid()
    one = Conformer(water.positions.astype(np.float32), np.float32(1), seed=np.int64(3), calls=np.int32(7),
                    verdict=replace(MINIMUM, energy_left=math.nan))  # fmt: skip
    rounds = [Round(np.int64(7), np.float64(1), np.int64(1), {"etkdg": (np.int64(1), np.int64(1))})]
    data = Ensemble(water, [one], "mmff94s", rounds=rounds).as_data()
    data.pop("arrays")
    assert json.loads(json.dumps(data, allow_nan=False))["conformers"][0]["seed"] == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("potential", 3),
        ("conformers", []),
        ("conformers", "abc"),
        ("temperature", "hot"),
        ("temperature", math.nan),
        ("unseen", [1]),
        ("rounds", [{"calls": 1}]),
        ("arrays", {}),
        ("molecule", {"numbers": [1], "bonds": "x"}),
        ("order", "source"),
    ],
)
def test_data_that_are_not_an_ensemble_are_refused(name, value):
    with pytest.raises(InputError):
        Ensemble.from_data(dipeptide().as_data() | {name: value})


def places(data, at=()):
    """The way to each value within plain data."""
    yield at
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*at, key))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_data_with_anything_in_any_place_are_an_ensemble_or_refused_in_one_line(data):
    plain = copy.deepcopy(Ensemble.as_data(dipeptide()[:2]))
    arrays = plain.pop("arrays")
    *way, last = data.draw(st.sampled_from(list(places(plain))[1:]))
    inside = plain
    for key in way:
        inside = inside[key]
    inside[last] = data.draw(JSON)
    try:
        found, said = Ensemble.from_data(plain | {"arrays": arrays}), ""
    except InputError as error:
        found, said = None, error.message
    assert "\n" not in said
    if found is not None:
        json.dumps({**found.as_data(), "arrays": 0}, allow_nan=False)
        assert repr(found)


@pytest.mark.parametrize("name", ["energy", "source", "seed", "calls", "verdict", "degeneracy"])
def test_data_of_a_conformer_are_of_their_kind(name):
    data = dipeptide().as_data()
    data["conformers"] = [dict(row) for row in data["conformers"]]
    data["conformers"][2][name] = [[]]
    with pytest.raises(InputError, match="not an ensemble"):
        Ensemble.from_data(data)


def test_rdkit_reads_the_sdf_with_the_same_energies_and_stereo(tmp_path):
    ensemble, path = dipeptide(), tmp_path / "found.sdf"
    ensemble.to_sdf(path)
    records = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert len(records) == len(ensemble)
    for record, row in zip(records, ensemble.rows(), strict=True):
        said = record.GetPropsAsDict()
        assert said["energy_eV"] == row.conformer.energy  # to the last bit
        assert said["relative_energy_kcal_per_mol"] == row.relative
        assert said["population"] == row.population
        assert said["calls"] == row.conformer.calls
        assert (said["source"], said["degeneracy"]) == (row.conformer.source, 1)
        assert (said["stationary"], said["identity"]) == ("minimum", "kept")
        assert (said["potential"], said["temperature_K"], said["charge"], said["spin"]) == ("mmff94s", 310.0, 0, 1)
        assert record.GetConformer().GetPositions() == pytest.approx(row.conformer.positions, abs=1e-4)
        assert Chem.MolToSmiles(Chem.RemoveHs(record)) == ensemble.molecule.smiles
    assert len(list(molopt.read(path))) == len(ensemble)


def test_ase_reads_the_xyz_whose_comments_are_energies_in_hartree(tmp_path):
    ensemble, path = dipeptide(), tmp_path / "found.xyz"
    ensemble.to_xyz(path)
    frames = ase.io.read(path, ":", format="xyz")
    assert len(frames) == len(ensemble)
    comments = path.read_text().splitlines()[1 :: len(ensemble.molecule) + 2]
    for frame, comment, conformer in zip(frames, comments, ensemble, strict=True):
        assert float(comment) * units.Hartree == pytest.approx(conformer.energy, abs=1e-8)
        assert frame.positions == pytest.approx(conformer.positions, abs=1e-9)
        assert frame.numbers.tolist() == ensemble.molecule.numbers.tolist()


def test_the_csv_has_every_field_and_torsion_with_all_digits(tmp_path):
    ensemble, path = dipeptide(), tmp_path / "found.csv"
    ensemble.to_csv(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names, angles = ensemble.torsions()
    assert list(rows[0]) == [field.tagged for field in FIELDS] + [f"torsion {name}" for name in names]
    assert [float(row["energy_eV"]) for row in rows] == ensemble.energies.tolist()
    assert [float(row[f"torsion {names[1]}"]) for row in rows] == angles[:, 1].tolist()
    assert rows[0]["free_energy_eV"] == ""


def test_a_frame_has_the_same_columns(tmp_path):
    pytest.importorskip("pandas")
    ensemble = dipeptide()
    frame = ensemble.to_frame()
    assert frame["energy_eV"].tolist() == ensemble.energies.tolist()
    ensemble.to_csv(tmp_path / "found.csv")
    assert (tmp_path / "found.csv").read_text().splitlines()[0] == ",".join(frame.columns)


def test_atoms_know_their_energy_and_what_they_are():
    ensemble = dipeptide()
    found = ensemble.to_ase()
    assert [atoms.get_potential_energy() for atoms in found] == ensemble.energies.tolist()
    assert found[1].info["population"] == ensemble.populations[1]
    assert Molecule.from_atoms(found[1]).smiles == ensemble.molecule.smiles


def test_one_rdkit_molecule_has_all_conformers_with_their_fields():
    ensemble = dipeptide()
    mol = ensemble.to_rdkit()
    assert mol.GetNumConformers() == len(ensemble)
    for place, conformer in enumerate(mol.GetConformers()):
        assert conformer.GetDoubleProp("energy_eV") == ensemble[place].energy
        assert conformer.GetPositions() == pytest.approx(ensemble[place].positions)


def test_a_file_that_could_not_be_finished_leaves_what_was_there(tmp_path):
    path = tmp_path / "found.sdf"
    path.write_text("before")

    def broken():
        with whole(path) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert path.read_text() == "before"
    assert [there.name for there in tmp_path.iterdir()] == ["found.sdf"]


def test_what_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"nowhere/found\.sdf could not be written: No such file or directory"):
        butane().to_sdf(tmp_path / "nowhere" / "found.sdf")
    with pytest.raises(InputError, match="is a folder: give a plain file"):
        butane().to_xyz(tmp_path)


@pytest.mark.parametrize("name", ["$$$$", "> <energy_eV>", "two\nlines", "M  END", "=1+1", "\ud800"])
def test_names_from_anywhere_do_not_break_a_record(tmp_path, name):
    water, (one,) = rigid(0.0, verdict=replace(MINIMUM, why=f"{name}\n\n> <population>\n7"))
    named = Molecule.from_rdkit(water.to_rdkit(), name=name)
    path = tmp_path / "found.sdf"
    Ensemble(named, [one, replace(one, energy=1.0)], f"potential {name}").to_sdf(path)
    records = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert [record.GetPropsAsDict()["energy_eV"] for record in records] == [0.0, 1.0]
    assert sum(record.GetPropsAsDict()["population"] for record in records) == pytest.approx(1)
    assert Ensemble(named, [one], name).to_rdkit().GetConformer().GetDoubleProp("energy_eV") == 0.0


def test_fields_that_the_molecule_brought_along_stay(tmp_path):
    mol = Molecule.from_smiles("O").to_rdkit()
    mol.SetProp("Assay ID", "A-17")
    mol.SetProp("energy", "of another program")
    molecule = Molecule.from_rdkit(mol, name="water")
    path = tmp_path / "found.sdf"
    Ensemble(molecule, [Conformer(molecule.positions, 1.0)], "mmff94s").to_sdf(path)
    (record,) = Chem.SDMolSupplier(str(path), removeHs=False)
    assert (record.GetProp("Assay ID"), record.GetProp("energy")) == ("A-17", "of another program")
    assert record.GetDoubleProp("energy_eV") == 1.0


def test_the_fields_that_documents_list_are_those_that_are_written():
    text = (Path(__file__).parents[2] / "docs" / "guide" / "ensembles.md").read_text(encoding="utf-8")
    table = text.partition("## Fields")[2].partition("## Populations")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert listed == [field.tagged for field in FIELDS]
    (sources,) = [row.split("|")[2] for row in rows if row.startswith("| `source`")]
    assert {source.strip() for source in sources.split(",")} == set(SOURCES)


@pytest.mark.parametrize("ending", [".sdf", ".xyz", ".pdb", ".traj"])
def test_conformers_are_written_in_every_format_and_read_back(ending, tmp_path):
    butane().write(tmp_path / f"a{ending}")
    again = list(molopt.read(tmp_path / f"a{ending}"))
    assert [each.smiles for each in again] == ["CCCC"] * len(butane())
    assert again[0].positions == pytest.approx(butane()[0].positions, abs=1e-3)
