"""Restart files: of one run alone, whole after any kill, and read as data."""

import base64
import contextlib
import io
import json
import logging
import multiprocessing
import os
import tempfile
import time
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc111, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential
from ase.constraints import FixAtoms, FixBondLength
from ase.filters import FrechetCellFilter, StrainFilter
from ase.io import read, write
from ase.mep import NEB
from ase.optimize.optimize import RestartError
from hypothesis import given, settings
from hypothesis import strategies as st

import molopt
from molopt import LBFGS, Adam, EnergyLeft, HeavyBall, Molecule
from molopt.errors import InputError, PotentialFailed
from molopt.optimizers.json_arrays import dumped, loaded
from molopt.potentials import Counted

R_LACTIC, S_LACTIC = "C[C@@H](O)C(=O)O", "C[C@H](O)C(=O)O"


def relaxing(smiles, seed=7):
    molecule = Molecule.from_smiles(smiles, seed=seed)
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    return atoms


def ethanol(**info):
    atoms = molecule("CH3CH2OH", calculator=EMT())
    atoms.rattle(0.05, seed=3)
    atoms.info.update(info)
    return atoms


def begun(atoms, path, steps=3, kind=LBFGS, **keywords):
    kind(atoms, restart=path, logfile=None, **keywords).run(fmax=0, steps=steps)
    return path


def refused(atoms, path, why, kind=LBFGS, **keywords):
    before = atoms.positions.copy()
    with pytest.raises(RestartError, match=why) as told:
        kind(atoms, restart=path, logfile=None, **keywords)
    assert "\n" not in str(told.value)
    assert (atoms.positions == before).all()


# of one run alone


def atoms_beyond(atoms, i, j):
    """The atoms on the side of j of the bond i-j."""
    bonds = [bond[:2] for bond in atoms.info["bonds"]]
    found = {j}
    while grown := {b for bond in bonds for a, b in (bond, bond[::-1]) if a in found and b != i} - found:
        found |= grown
    return sorted(found)


@pytest.mark.parametrize("coordinates", ["internal", "cartesian"])
def test_the_file_of_the_enantiomer_is_refused(coordinates, tmp_path):
    path = begun(relaxing(R_LACTIC), tmp_path / "run.json", coordinates=coordinates)
    refused(relaxing(S_LACTIC), path, "opposite handedness", coordinates=coordinates)


def test_the_file_of_a_mirror_image_is_refused_without_bonds_in_the_info(tmp_path):
    atoms = relaxing(R_LACTIC)
    atoms.info.clear()
    path = begun(atoms, tmp_path / "run.json")
    mirrored = relaxing(R_LACTIC)
    mirrored.info.clear()
    mirrored.positions[:, 0] *= -1
    refused(mirrored, path, "opposite handedness")


def test_the_file_of_the_other_double_bond_is_refused(tmp_path):
    path = begun(relaxing("C/C=C/C"), tmp_path / "run.json")
    other = relaxing("C/C=C/C")
    other.rotate_dihedral(0, 1, 2, 3, 180, indices=atoms_beyond(other, 1, 2))
    refused(other, path, "cis and trans")


def test_the_file_of_another_conformer_is_refused(tmp_path):
    path = begun(relaxing("CCCCCO"), tmp_path / "run.json")
    other = relaxing("CCCCCO")
    other.rotate_dihedral(1, 2, 3, 4, 120, indices=atoms_beyond(other, 2, 3))
    refused(other, path, "another start or another conformer")


def test_the_file_of_an_isomer_with_other_bonds_is_refused(tmp_path):
    one, other = relaxing("CCO"), relaxing("COC")
    assert (one.numbers != other.numbers).any()
    order = [0, 2, 1, *range(3, 9)]
    other = other[order]  # C, C, O
    del other.info["bonds"]
    other.calc = EMT()
    one.calc = EMT()
    path = begun(one, tmp_path / "run.json", coordinates="cartesian")
    refused(other, path, "its bonds differ", coordinates="cartesian")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda atoms: atoms.numbers.__setitem__(2, 16), "atom 2, counted from 0, is of element 8 there and 16 here"),
        (lambda atoms: atoms.info.update(charge=1), "charge is 0.0 there and 1.0 here"),
        (lambda atoms: atoms.info.update(spin=3), "multiplicity is 1.0 there and 3.0 here"),
        (lambda atoms: atoms.set_constraint(FixAtoms([0])), "constraints are"),
        (lambda atoms: atoms.set_pbc(True), "periodic is"),
        (lambda atoms: setattr(atoms, "calc", MorsePotential()), "the potential is emt there"),
        (lambda atoms: setattr(atoms, "calc", EMT(asap_cutoff=True)), "parameter asap_cutoff False there and True"),
    ],
)
def test_what_differs_is_named(change, why, tmp_path):
    path = begun(ethanol(), tmp_path / "run.json", kind=Adam)
    atoms = ethanol()
    change(atoms)
    refused(atoms, path, why, kind=Adam)


