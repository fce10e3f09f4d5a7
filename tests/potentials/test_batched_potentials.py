"""Potentials asked for many systems at once: the same answers, and one that fails harms no other."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from molopt import InputError, Molecule, PotentialFailed, potential
from molopt.batch.potentials import evaluator
from molopt.potentials.batched import answers

ETHANOL, GLYCINE = Molecule.from_smiles("CCO", name="ethanol"), Molecule.from_smiles("NCC(=O)O", name="glycine")


def asked(used, molecules, calls=None):
    found = evaluator(used)
    subjects = [found.subject(molecule.atoms(), molecule) for molecule in molecules]
    positions = np.concatenate([molecule.positions for molecule in molecules])
    return answers(found, subjects, positions, np.ones(len(molecules), dtype=int) if calls is None else calls)


def springs(positions, numbers, system, charges, spins):
    energies = np.zeros(len(charges))
    np.add.at(energies, system, 0.5 * (positions**2).sum(axis=1))
    return energies, -positions


@pytest.mark.parametrize("name", ["mmff94", "mmff94s", "uff", "mmff94?terms=bonded"])
def test_a_force_field_gives_the_bits_of_its_calculator(name):
    molecules = [ETHANOL, *ETHANOL.conformers(2), GLYCINE]
    found = asked(name, molecules)
    end = 0
    for s, molecule in enumerate(molecules):
        atoms = molecule.atoms()
        atoms.calc = potential(name, molecule)
        begin, end = end, end + len(atoms)
        assert found.energies[s] == atoms.get_potential_energy()
        assert np.array_equal(found.forces[begin:end], atoms.get_forces())


def test_conformers_share_one_force_field():
    found = evaluator("mmff94")
    one, other = (found.subject(molecule.atoms(), molecule) for molecule in (ETHANOL, *ETHANOL.conformers(1)))
    assert one.engine is other.engine
    assert found.subject(GLYCINE.atoms(), GLYCINE).engine is not one.engine


def test_xtb_has_a_calculator_for_each_system():
    pytest.importorskip("tblite")
    found = asked("gfn2-xtb", [ETHANOL, ETHANOL])
    atoms = ETHANOL.atoms()
    atoms.calc = potential("gfn2-xtb", ETHANOL)
    forces = atoms.get_forces()
    assert np.array_equal(found.forces, np.concatenate([forces, forces]))


def test_a_calculator_of_the_user_serves_all_systems():
    found = asked(EMT(), [ETHANOL, GLYCINE])
    for molecule, energy in zip([ETHANOL, GLYCINE], found.energies, strict=True):
        assert energy == pytest.approx(molecule_energy(molecule), abs=1e-12)


def molecule_energy(molecule):
    atoms = molecule.atoms()
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_a_function_is_told_whose_each_atom_is():
    told = {}

    def remembering(positions, numbers, system, charges, spins):
        told.update(numbers=numbers, system=system, charges=charges, spins=spins)
        return springs(positions, numbers, system, charges, spins)

    ion = Molecule.from_smiles("[NH4+]")
    found = asked(remembering, [ETHANOL, ion])
    assert told["system"].tolist() == [0] * 9 + [1] * 5
    assert told["numbers"].tolist() == [*ETHANOL.numbers, *ion.numbers]
    assert told["charges"].tolist() == [0, 1]
    assert told["spins"].tolist() == [1, 1]
    assert found.energies[1] == pytest.approx(0.5 * (ion.positions**2).sum())


def test_single_precision_is_taken():
    def single(positions, *others):
        return tuple(np.asarray(part, dtype=np.float32) for part in springs(positions, *others))

    found = asked(single, [ETHANOL, GLYCINE])
    assert found.energies.dtype == found.forces.dtype == float
    assert found.energies == pytest.approx(asked(springs, [ETHANOL, GLYCINE]).energies, rel=1e-6)


def test_tensors_of_torch_are_taken():
    torch = pytest.importorskip("torch")

    def of_torch(positions, *others):
        return tuple(torch.tensor(part, requires_grad=True) for part in springs(positions, *others))

    found = asked(of_torch, [ETHANOL, GLYCINE])
    assert np.array_equal(found.forces, asked(springs, [ETHANOL, GLYCINE]).forces)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda e, f: (np.where(np.arange(3) == 1, np.nan, e), f), "the energy is nan"),
        (lambda e, f: (e, np.where(np.arange(27)[:, None] == 10, np.inf, f)), r"force on atom 1 \(C\).* is \(inf"),
        (lambda e, f: (e, np.where(np.arange(27)[:, None] == 10, 1e200, f)), "1e\\+200"),
    ],
)
def test_a_system_whose_answer_is_not_finite_fails_alone(spoiled, said):
    def spoiling(*asked):
        return spoiled(*springs(*asked))

    found = asked(spoiling, [ETHANOL] * 3, calls=np.array([4, 5, 6]))
    assert list(found.failed) == [1]
    with pytest.raises(PotentialFailed, match=f"spoiling failed at force call 5: .*{said}"):
        raise found.failed[1]
    assert np.isfinite(found.energies[[0, 2]]).all()
    assert np.isfinite(found.forces).all(axis=1).tolist() == [True] * 9 + [False] * 9 + [True] * 9


def test_where_a_function_raises_each_system_is_asked_alone():
    def nervous(positions, numbers, *others):
        if 7 in numbers:
            raise RuntimeError("no nitrogen here")
        return springs(positions, numbers, *others)

    found = asked(nervous, [ETHANOL, GLYCINE, ETHANOL])
    assert list(found.failed) == [1]
    assert str(found.failed[1]) == "nervous failed at force call 1: RuntimeError: no nitrogen here"
    assert np.array_equal(found.energies[[0, 2]], asked(springs, [ETHANOL] * 2).energies)


def test_a_function_may_refuse_a_system_in_its_own_words():
    def neutral(positions, numbers, system, charges, spins):
        if charges.any():
            raise InputError("neutral molecules alone")
        return springs(positions, numbers, system, charges, spins)

    found = asked(neutral, [ETHANOL, Molecule.from_smiles("[NH4+]"), GLYCINE])
    assert list(found.failed) == [1]
    assert str(found.failed[1]) == "neutral molecules alone"
    assert np.isfinite(found.energies[[0, 2]]).all()


def test_a_calculator_that_raises_fails_its_own_system_alone():
    class Moody(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms=None, properties=(), system_changes=all_changes):
            if len(atoms) == 10:
                raise ValueError("ten are too many")
            self.results = {"energy": 1.0, "forces": np.zeros((len(atoms), 3))}

    found = asked(Moody(), [ETHANOL, GLYCINE])
    assert found.energies[0] == 1.0
    assert str(found.failed[1]) == "moody failed at force call 1: ValueError: ten are too many"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda e, f: (e[:1], f), r"its energies are an array of shape \(1,\), and .* shape \(2,\)"),
        (lambda e, f: (e, f.ravel()), r"its forces are an array of shape \(57,\)"),
        (lambda e, f: (e, None), "its forces are None"),
        (lambda e, f: None, r"must return energies \(S,\) and forces \(sum N, 3\), got None"),
        (lambda e, f: (e, f, f), "got 3 values"),
        (lambda e, f: {"energy": e, "forces": f}, "got a dict"),
    ],
)
def test_a_function_that_answers_something_else_is_an_input_error(answer, said):
    def odd(*given):
        return answer(*springs(*given))

    with pytest.raises(InputError, match=said):
        asked(odd, [ETHANOL, GLYCINE])


@pytest.mark.parametrize("used", [3, EMT, "mmff95"])
def test_what_is_not_a_potential_is_refused(used):
    with pytest.raises(InputError, match="potential"):
        evaluator(used).subject(ETHANOL.atoms(), ETHANOL)


def test_atoms_that_are_not_a_molecule_have_no_force_field():
    with pytest.raises(InputError, match="mmff94 needs a molecule"):
        evaluator("mmff94").subject(Atoms("Ar"), None)
    with pytest.raises(InputError, match=r"these atoms are periodic: set atoms\.pbc = False"):
        evaluator("mmff94").subject(Atoms("Ar", pbc=True), None)
