"""Potentials are ASE calculators whose forces are right, and every force call is counted once."""

import copy
import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.calculators.fd import calculate_numerical_forces
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS, FIRE, LBFGS

import molopt
from molopt.errors import InputError, MissingExtra, PotentialFailed
from molopt.molecules import Molecule
from molopt.optimizers import Adam
from molopt.potentials import Counted, potential
from molopt.potentials.force_field_terms import force_field
from molopt.specification import parse

ALANINE_DIPEPTIDE = "CC(=O)N[C@@H](C)C(=O)NC"
FORCE_FIELDS = ["mmff94", "mmff94s", "uff"]


def rattled(smiles, name):
    made = Molecule.from_smiles(smiles)
    atoms = made.atoms()
    atoms.rattle(0.05, seed=1)
    atoms.calc = potential(name, made)
    return atoms


# Force fields


@pytest.mark.parametrize("name", FORCE_FIELDS)
@pytest.mark.parametrize("smiles", [ALANINE_DIPEPTIDE, "O.O", "CC(=O)[O-].[Na+]"])
def test_forces_of_force_fields_are_the_slope_of_their_energy(name, smiles):
    atoms = rattled(smiles, name)
    numerical = calculate_numerical_forces(atoms, eps=1e-4)
    # Central differences of step h err by h^2 times a third derivative, here about 1e3 eV/A^3.
    assert atoms.get_forces() == pytest.approx(numerical, abs=1e-5)


@pytest.mark.parametrize("name", FORCE_FIELDS)
def test_forces_are_those_of_the_geometry_asked_and_not_of_the_last_energy(name):
    atoms = rattled(ALANINE_DIPEPTIDE, name)
    atoms.get_forces()
    atoms.rattle(0.1, seed=2)
    fresh = atoms.copy()
    fresh.calc = potential(name, Molecule.from_smiles(ALANINE_DIPEPTIDE))
    fresh.get_potential_energy()
    assert np.array_equal(atoms.get_forces(), fresh.get_forces())
    assert atoms.get_potential_energy(force_consistent=True) == fresh.get_potential_energy()


@pytest.mark.parametrize("name", FORCE_FIELDS)
def test_fragments_far_apart_still_feel_each_other(name):
    pair = Molecule.from_smiles("O.O")
    near, far = pair.positions, pair.positions
    near[[1, 4, 5]] += [2.0, 0, 0]
    far[[1, 4, 5]] += [12.0, 0, 0]
    atoms = pair.atoms()
    atoms.calc = potential(name, pair)
    energies = []
    for positions in (near, far):
        atoms.positions = positions
        energies.append(atoms.get_potential_energy())
    assert energies[0] != pytest.approx(energies[1], abs=1e-9)  # without these terms both are the same to 1e-14


@pytest.mark.parametrize("name", FORCE_FIELDS)
@pytest.mark.parametrize("again", [copy.deepcopy, lambda calc: pickle.loads(pickle.dumps(calc))])
def test_a_copied_force_field_gives_the_same_bits(name, again):
    atoms = rattled("CCO", name)
    other = atoms.copy()
    other.calc = again(atoms.calc)
    assert np.array_equal(other.get_forces(), atoms.get_forces())


def seconds(ask, times=300):
    """Of one of many; the best of five, because tests share their machine."""

    def once():
        begin = time.perf_counter()
        for turn in range(times):
            ask(turn)
        return (time.perf_counter() - begin) / times

    return min(once() for _ in range(5))


def test_a_force_call_at_22_atoms_costs_at_most_five_times_what_rdkit_needs():
    atoms = rattled(ALANINE_DIPEPTIDE, "mmff94")
    moves = np.random.default_rng(0).normal(scale=0.01, size=(300, 22, 3))
    geometries = list(atoms.get_positions() + moves)
    flat = [geometry.ravel().tolist() for geometry in geometries]
    field = force_field(Molecule.from_smiles(ALANINE_DIPEPTIDE), "mmff94")

    def through_ase(turn):
        atoms.positions = geometries[turn]
        atoms.get_forces()
        atoms.get_potential_energy()

    def in_rdkit(turn):
        field.CalcEnergy(flat[turn])
        field.CalcGrad(flat[turn])

    # Measured: 0.13 ms against 0.045 ms.
    assert seconds(through_ase) < 5 * seconds(in_rdkit)