def test_the_optimizer_is_part_of_what_it_is(tmp_path):
    path = begun(ethanol(), tmp_path / "run.json", kind=Adam)
    refused(ethanol(), path, "Adam.*HeavyBall", kind=HeavyBall)
    refused(ethanol(), path, "maxstep=0.2.*maxstep=0.1", kind=Adam, maxstep=0.1)
    refused(ethanol(), path, "lr=0.03.*lr=0.3", kind=Adam, coordinates="internal")
    molecule = Molecule.from_smiles("CCO")
    guided = begun(relaxing("CCO"), tmp_path / "guided.json", surrogate=molopt.potential("uff", molecule))
    refused(relaxing("CCO"), guided, "uff.*QuasiNewton")


class Opaque(Calculator):
    """A potential with a parameter that cannot be compared."""

    implemented_properties = ("energy", "forces")

    def __init__(self):
        super().__init__(model=object(), directory=f"run{id(self)}")

    def calculate(self, atoms, properties, changes):
        self.results = {"energy": 0.5 * (atoms.positions**2).sum(), "forces": -atoms.positions}


def test_what_cannot_be_compared_or_changes_no_forces_is_not_refused(tmp_path):
    atoms = ethanol()
    atoms.calc = Opaque()
    path = begun(atoms, tmp_path / "run.json", kind=Adam)
    for calculator in (Opaque(), Counted(Opaque()), None):
        atoms = ethanol()
        atoms.calc = calculator
        Adam(atoms, restart=path, logfile=None)


@pytest.mark.parametrize("kind", [LBFGS, Adam])
def test_the_start_and_the_last_frame_both_go_on(kind, tmp_path):
    for name in ("start", "frame", "digits"):
        path = begun(relaxing(S_LACTIC), tmp_path / f"{name}.json", kind=kind, trajectory=str(tmp_path / "run.traj"))
        atoms = relaxing(S_LACTIC)
        if name == "frame":
            atoms.positions = read(tmp_path / "run.traj").positions
        if name == "digits":
            atoms.positions = read(tmp_path / "run.traj").positions.round(3)
        begun(atoms, path, steps=4, kind=kind)
        whole = relaxing(S_LACTIC)
        begun(whole, tmp_path / f"{name}-whole.json", steps=7, kind=kind)
        assert (atoms.positions == whole.positions).all()


def test_the_frame_before_the_last_goes_on_too(tmp_path):
    for steps in range(2, 9):  # a kill may come between the restart file and the frame
        atoms, trajectory = relaxing("OCCOC"), tmp_path / f"{steps}.traj"
        atoms.rattle(0.2, seed=4)
        path = begun(atoms, tmp_path / f"{steps}.json", steps, trajectory=trajectory)
        again = relaxing("OCCOC")
        again.positions = read(trajectory, -2).positions
        LBFGS(again, restart=path, logfile=None)
        assert (again.positions == atoms.positions).all()


def test_plain_atoms_go_on_from_a_file_of_their_last_frame(tmp_path):
    def plain(source):
        atoms = source.copy()
        atoms.info.clear()
        atoms.calc = relaxing("CCCO").calc
        return atoms

    first, whole = plain(relaxing("CCCO")), plain(relaxing("CCCO"))
    path = begun(first, tmp_path / "run.json")
    write(tmp_path / "last.extxyz", first, write_results=False)
    again = plain(read(tmp_path / "last.extxyz"))
    begun(again, path, steps=4)
    begun(whole, tmp_path / "whole.json", steps=7)
    assert (again.positions == whole.positions).all()


class Forgetful(EMT):
    """EMT whose sums do not depend on where its list of neighbours was made."""

    def calculate(self, atoms, properties, changes):
        super().calculate(atoms, properties, all_changes)


