"""Frequencies, what a saddle is, and thermochemistry: of geometries, by `molopt.check`."""

import importlib.util
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule as built
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms, FixBondLength
from ase.thermochemistry import IdealGasThermo
from ase.vibrations import Vibrations
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import molopt
from molopt.checked.archive import Checks
from molopt.cli import main
from molopt.stationary.frequencies import NormalModes, central_differences
from molopt.stationary.thermochemistry import rotations

HAS_TBLITE = importlib.util.find_spec("tblite") is not None
SUPPORT = Path(__file__).parents[1] / "support"
needs_tblite = pytest.mark.skipif(not HAS_TBLITE, reason="tblite is not installed: pip install 'molopt[xtb]'")


def relaxed(smiles, potential="mmff94"):
    return molopt.relax(molopt.Molecule.from_smiles(smiles), potential=potential, fmax=0.01).molecule


def calculated(atoms, potential="mmff94"):
    atoms.calc = molopt.potential(potential, molopt.Molecule.from_atoms(atoms))
    return atoms


def eclipsed_ethane():
    """Relaxed, with the three torsions of one methyl group turned by 60 degrees."""
    atoms = calculated(built("C2H6"))
    molopt.relax(atoms)
    about, group = atoms.positions[1] - atoms.positions[0], [i for i in range(8) if atoms.get_distance(1, i) < 1.3]
    turned = Atoms(positions=atoms.positions[group] - atoms.positions[1], numbers=[1] * len(group))
    turned.rotate(60, about)
    atoms.positions[group] = turned.positions + atoms.positions[1]
    return at_rest(atoms)


def planar_ammonia():
    atoms = Atoms("NH3", [(0, 0, 0), (1, 0, 0), (-0.5, np.sqrt(0.75), 0), (-0.5, -np.sqrt(0.75), 0)])
    return at_rest(calculated(atoms))


def at_rest(atoms, potential="mmff94"):
    """Downhill in Cartesians, which keep the symmetry."""
    end = molopt.relax(atoms, optimizer="bfgs", fmax=0.003, energy_left=None).atoms
    return calculated(Atoms(end.numbers, end.positions), potential)


@pytest.mark.parametrize(
    ("smiles", "potential", "step"),
    [
        ("CCO", "mmff94", 0.0025),
        ("C#C", "mmff94", 0.0025),
        ("CC(=O)[O-]", "mmff94", 0.01),
        ("C[C@H](N)C(=O)O", "mmff94", 0.0025),
        ("c1ccccc1", "mmff94", 0.01),
        pytest.param("CO", "gfn2-xtb", 0.0025, marks=needs_tblite),
    ],
)
def test_wavenumbers_are_those_of_ase_with_the_same_step(smiles, potential, step, tmp_path):
    molecule = relaxed(smiles, potential)
    ours = molopt.check(molecule, potential, frequencies=True, displacement=step).frequencies.wavenumbers
    atoms = molecule.atoms()
    atoms.calc = molopt.potential(potential, molecule)
    vibrations = Vibrations(atoms, name=str(tmp_path / "vib"), delta=step)
    vibrations.run()
    theirs = vibrations.get_frequencies()
    theirs = np.sort(theirs.real[np.abs(theirs.imag) < 1e-6])
    assert ours[ours > 50] == pytest.approx(theirs[theirs > 50], abs=0.5)


@pytest.mark.parametrize(("name", "count"), [("N2", 1), ("CO2", 4), ("C2H2", 7), ("H2O", 3), ("CH4", 9)])
def test_a_molecule_on_a_line_has_one_more_vibration(name, count):
    atoms = built(name)
    atoms.rattle(0.005, seed=1)
    found = molopt.check(calculated(atoms, "uff"), frequencies=True)
    assert len(found.frequencies.wavenumbers) == len(found.frequencies.modes) == count


def test_an_atom_does_not_vibrate_and_has_an_entropy_all_the_same():
    found = molopt.check(Atoms("He", calculator=LennardJones()), frequencies=True)
    assert found.frequencies.wavenumbers.size == 0
    entropy = found.thermochemistry.entropy * units.mol / units.kJ * 1000
    assert entropy == pytest.approx(126.15, abs=0.2)  # J/(mol K): CODATA, 126.153 at 1 bar


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_turning_a_geometry_that_is_not_at_rest_changes_no_frequency(seed):
    random = np.random.default_rng(seed)
    atoms = built("CH3OH")
    atoms.rattle(0.1, seed=5)
    before = molopt.check(calculated(atoms), frequencies=True).frequencies
    atoms.rotate(random.uniform(0, 360), random.normal(size=3))
    atoms.translate(random.normal(size=3))
    after = molopt.check(calculated(atoms), frequencies=True).frequencies
    # Differences are taken along x, y and z: the error of the step turns, with the molecule.
    assert np.abs(after.wavenumbers - before.wavenumbers).max() < 0.5
    assert after.order == before.order