def test_atoms_without_mmff_parameters_are_named_with_a_remedy(capfd):
    with pytest.raises(InputError, match=r"mmff94 has no parameters for atom 2 \(B\), counted from 0, .*use uff"):
        potential("mmff94", Molecule.from_smiles("CCB(O)O"))
    assert capfd.readouterr() == ("", "")
    assert potential("uff", Molecule.from_smiles("CCB(O)O"))


def test_atoms_without_uff_parameters_are_named_with_a_remedy(capfd):
    with pytest.raises(InputError, match=r"UFF has no parameters for atom 1 \(S\).*use gfn2-xtb"):
        potential("uff", Molecule.from_smiles("FS(F)(F)(F)(F)F"))
    assert capfd.readouterr() == ("", "")


def test_mmff_refuses_radicals_which_rdkit_would_take():
    with pytest.raises(InputError, match=r"radicals, and atom 1 \(C\).*use gfn2-xtb"):
        potential("mmff94", Molecule.from_smiles("C[CH2]"))


def test_mmff_refuses_a_multiplicity_above_one_and_uff_says_that_it_ignores_it(caplog):
    triplet = Molecule.from_smiles("C=C", spin=3)
    with pytest.raises(InputError, match=r"mmff94 has no parameters for multiplicity 3, .*: use gfn2-xtb"):
        potential("mmff94", triplet)
    potential("uff", triplet)
    assert [record.getMessage() for record in caplog.records] == ["C2H4: uff ignores the multiplicity 3"]


def test_mmff_refuses_bonds_by_distance_and_uff_takes_them():
    atoms = Molecule.from_smiles("CC(=O)[O-].[Mg+2].[Cl-]").atoms()
    atoms.info = {}
    with pytest.raises(InputError, match=r"needs bond orders, .* not known at charge 0: give another"):
        potential("mmff94", atoms)
    atoms.calc = potential("uff", atoms)
    assert np.isfinite(atoms.get_forces()).all()


def test_a_force_field_refuses_other_atoms_and_periodic_ones():
    atoms = rattled("CCO", "mmff94")
    methane = molecule("CH4")
    methane.calc = atoms.calc
    with pytest.raises(InputError, match="was made for the atoms of C2H6O"):
        methane.get_forces()
    atoms.set_cell([9, 9, 9])
    atoms.pbc = True
    with pytest.raises(InputError, match="periodic"):
        atoms.get_forces()


# xTB


@pytest.fixture
def tblite():
    return pytest.importorskip("tblite", reason="tblite comes with the extra xtb")


@pytest.mark.parametrize("name", ["gfn2-xtb", "gfn1-xtb"])
def test_forces_of_xtb_are_the_slope_of_its_energy(tblite, name):
    atoms = rattled("CC(=O)O", name)
    some = [0, 2, 7]
    numerical = calculate_numerical_forces(atoms, eps=1e-3, iatoms=some)
    # The SCF is converged to about 1e-7 eV, and so differences to 1e-4 eV/A.
    assert atoms.get_forces()[some] == pytest.approx(numerical, abs=2e-4)


def test_xtb_gets_charge_and_multiplicity_and_smooth_forces(tblite):
    calculator = potential("GFN2-xTB", Molecule.from_smiles("[O][O]"))
    assert calculator.parameters.multiplicity == 3
    assert calculator.parameters.accuracy == 0.05
    assert potential("gfn2-xtb?accuracy=1", Molecule.from_smiles("C[NH3+]")).parameters.charge == 1


def test_a_wrong_charge_for_xtb_is_found_before_the_first_scf(tblite):
    atoms = molecule("CH4")
    atoms.info = {"charge": 1, "spin": 1}
    with pytest.raises(InputError, match="charge 1 leaves 9 electrons, which cannot have multiplicity 1"):
        potential("gfn2-xtb", atoms)
    atoms.info = {"charge": 10}
    with pytest.raises(InputError, match="charge 10 leaves no electrons"):
        potential("gfn2-xtb", atoms)
    with pytest.raises(InputError, match="charge must be a whole number, got 'x'"):
        potential("gfn2-xtb?charge=x", Molecule.from_smiles("C"))