def slab():
    atoms = fcc111("Pt", (2, 2, 2), vacuum=6)
    add_adsorbate(atoms, "O", 1.3, "fcc")
    atoms.set_constraint(FixAtoms(range(4)))
    atoms.calc = Forgetful()
    return atoms


def cell():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.set_cell(atoms.cell * 1.03, scale_atoms=True)
    atoms.calc = EMT()
    return FrechetCellFilter(atoms)


def band():
    first = ethanol()
    last = first.copy()
    last.rotate(20, "z")
    band = NEB([first, *(first.copy() for _ in range(3)), last])
    band.interpolate()
    for image in band.images:
        image.calc = EMT()
    return band


@pytest.mark.parametrize("kind", [LBFGS, Adam])
@pytest.mark.parametrize("target", [slab, cell, band])
def test_slabs_cells_and_bands_go_on_bit_for_bit(target, kind, tmp_path):
    whole, first, second = target(), target(), target()
    kind(whole, logfile=None).run(fmax=0, steps=9)
    begun(first, tmp_path / "run.json", 4, kind)
    begun(second, tmp_path / "run.json", 5, kind)
    assert (second.get_positions() == whole.get_positions()).all()
    other = target()
    inner = other.images[-1] if target is band else getattr(other, "atoms", other)
    inner.positions[-1] += 3.0
    with pytest.raises(RestartError, match=r"another start|handedness"):
        kind(other, restart=tmp_path / "run.json", logfile=None)


# whole and exact


def resumed(make, path, steps, done):
    """The optimizer of a run of so many steps, begun anew after `done` of them."""
    make(path).run(fmax=0, steps=done)
    optimizer = make(path)
    optimizer.run(fmax=0, steps=steps - done)
    return optimizer


CASES = {
    "lbfgs": lambda path: LBFGS(relaxing("OCCOC"), restart=path, logfile=None),
    "adam": lambda path: Adam(ethanol(), restart=path, logfile=None),
    "adam internal": lambda path: Adam(relaxing("OCCOC"), restart=path, coordinates="internal", logfile=None),
    "constrained": lambda path: LBFGS(held(), restart=path, logfile=None),
    "guided": lambda path: LBFGS(
        relaxing("OCCOC"), restart=path, logfile=None, surrogate=molopt.potential("uff", Molecule.from_smiles("OCCOC"))
    ),
}
WHOLE = {}


def held():
    atoms = relaxing("OCCOC")
    atoms.set_constraint([FixAtoms([0]), FixBondLength(1, 2)])
    return atoms


@settings(max_examples=10)
@given(st.sampled_from(sorted(CASES)), st.integers(1, 11))
def test_a_run_interrupted_at_any_step_is_the_uninterrupted_one(tmp_path_factory, name, done):
    if name not in WHOLE:
        WHOLE[name] = CASES[name](None)
        WHOLE[name].run(fmax=0, steps=12)
    second = resumed(CASES[name], tmp_path_factory.mktemp("run") / "run.json", 12, done)
    assert (second.atoms.positions == WHOLE[name].atoms.positions).all()