def test_fixed_atoms_leave_the_frequencies_of_the_others(tmp_path):
    atoms = relaxed("CCO").atoms()
    atoms.set_constraint(FixAtoms([0, 1]))
    found = molopt.check(calculated(atoms), frequencies=True)
    vibrations = Vibrations(atoms, indices=range(2, 9), name=str(tmp_path / "vib"), delta=0.0025)
    vibrations.run()
    theirs = np.sort(vibrations.get_frequencies().real)[1:]  # all but the turn about the axis of the two
    assert len(found.frequencies.wavenumbers) == len(theirs)
    assert found.frequencies.wavenumbers[1:] == pytest.approx(theirs[1:], abs=1.0)
    assert found.vibrations.get_energies()[-1].real / units.invcm == pytest.approx(theirs[-1], abs=0.1)
    said, arrays = Checks().data(found)
    archived = Checks().made(said, arrays).vibrations  # of atoms whose constraints an archive does not keep
    assert archived.get_hessian_2d() == pytest.approx(found.vibrations.get_hessian_2d())
    assert "under constraints" in found.refused


class Pull(Calculator):
    """A constant force along x on the second atom, eV/A."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": -2.0 * atoms.positions[1, 0], "forces": np.array([[0.0, 0, 0], [2.0, 0, 0]])}


def test_a_constraint_that_bends_has_a_stiffness_of_its_own():
    # A pendulum: a force of 2 eV/A, held at a length of 1.6 A, swings with 2 / 1.6 eV/A^2.
    atoms = Atoms("NeNe", [(0, 0, 0), (1.6, 0, 0)], pbc=True, cell=[9, 9, 9], calculator=Pull())
    atoms.set_constraint([FixBondLength(0, 1), FixAtoms([0])])
    found = molopt.check(atoms, frequencies=True)
    assert found.frequencies.stiffness == pytest.approx([2 / 1.6, 2 / 1.6], rel=1e-4)
    assert found.stationary == "minimum"


@pytest.mark.parametrize(
    ("make", "order", "held"),
    [(eclipsed_ethane, 1, "torsion"), (planar_ammonia, 1, "plane")],
    ids=["ethane", "ammonia"],
)
def test_a_symmetric_geometry_is_a_saddle_and_its_mode_says_what_moves(make, order, held):
    found = molopt.check(make(), frequencies=True)
    assert (found.stationary, found.frequencies.order) == ("saddle", order)
    assert found.names[0].startswith(held)
    assert found.curvature.lowest < 0
    assert f"{-found.frequencies.wavenumbers[0]:.1f}i" in str(found)
    assert found.verdict.energy_left is None


def test_a_wavenumber_is_told_from_zero_by_looking_along_its_mode():
    # The torsion of 2-butyne: differences say 7.3i cm^-1 and could be wrong by 7; along the mode it is 5.3i to 2.
    molecule = relaxed("CC#CC")
    atoms = molecule.atoms()
    found = molopt.check(molecule, frequencies=True).frequencies
    rough = NormalModes.of(
        central_differences(lambda points: enumerate(forces_of(atoms, molecule, points)), atoms.positions.ravel(), ALL),
        atoms.get_masses(),
        ALL,
        *rigid(atoms),
    )
    assert rough.flat[0]
    assert found.noise[0] < 0.5 * rough.noise[0]


ALL = np.ones(30, dtype=bool)


def rigid(atoms):
    from molopt.coordinates.rigid import nothing, rigid_motions

    return rigid_motions(atoms.positions), nothing(atoms.positions)


def forces_of(atoms, molecule, points):
    atoms.calc = molopt.potential("mmff94", molecule)
    for point in points:
        atoms.positions = point.reshape(-1, 3)
        yield atoms.get_forces().ravel()


@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_noise_in_the_forces_makes_no_saddle_of_a_minimum(noise):
    atoms = relaxed("CC(N)=O").atoms()
    for seed in range(5):
        random = np.random.default_rng(seed)
        calculator = molopt.potential("mmff94", molopt.Molecule.from_atoms(atoms))
        exact = calculator.get_property

        def noisy(name, *rest, exact=exact, random=random, **others):
            value = exact(name, *rest, **others)
            return value + random.normal(0, noise, value.shape) if name == "forces" else value

        calculator.get_property = noisy
        atoms.calc = calculator
        assert molopt.check(atoms, frequencies=True, displacement=0.01).stationary in ("minimum", "flat")


def test_energy_left_of_the_hessian_is_what_is_left():
    molecule = relaxed("CCO")
    there = molopt.relax(molecule, fmax=1e-4, energy_left=None).atoms
    bottom = there.get_potential_energy()
    moved = calculated(there.copy())
    moved.rattle(0.02, seed=4)
    found = molopt.check(moved, frequencies=True)
    assert found.stationary == "not stationary"
    assert found.verdict.energy_left == pytest.approx(found.energy - bottom, rel=0.2)


def test_a_look_that_did_not_decide_says_so():
    molecule = relaxed("CC(=O)NC")
    told = [molopt.check(molecule, calls=calls).verdict for calls in (1, 2)]
    undecided = [verdict.why for verdict in told if verdict.stationary == "unchecked"]
    assert undecided
    assert all("did not decide" in why for why in undecided)


def test_above_the_limit_of_forces_the_reason_is_whole():
    molecule = relaxed("CCO")
    positions = molecule.positions.copy()
    positions[0] += 0.002
    said = molopt.check(molecule.with_positions(positions)).ending()
    assert said.endswith("eV/A is above 0.05)")


def test_what_lies_below_a_saddle_is_told():
    atoms = planar_ammonia()
    found = molopt.check(atoms)
    barrier = atoms.get_potential_energy() - molopt.relax(atoms, check="auto").energy
    assert found.stationary == "saddle"
    assert found.verdict.energy_left == pytest.approx(barrier, rel=0.1)
    assert f"{1e3 * found.verdict.energy_left:.1f} meV left" in str(found)


@pytest.mark.parametrize("smiles", ["Cc1ccc(NC(=O)c2cncn2-c2ccccc2)c(O)c1", "O=C(Nc1c(Cl)cccc1Cl)c1c[nH]c2ccccc2c1=O"])
def test_a_ridge_that_was_inferred_and_led_nowhere_down_is_not_one_that_the_geometry_lies_on(smiles):
    end = molopt.relax(smiles).molecule
    assert molopt.check(end, frequencies=True).stationary == "minimum"
    assert molopt.check(end).stationary == "minimum"


def test_bonds_that_its_source_says_and_the_geometry_has_not_are_told():
    water = molopt.Molecule.from_smiles("O")
    apart = water.with_positions(water.positions + np.outer([0, 1, 0], [5, 0, 0]))
    found = molopt.check(apart).verdict
    assert (found.molecule, found.stationary) == ("dissociated", "not stationary")
    assert found.why.endswith("far from stationary; O0-H1 broken; fragments HO, H")


def test_all_frequencies_and_a_few_calls_agree_on_what_is_not_stationary():
    moved = calculated(relaxed("CCO").atoms())
    moved.rattle(0.02, seed=4)
    for found in (molopt.check(moved, fmax=9), molopt.check(moved, fmax=9, frequencies=True)):
        assert found.stationary == "not stationary"
        assert "meV are left" in found.verdict.why


@needs_tblite
def test_a_ridge_that_a_probe_rises_from_is_told_with_its_curvature():
    """PF5 as a square pyramid: the first probe is taken back, and what it showed is of the geometry asked for."""
    turns = np.pi / 2 * np.arange(4)
    base = np.column_stack([1.566 * np.cos(turns), 1.566 * np.sin(turns), np.full(4, -0.22)])
    pyramid = at_rest(calculated(Atoms("PF5", np.vstack([[0, 0, 0], base, [0, 0, 1.55]])), "gfn2-xtb"), "gfn2-xtb")
    found = molopt.check(pyramid)
    assert found.stationary == "saddle"
    assert found.curvature.stiffness < 0
    assert "lowest curvature -" in str(found)


def test_energy_left_is_told_in_plain_numbers():
    stretched = calculated(Atoms("N2", [(0, 0, 0), (0, 0, 1.25)]))
    found = molopt.check(stretched, fmax=100)
    assert re.fullmatch(r"\d{3,}\.\d meV are left", found.verdict.why)


def test_a_check_leaves_the_atoms_alone_and_counts_its_calls():
    atoms = calculated(relaxed("CO").atoms())
    before = atoms.positions.copy()
    found = molopt.check(atoms, frequencies=True)
    assert (atoms.positions == before).all()
    assert found.force_calls == 1 + 2 * 3 * len(atoms)
    atoms.get_forces()
    assert molopt.check(atoms, frequencies=True).force_calls == 2 * 3 * len(atoms)  # its own are known


def test_the_hessian_is_ases_vibrations_data():
    found = molopt.check(relaxed("CO"), frequencies=True)
    energies = found.vibrations.get_energies() / units.invcm
    assert np.abs(energies[:6]).max() < 1e-3
    assert energies[6:].real == pytest.approx(found.frequencies.wavenumbers, abs=1e-6)


def test_workers_give_the_same_frequencies():
    molecule = relaxed("CCO")
    alone, together = (molopt.check(molecule, "mmff94", frequencies=True, workers=n) for n in (1, 2))
    assert together.frequencies.wavenumbers == pytest.approx(alone.frequencies.wavenumbers, abs=1e-6)
    assert together.force_calls == alone.force_calls


def test_a_calculator_is_not_divided_among_workers():
    with pytest.raises(molopt.InputError, match="give a potential by name"):
        molopt.check(calculated(built("H2O")), frequencies=True, workers=2)


# Thermochemistry


@pytest.mark.parametrize(("name", "sigma"), [("H2O", 2), ("CO2", 2), ("CH3Cl", 3)])
def test_thermochemistry_of_stiff_molecules_is_that_of_ases_ideal_gas(name, sigma):
    atoms = at_rest(calculated(built(name)))
    found = molopt.check(atoms, frequencies=True, temperature=350.0)
    geometry = "linear" if name == "CO2" else "nonlinear"
    theirs = IdealGasThermo(
        found.frequencies.wavenumbers * units.invcm, geometry, found.energy, found.atoms, symmetrynumber=sigma, spin=0
    )
    assert found.thermochemistry.symmetry_number == sigma
    assert found.thermochemistry.enthalpy == pytest.approx(theirs.get_enthalpy(350.0, verbose=False), abs=1e-6)
    gibbs = theirs.get_gibbs_energy(350.0, 101325.0, verbose=False)
    assert found.thermochemistry.gibbs == pytest.approx(gibbs, abs=2e-4)  # damping is not quite off at 483 cm^-1


def test_thermochemistry_of_a_saddle_is_refused_unless_asked():
    atoms = planar_ammonia()
    found = molopt.check(atoms, frequencies=True)
    assert found.thermochemistry is None
    assert "relax the geometry first, or give --even-if-not-a-minimum" in found.refused
    asked = molopt.check(atoms, frequencies=True, even_if_not_a_minimum=True).thermochemistry
    assert (asked.left_out, asked.symmetry_number) == (1, 6)
    assert asked.zero_point == pytest.approx(found.frequencies.wavenumbers[1:].sum() * units.invcm / 2)


SYMMETRY_NUMBERS = {"CH4": 12, "C6H6": 12, "C2H6": 6, "NH3": 3, "H2O": 2, "CH3OH": 1, "C2H2": 2}


@settings(max_examples=20)
@given(st.sampled_from(sorted(SYMMETRY_NUMBERS)), st.integers(0, 1000))
def test_the_symmetry_number_is_that_of_a_geometry_that_is_nearly_symmetric(name, seed):
    atoms = built(name)
    atoms.rattle(0.02, seed=seed)
    atoms.rotate(float(seed), (1, 2, 3))
    assert rotations(atoms) == SYMMETRY_NUMBERS[name]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"temperature": -1.0}, "the temperature must be positive"),
        ({"pressure": 0.0}, "the pressure must be positive"),
        ({"symmetry_number": 0}, "the symmetry number must be a whole number above 0"),
        ({"displacement": 0.0}, "displacement must be positive"),
        ({"workers": 0}, "workers must be a whole number"),
    ],
)
def test_a_number_out_of_its_range_is_refused_before_any_force_call(keywords, said):
    with pytest.raises(molopt.InputError, match=said):
        molopt.check(molopt.Molecule.from_smiles("O"), "mmff94", frequencies=True, **keywords)


# The command line


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments):
    return CliRunner().invoke(main, ["check", *arguments])


def test_a_minimum_is_checked_with_a_table_and_exits_with_0(here):
    (here / "ethanol.sdf").write_text(relaxed("CCO").to_sdf())
    ran = command("ethanol.sdf", "--frequencies", "--temperature", "350")
    assert ran.exit_code == 0, ran.output
    assert ": minimum (the lowest mode is" in ran.output
    assert "thermochemistry at 350 K" in ran.output
    kept = {path.name for path in (here / "molopt-check-ethanol").iterdir()}
    assert kept == {"check.json", "check.db", "check.csv", "frequencies.csv"}


def test_a_cheap_check_is_three_short_lines_and_writes_nothing_and_a_refusal_is_printed_whole(here):
    ase.io.write("ammonia.xyz", planar_ammonia(), format="extxyz")
    (here / "ethanol.sdf").write_text(relaxed("CCO").to_sdf())
    lines = command("ethanol.sdf").output.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["C2H6O:", "energy", "lowest"]
    assert "()" not in lines[0]
    assert {path.name for path in here.iterdir()} == {"ammonia.xyz", "ethanol.sdf"}
    said = command("ammonia.xyz", "--frequencies").stdout
    assert all(len(line) <= 80 for line in said.splitlines() if "written to" not in line)
    remedy = "relax the geometry first, or give --even-if-not-a-minimum (in Python even_if_not_a_minimum=True)"
    assert remedy in " ".join(said.split())


def test_each_structure_of_a_file_is_checked_and_imaginary_modes_are_written(here):
    saddle = planar_ammonia()
    ase.io.write("both.xyz", [at_rest(calculated(built("NH3"))), saddle], format="extxyz")
    ran = command("both.xyz", "--frequencies", "--json", "--out", "modes")
    assert ran.exit_code == 1
    minimum, other = json.loads(ran.stdout)
    assert [said["verdict"]["stationary"] for said in (minimum, other)] == ["minimum", "saddle"]
    assert other["frequencies"]["order"] == 1
    (written,) = (here / "modes").glob("*_mode*.xyz")
    frames = ase.io.read(written, ":")
    assert len(frames) == 20
    assert frames[0].positions == pytest.approx(saddle.positions, abs=1e-6)
    farthest = max(np.linalg.norm(frame.positions - saddle.positions, axis=1).max() for frame in frames)
    assert farthest == pytest.approx(0.4)
    again = command("both.xyz", "--frequencies", "--out", "modes")
    assert again.exit_code == 2
    assert "give another --out, or --overwrite" in again.stderr


def test_a_geometry_that_is_not_at_rest_says_so_and_exits_with_1(here):
    atoms = built("H2O")
    atoms.rattle(0.05, seed=1)
    ase.io.write("water.xyz", atoms)
    ran = command("water.xyz")
    assert ran.exit_code == 1
    assert ": not stationary (fmax " in ran.output
    assert " meV left" in ran.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_cleanly_and_writes_nothing(here, workers, tmp_path_factory):
    ase.io.write("methane.xyz", built("CH4"))
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"import sys; sys.path.insert(0, {str(SUPPORT)!r}); from molopt.cli import main; main()"
    )
    made = tmp_path_factory.mktemp("log") / "made"
    options = ["--potential", f"trouble:Hanging?log={made}", "--frequencies", "--workers", workers, "--out", "modes"]
    run = [sys.executable, "-c", program, "check", "methane.xyz", *options]
    running = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while running.poll() is None and not made.exists():
        time.sleep(0.1)
    time.sleep(1.0)  # it hangs at the third force call, in this process or in another
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert out == b""
    assert err.split() == [b"molopt:", b"interrupted"]
    assert [path.name for path in here.iterdir()] == ["methane.xyz"]


def test_a_potential_that_fails_is_one_line_and_the_others_are_checked(here, monkeypatch):
    monkeypatch.syspath_prepend(str(SUPPORT))
    ase.io.write("two.xyz", [built("CH4"), built("H2O")], format="extxyz")
    ran = command("two.xyz", "--potential", "trouble:Raising?at=1", "--json")
    assert ran.exit_code == 1
    assert [set(said) for said in json.loads(ran.stdout)] == [{"place", "where", "name", "smiles", "failed"}] * 2


def test_bad_input_is_one_line(here):
    ran = command("O", "--temperature", "0")
    assert ran.exit_code == 2
    assert ran.stderr == "molopt: the temperature must be positive, got 0.0\n"