def test_a_charge_that_takes_all_valence_electrons_is_refused(tblite):
    atoms = molecule("CH4")
    atoms.info = {"charge": 8}
    with pytest.raises(InputError, match="charge 8 leaves none of its 8 valence electrons"):
        potential("gfn2-xtb", atoms)


def test_an_element_beyond_radon_is_named(tblite):
    with pytest.raises(InputError, match=r"no parameters for atom 0 \(U\)"):
        potential("gfn2-xtb", Atoms("U", info={"charge": 0, "spin": 1}))


def test_without_tblite_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tblite", None)
    monkeypatch.delitem(sys.modules, "tblite.ase", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'molopt\[xtb\]'"):
        potential("gfn2-xtb", Molecule.from_smiles("C"))


def test_xtb_runs_on_one_thread(tblite):
    program = (
        "from molopt.molecules import Molecule\n"
        "from molopt.potentials import potential\n"
        "molecule = Molecule.from_smiles('C')\n"
        "atoms = molecule.atoms()\n"
        "atoms.calc = potential('gfn2-xtb', molecule)\n"
        "threads = lambda: len(os.listdir('/proc/self/task'))\n"
        "import os\n"
        "before = threads()\n"
        "atoms.get_forces()\n"
        "print(threads() - before)\n"
    )
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("threads are counted in /proc, which is Linux's")
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"


def test_an_unknown_keyword_of_xtb_is_offered_the_nearest(tblite):
    with pytest.raises(InputError, match="did you mean accuracy"):
        potential("gfn2-xtb?acuracy=1", Molecule.from_smiles("C"))


@pytest.mark.parametrize(
    "keyword",
    [
        "accuracy=0",
        "accuracy=-1",
        "accuracy=x",
        "max_iterations=0",
        "max_iterations=2.5",
        "electronic_temperature=-300",
    ],
)
def test_a_keyword_of_xtb_that_must_be_positive_is_found_before_the_first_scf(tblite, keyword):
    key, value = keyword.split("=")
    with pytest.raises(InputError, match=f"gfn2-xtb: {key} must be a .*number above 0, got '?{value}"):
        potential(f"gfn2-xtb?{keyword}", Molecule.from_smiles("C"))


def test_loading_tblite_leaves_the_environment_as_it_was(tblite, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    potential("gfn2-xtb", Molecule.from_smiles("C"))
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.delenv("OMP_NUM_THREADS")
    potential("gfn2-xtb", Molecule.from_smiles("C"))
    assert "OMP_NUM_THREADS" not in os.environ


# Names and factories


def test_a_specification_has_a_name_and_python_values():
    assert parse("adam?lr=0.05&b1=0.8&note=a b") == ("adam", {"lr": 0.05, "b1": 0.8, "note": "a b"})
    assert parse("adam") == ("adam", {})


@pytest.mark.parametrize("text", ["", "?lr=1", "adam?", "adam?lr", "adam?2=3", "adam?lr=1&lr=2"])
def test_a_specification_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError):
        parse(text)


def test_an_unknown_potential_is_offered_the_nearest():
    with pytest.raises(InputError, match="'mmf94' is not a potential; did you mean mmff94"):
        potential("mmf94", Molecule.from_smiles("C"))
    with pytest.raises(InputError, match="uff takes no keywords, got a"):
        potential("uff?a=1", Molecule.from_smiles("C"))


@pytest.fixture
def factories(tmp_path, monkeypatch):
    (tmp_path / "their_potentials.py").write_text(
        "from ase.calculators.morse import MorsePotential\n"
        "from molopt import InputError\n"
        "def refusing():\n"
        "    raise InputError('refusing knows no carbon')\n"
        "def told(molecule, charge, spin, depth=1.0):\n"
        "    calculator = MorsePotential(epsilon=depth)\n"
        "    calculator.told = (molecule.name, charge, spin)\n"
        "    return calculator\n"
        "def broken():\n"
        "    raise RuntimeError('no licence')\n"
        "def nothing():\n"
        "    return None\n"
        "number = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_a_factory_gets_its_keywords_and_what_it_asks_of_the_molecule(factories):
    methyl = Molecule.from_smiles("[CH3]", name="methyl")
    calculator = potential("their_potentials:told?depth=2.5", methyl)
    assert calculator.told == ("methyl", 0, 2)
    assert calculator.parameters["epsilon"] == 2.5
    assert potential("their_potentials:told?charge=5", methyl.atoms()).told == ("methyl", 5, 2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no.such:thing", "cannot import no.such"),
        ("their_potentials:missing", "has no missing"),
        ("their_potentials:number", "is not callable"),
        ("their_potentials:broken", "raised RuntimeError: no licence"),
        ("their_potentials:broken?depth=1", "raised TypeError"),
        ("their_potentials:refusing", "^refusing knows no carbon$"),
        ("their_potentials:nothing", "must return an ASE calculator"),
        (":thing", "is written package.module:factory"),
    ],
)
def test_a_factory_that_does_not_work_gets_one_clear_line(factories, name, said):
    with pytest.raises(InputError, match=said):
        potential(name, Molecule.from_smiles("C"))


# Counting


class Recording(EMT):
    """EMT that knows how often it really computed."""

    computed = 0

    def calculate(self, *args, **kwargs):
        self.computed += 1
        super().calculate(*args, **kwargs)


@pytest.fixture
def copper():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = Counted(Recording())
    return atoms


@pytest.mark.parametrize("optimizer", [BFGS, FIRE, LBFGS])
@pytest.mark.parametrize("filtered", [lambda atoms: atoms, FrechetCellFilter], ids=["atoms", "cell"])
def test_a_force_call_is_counted_once_a_new_geometry(copper, optimizer, filtered, tmp_path):
    path = tmp_path / "run.traj"
    run = optimizer(filtered(copper), logfile=None, trajectory=str(path))
    run.run(fmax=0.01, steps=100)
    counted = copper.calc
    assert counted.force_calls == counted.calculator.computed == run.nsteps + 1 == len(counted.trace)
    frames = read(path, ":")
    assert [frame.get_potential_energy() for frame in frames] == [call.energy for call in counted.trace]
    assert frames[-1].get_forces() == pytest.approx(copper.get_forces())
    assert frames[-1].calc.name == "recording"
    assert counted.seconds >= sum(call.seconds for call in counted.trace) > 0


def test_counting_changes_nothing(copper):
    plain = copper.copy()
    plain.calc = EMT()
    assert copper.get_potential_energy() == plain.get_potential_energy()
    assert copper.get_potential_energy(force_consistent=True) == plain.get_potential_energy(force_consistent=True)
    assert np.array_equal(copper.get_forces(), plain.get_forces())
    assert np.array_equal(copper.get_stress(), plain.get_stress())
    assert copper.calc.force_calls == 1


def test_asking_again_costs_microseconds(copper):
    copper.get_forces()
    # Measured: 3 us, where ASE's comparison of all atoms alone takes 200.
    assert seconds(lambda turn: copper.get_forces()) < 50e-6


@pytest.mark.parametrize(
    "change",
    [
        lambda atoms: atoms.rattle(1e-9),
        lambda atoms: atoms.set_cell(atoms.cell * 1.001),
        lambda atoms: atoms.set_pbc([True, True, False]),
        lambda atoms: setattr(atoms, "numbers", [47, 29, 29, 29]),
        lambda atoms: atoms.set_initial_charges([1, 0, 0, 0]),
        lambda atoms: atoms.set_initial_magnetic_moments([1, 0, 0, 0]),
    ],
    ids=["positions", "cell", "pbc", "numbers", "charges", "moments"],
)
def test_any_change_is_a_new_geometry(copper, change):
    copper.get_forces()
    change(copper)
    copper.get_forces()
    assert copper.calc.force_calls == 2


def test_handing_out_forces_does_not_let_them_be_changed(copper):
    copper.get_forces()[:] = 0.0
    assert np.abs(copper.get_forces()).max() > 0.1


def test_a_property_that_is_not_there_is_said_to_be_missing(copper):
    with pytest.raises(PropertyNotImplementedError, match="gives no dipole"):
        copper.get_dipole_moment()


def test_fmax_in_the_trace_leaves_fixed_atoms_out(copper):
    copper.set_constraint(FixAtoms([0, 1]))
    forces = copper.get_forces()
    assert copper.calc.trace[0].fmax == pytest.approx(np.linalg.norm(forces, axis=1).max())


def test_whoever_watches_is_called_after_each_force_call(copper):
    seen = []
    copper.calc = Counted(EMT(), on_call=lambda counted: seen.append(counted.force_calls))
    for _ in range(3):
        copper.rattle(0.01, seed=len(seen))
        copper.get_potential_energy()
        copper.get_forces()
    assert seen == [1, 2, 3]


class Failing(Calculator):
    """Well for one call, then as told."""

    implemented_properties = ("energy", "forces")

    def __init__(self, fail):
        super().__init__()
        self.fail = fail
        self.calls = 0

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        self.results = {"energy": -1.0, "forces": np.ones((len(atoms), 3))}
        if self.calls > 1:
            self.fail(self.results)


def gives_nan_force(results):
    results["forces"][2, 1] = np.nan


def gives_infinite_energy(results):
    results["energy"] = np.inf


def raises(results):
    raise ValueError("SCF diverged")


@pytest.mark.parametrize(
    ("fail", "said"),
    [
        (gives_nan_force, r"failed at force call 2: the force on atom 2 \(H\), counted from 0, is \(1.0, nan, 1.0\)"),
        (gives_infinite_energy, "failed at force call 2: the energy is inf"),
        (raises, "failing failed at force call 2: ValueError: SCF diverged"),
    ],
)
def test_a_failed_force_call_is_named_and_the_last_good_geometry_kept(fail, said):
    atoms = molecule("CH4")
    atoms.calc = Counted(Failing(fail))
    atoms.get_forces()
    good = atoms.get_positions()
    atoms.rattle(0.1)
    with pytest.raises(PotentialFailed, match=said):
        atoms.get_forces()
    assert np.array_equal(atoms.calc.atoms.positions, good)
    assert atoms.calc.results["energy"] == -1.0
    assert (atoms.calc.force_calls, len(atoms.calc.trace)) == (2, 1)


class Answering(Calculator):
    """Answers the same, whatever the geometry."""

    implemented_properties = ("energy", "forces")

    def __init__(self, **results):
        super().__init__()
        self.answer = {"energy": -1.0} | results

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"forces": np.ones((len(atoms), 3))} | self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"forces": np.ones((3, 5))}, r"its forces have the shape \(3, 5\), those of 5 atoms need \(5, 3\)"),
        ({"forces": np.ones((4, 3))}, r"the shape \(4, 3\), those of 5 atoms need \(5, 3\)"),
        ({"forces": np.ones(15)}, r"the shape \(15,\), those of 5 atoms need \(5, 3\)"),
        ({"forces": None}, r"its forces are None; they must be real numbers of shape \(5, 3\)"),
        ({"forces": np.ones((5, 3), dtype=complex)}, "its forces are an array of kind complex128; they must be real"),
        ({"forces": np.ones((5, 3), dtype=bool)}, "its forces are an array of kind bool; they must be real"),
        ({"forces": np.ones((5, 3), dtype=object)}, "its forces are an array of kind object; they must be real"),
        ({"forces": [["1.0"] * 3] * 5}, "its forces are a list; they must be real numbers"),
        ({"forces": [[0.0] * 3] * 4 + [[0.0]]}, "its forces are a list; they must be real numbers"),
        ({"energy": None}, "the energy is None; it must be one real number"),
        ({"energy": -1.0 + 0j}, r"the energy is \(-1\+0j\); it must be one real number"),
        ({"energy": True}, "the energy is True; it must be one real number"),
        ({"energy": np.ones(5)}, r"the energy is an array of shape \(5,\); it must be one real number"),
        ({"energy": float("nan")}, "the energy is nan"),
        ({"energy": -1e200}, r"the energy is -1e\+200"),
        ({"forces": np.full((5, 3), 1e200)}, r"the force on atom 0 \(C\), counted from 0, is \(1e\+200, "),
    ],
    ids=lambda value: None if isinstance(value, str) else "",
)
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "a class used directly"])
def test_an_answer_without_an_energy_or_forces_is_one_clear_line(answer, said, counted):
    atoms = molecule("CH4")
    atoms.calc = Counted(Answering(**answer)) if counted else Answering(**answer)
    with pytest.raises(PotentialFailed, match=rf"^answering failed at force call 1: .*{said}"):
        atoms.get_forces() if counted else Adam(atoms, logfile=None).run(fmax=10.0)