class Rough(molopt.potentials.RDKitForceField):
    """MMFF94 with noise in the forces that depends on the geometry alone."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        seed = int.from_bytes(sha256(self.atoms.positions.tobytes()).digest()[:4], "little")
        self.results["forces"] += np.random.default_rng(seed).normal(0, 0.02, self.results["forces"].shape)


@pytest.mark.parametrize("potential", [molopt.potentials.RDKitForceField, Rough])
def test_an_interrupted_run_stops_where_its_criteria_would_have_stopped_it(potential, tmp_path):
    def make(path):
        molecule = Molecule.from_smiles("CCCCO")
        atoms = molecule.atoms()
        atoms.calc = potential(molecule)
        return Adam(atoms, restart=path, logfile=None, coordinates="internal", criteria=EnergyLeft(2e-5))

    whole = make(None)
    assert whole.run(fmax=0.3, steps=300)
    for done in (3, whole.nsteps // 2, whole.nsteps - 1):
        path = tmp_path / f"{done}.json"
        make(path).run(fmax=0.3, steps=done)
        second = make(path)
        assert second.run(fmax=0.3, steps=300)
        assert second.nsteps == whole.nsteps - done
        assert second.stopping.at_noise_floor == whole.stopping.at_noise_floor
        assert (second.atoms.positions == whole.atoms.positions).all()


# whole after any kill


def run_for_ever(path, ready):
    with contextlib.redirect_stderr(io.StringIO()):
        atoms = relaxing("OCCOC")
        trajectory = path.with_suffix(".traj")
        optimizer = LBFGS(atoms, restart=path, logfile=None, trajectory=trajectory, append_trajectory=True)
        ready.set()
        optimizer.run(fmax=0, steps=100_000)


def test_kills_lose_at_most_the_last_step_of_restart_and_trajectory(tmp_path):
    path = tmp_path / "run.json"
    random = np.random.default_rng(5)
    fork = multiprocessing.get_context("fork")
    half_written = 0
    for kill in range(12):
        ready = fork.Event()
        process = fork.Process(target=run_for_ever, args=(path, ready))
        process.start()
        assert ready.wait(60)
        time.sleep(random.uniform(0.0, 0.3))
        while kill % 2 and process.is_alive() and not list(tmp_path.glob("*.new")):
            pass  # every other kill waits until a file is being written
        process.kill()
        process.join()
        half_written += bool(list(tmp_path.glob("*.new")))
    assert half_written > 2
    frames = read(path.with_suffix(".traj"), ":")
    last = relaxing("OCCOC")
    LBFGS(last, restart=path, logfile=None)
    whole, visited = relaxing("OCCOC"), []
    for _ in LBFGS(whole, logfile=None).irun(fmax=0, steps=len(frames)):
        visited.append(whole.positions.copy())
    assert len(frames) > 12
    assert all((frame.positions == there).all() for frame, there in zip(frames, visited[:-1], strict=True))
    assert any((last.positions == there).all() for there in visited[-2:])


def test_a_damaged_file_gives_way_to_the_one_before(tmp_path, caplog):
    path = begun(relaxing("OCCOC"), tmp_path / "run.json", steps=6)
    whole = relaxing("OCCOC")
    begun(whole, tmp_path / "whole.json", steps=8)
    text = path.read_bytes()
    for damage in (text[: len(text) // 2], b"", b"\0" * 99, text.replace(b"A", b"B", 1), None):
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        atoms, caplog.handler.records = relaxing("OCCOC"), []
        with caplog.at_level(logging.WARNING, logger="molopt"):
            optimizer = LBFGS(atoms, restart=path, logfile=None)
        assert "the run goes on from the step before" in caplog.text
        optimizer.restart = None
        optimizer.run(fmax=0, steps=3)
        assert (atoms.positions == whole.positions).all()
        path.write_bytes(text)
    path.with_name("run.json.before").unlink()
    path.write_bytes(text[:-9])
    refused(relaxing("OCCOC"), path, "Could not decode")


def test_a_strain_filter_has_no_restart_file(tmp_path):
    cell = bulk("Cu", cubic=True)
    cell.calc = EMT()
    with pytest.raises(InputError, match="use FrechetCellFilter"):
        LBFGS(StrainFilter(cell), restart=tmp_path / "run.json", logfile=None)


def test_a_refused_file_leaves_the_trajectory_of_its_run(tmp_path):
    trajectory = tmp_path / "run.traj"
    path = begun(relaxing(R_LACTIC), tmp_path / "run.json", trajectory=trajectory)
    before = trajectory.read_bytes()
    refused(relaxing(S_LACTIC), path, "handedness", trajectory=trajectory)
    assert trajectory.read_bytes() == before


@pytest.mark.parametrize("path", [os.devnull, "folder", "missing/run.json"])
def test_what_can_be_no_file_is_said_before_the_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(InputError, match="restart"):
        LBFGS(ethanol(), restart=path, logfile=None)


# data of others


def signed(document):
    """The text of a file whose digest fits what is in it."""
    document["sha256"] = sha256(dumped(document["body"]).encode()).hexdigest()
    return dumped(document)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema": 1}, "is of schema 1, this is 2"),
        ({"schema": None}, "is of schema None"),
        ({"molopt": "0.4.0"}, "is of molopt 0.4.0, this is"),
        ({"molopt": "\x1b[2J"}, r"molopt \\x1b"),
        ({"format": "x"}, "is not a restart file of molopt"),
        ({"format": None, "direction": "", "controlled": {}}, "0.4 or older"),
        ({"body": 3}, "Could not decode"),
    ],
)
def test_files_of_other_versions_and_programs_are_refused_in_a_line(change, why, tmp_path):
    path = begun(ethanol(), tmp_path / "run.json", kind=Adam, steps=1)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(ethanol(), path, why, kind=Adam)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"format": ' + "9" * 5000 + "}",
        '{"__ase_objtype__": "atoms"}',
        '{"__ndarray__": [[1000000000000], "float64", [0]]}',
        '{"array": "float64", "shape": [1000000000000], "base64": ""}',
        "[1, 2]",
        "null",
        "NaN",
    ],
)
def test_bombs_are_refused_in_a_line(text, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(text)
    refused(ethanol(), path, "restart file", kind=Adam)


def places(value, path=()):
    """Where every named entry of nested dictionaries and lists is, arrays whole."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        if isinstance(key, str):
            yield (*path, key)
        if not is_array(entry):
            yield from places(entry, (*path, key))


def at(document, path):
    for step in path:
        document = document[step]
    return document


def is_array(entry):
    return isinstance(entry, dict) and "base64" in entry


NUMBERS = st.sampled_from([np.nan, np.inf, -1e300, 1e300, 0.0, -1.0, 7.0])
OTHER = st.sampled_from([None, True, -1, 10**400, 1e308, "x", "", [], {}, [[1]], {"a": None}, "\x1b[2J"])
FILES = {}


def made(name):
    if name not in FILES:
        folder = Path(tempfile.mkdtemp())
        CASES[name](folder / "run.json").run(fmax=0, steps=4)
        FILES[name] = (folder / "run.json").read_text()
    return FILES[name]


@st.composite
def mutated(draw):
    """The name of a case, and the text of its file with a few things in it changed, with a digest that fits or not."""
    name = draw(st.sampled_from(["lbfgs", "adam", "guided"]))
    document = json.loads(made(name))
    for _ in range(draw(st.integers(1, 3))):
        *path, key = draw(st.sampled_from(sorted(places(document), key=str)))
        holder = at(document, path)
        entry = holder[key]
        how = draw(st.sampled_from(["delete", "other", "numbers", "cut"]))
        if is_array(entry) and how in ("numbers", "cut"):
            array = loaded(json.dumps(entry))
            if how == "numbers" and array.size:
                with np.errstate(invalid="ignore"):
                    array.flat[draw(st.integers(0, array.size - 1))] = np.array(draw(NUMBERS)).astype(array.dtype)
            holder[key] = json.loads(dumped(array if how == "numbers" else array.ravel()[1:]))
        elif how == "delete":
            del holder[key]
        else:
            holder[key] = deepcopy(draw(OTHER))
    arrays = [place for place in places(document) if is_array(at(document, place))]
    if arrays and draw(st.integers(0, 3)) == 0:
        at(document, draw(st.sampled_from(arrays)))["shape"] = draw(st.sampled_from([[], [10**13], [-1], "a", [[3]]]))
    keep = draw(st.booleans()) and "body" in document
    return name, signed(document) if keep else json.dumps(document)


@settings(max_examples=40)
@given(mutated())
def test_a_changed_file_is_refused_or_runs(tmp_path_factory, case):
    name, text = case
    path = tmp_path_factory.mktemp("run") / "run.json"
    path.write_text(text)
    start = CASES[name](None).atoms.positions
    try:
        optimizer = CASES[name](path)
    except RestartError:
        return
    assert np.isfinite(optimizer.atoms.positions).all()
    assert np.abs(optimizer.atoms.positions - start).max() < 1e7
    with contextlib.suppress(PotentialFailed):  # at a geometry that a hand has signed
        optimizer.run(fmax=0, steps=2)


def test_arrays_keep_their_bits():
    array = np.array([[0.1, -0.0, np.nan, np.inf], [5e-324, 1e308, 1 / 3, 2.0]])
    back = loaded(dumped({"x": array}))["x"]
    assert back.tobytes() == array.tobytes()
    assert base64.b64decode(json.loads(dumped(array))["base64"]) == array.tobytes()
    assert loaded(dumped(np.zeros((0, 2), int))).shape == (0, 2)
    assert isinstance(Atoms("H").numbers, np.ndarray)