@pytest.mark.parametrize("energy", [np.array([-1.0]), np.array(-1.0), np.float32(-1.0), -1])
def test_an_array_of_one_number_and_any_kind_of_real_number_are_an_energy(energy):
    atoms = molecule("CH4")
    atoms.calc = Counted(Answering(energy=energy, forces=np.ones((5, 3), dtype=np.float32).tolist()))
    assert (atoms.get_potential_energy(), atoms.get_forces().shape) == (-1.0, (5, 3))


def test_a_surrogate_whose_forces_have_a_wrong_shape_is_left_alone():
    start = Molecule.from_smiles("CCO")
    alone = molopt.relax(start, potential="uff", surrogate=None)
    guided = molopt.relax(start, potential="uff", surrogate=Answering(forces=np.ones((len(start) - 1, 3))))
    assert guided.converged
    assert guided.energy == pytest.approx(alone.energy, abs=1e-3)


def test_stored_forces_of_a_wrong_shape_have_no_energy_left():
    atoms = Molecule.from_smiles("CCO").atoms()
    atoms.calc = SinglePointCalculator(atoms, forces=np.ones((3, len(atoms))))
    with pytest.raises(InputError, match=r"nothing can be said from these forces: .*the shape \(3, 9\)"):
        molopt.energy_left(atoms)


@pytest.mark.parametrize("said", [{}, {"implemented_properties": None, "results": None}], ids=["nothing", "none"])
def test_a_calculator_that_says_nothing_of_what_it_can_give_is_asked(said):
    class Bare:
        def __init__(self):
            vars(self).update(said)

        def get_property(self, name, atoms, allow_calculation=True):
            return {"energy": -1.0, "forces": np.zeros((len(atoms), 3))}[name]

    assert molopt.relax(Molecule.from_smiles("C"), potential=Bare()).converged


def test_a_calculator_without_forces_is_refused():
    class EnergyOnly(Calculator):
        implemented_properties = ("energy",)

    atoms = molecule("CH4")
    atoms.calc = Counted(EnergyOnly())
    with pytest.raises(InputError, match="EnergyOnly gives no forces"):
        atoms.get_potential_energy()


def test_wrong_input_to_a_potential_stays_wrong_input():
    atoms = molecule("CH4")
    atoms.calc = Counted(potential("uff", Molecule.from_smiles("CC")))
    with pytest.raises(InputError, match="was made for the atoms of C2H6"):
        atoms.get_forces()


# Bonded terms alone


@pytest.mark.parametrize("method", ["mmff94", "mmff94s"])
def test_bonded_terms_alone_do_not_tell_how_far_apart_two_molecules_are(method):
    pair = Molecule.from_smiles("O.O")
    first = {0, *(b for a, b in pair.bonds.tolist() if a == 0)}
    near = pair.atoms()
    far = near.copy()
    far.positions[[n for n in range(len(far)) if n not in first]] += 5.0
    bonded, whole = potential(f"{method}?terms=bonded", pair), potential(method, pair)
    assert bonded.get_potential_energy(near) == pytest.approx(bonded.get_potential_energy(far), abs=1e-9)
    assert abs(whole.get_potential_energy(near) - whole.get_potential_energy(far)) > 0.01


def test_a_pickled_force_field_keeps_its_terms():
    ethanol = Molecule.from_smiles("CCO")
    bonded = potential("mmff94s?terms=bonded", ethanol)
    again = pickle.loads(pickle.dumps(bonded))
    assert again.get_potential_energy(ethanol.atoms()) == bonded.get_potential_energy(ethanol.atoms())
    assert again.name == "mmff94s?terms=bonded"


def test_terms_that_a_force_field_cannot_leave_out_are_refused():
    ethanol = Molecule.from_smiles("CCO")
    with pytest.raises(InputError, match="terms must be one of all, bonded, got 'torsion'"):
        potential("mmff94?terms=torsion", ethanol)
    with pytest.raises(InputError, match="uff takes no keywords, got terms"):
        potential("uff?terms=bonded", ethanol)
    with pytest.raises(InputError, match="mmff94 takes no keywords but terms, got cutoff"):
        potential("mmff94?cutoff=9", ethanol)
