"""The recipes of docs/guide/potentials.md run as they are written there."""

import csv
import importlib
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces

from molopt import InputError, Molecule, PotentialFailed, potential, relax, relax_batch
from molopt.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "potentials.md"
FOLDER = PAGE.with_suffix("")
LINES = re.findall(r"^\$ (molopt relax .*)$", PAGE.read_text(encoding="utf-8"), re.M)
SCRIPTS = re.findall(r"^\$ python (\w+)\.py\n(.*)\n(.*)\n", PAGE.read_text(encoding="utf-8"), re.M)
NEEDS = {
    "xtb_program": "xtb",
    "pyscf_dft": "pyscf",
    "sevennet": "sevenn",
    "ani2xt": "Auto3D",
    "tblite.ase": "tblite",
    "gfn2-xtb": "tblite",
    "in_quacc": "quacc",
    "in_janus": "janus_core",
}

PULL = """import numpy as np

class Pull:
    def __call__(self, positions, numbers, system, charges, spins):
        return np.bincount(system, (positions**2).sum(axis=1) / 20, len(charges)), -positions / 10
"""


def require(name):
    needed = NEEDS[name]
    there = shutil.which("xtb") if needed == "xtb" else importlib.util.find_spec(needed)
    if not there:
        pytest.skip(f"needs {needed}")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("TORCHANI_NO_WARN_EXTENSIONS", "1")
    return tmp_path


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_page_finds_a_minimum(line, capsys):
    words = shlex.split(line)[1:]
    require(words[words.index("--potential") + 1].partition(":")[0])
    out = words[words.index("--out") + 1] if "--out" in words else "done"
    with pytest.raises(SystemExit) as ended:
        main([*words, *(() if "--out" in words else ("--out", "done"))])
    assert ended.value.code == 0, capsys.readouterr()
    with open(Path(out) / "relaxed.csv", newline="") as file:
        assert [row["stationary"] for row in csv.DictReader(file)] == ["minimum"]


@pytest.mark.parametrize(("script", "theirs", "ours"), SCRIPTS, ids=[script for script, *_ in SCRIPTS])
def test_workflows_of_others_take_the_class_and_print_what_the_page_says(script, theirs, ours):
    require(script)
    pytest.importorskip("tblite")
    command = [sys.executable, str(FOLDER / f"{script}.py")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told, printed = (
        [re.search(r": (\d+) steps, (\S+) eV", line).groups() for line in lines]
        for lines in ((theirs, ours), ran.stdout.splitlines())
    )
    for (steps, energy), (steps_now, energy_now) in zip(told, printed, strict=True):
        assert int(steps_now) == pytest.approx(int(steps), abs=max(1, int(steps) // 10))  # processors differ
        assert float(energy_now) == pytest.approx(float(energy), abs=2e-3)
    assert int(printed[1][0]) < int(printed[0][0]) / 4


def test_every_recipe_is_on_the_page_and_every_row_says_whether_it_is_run():
    text = PAGE.read_text(encoding="utf-8")
    assert not [path.stem for path in FOLDER.glob("*.py") if path.stem not in text]
    rows = re.findall(r"^\| (?!potential|---)(.*) \|$", text, re.M)
    assert {row.split(" | ")[2].split(":")[0] for row in rows} == {"yes", "no", "in part", "ORCA's input only"}


@pytest.mark.parametrize("keywords", ["xc=pbe&basis=sto-3g", "xc=hf&basis=sto-3g&density_fit=False"])
@pytest.mark.parametrize("smiles", ["O", "[OH]", "[OH3+]"])
def test_forces_of_pyscf_are_the_slope_of_its_energy(keywords, smiles):
    require("pyscf_dft")
    molecule = Molecule.from_smiles(smiles, seed=1)
    atoms = molecule.atoms()
    atoms.rattle(0.05, seed=1)
    atoms.calc = potential(f"pyscf_dft:calculator?{keywords}", molecule)
    forces = atoms.get_forces()
    slope = calculate_numerical_forces(atoms, eps=1e-3, iatoms=[0])
    # the grid of a functional moves with the atoms, and PySCF's gradient leaves that out
    assert forces[0] == pytest.approx(slope[0], abs=1e-4 if "hf" in keywords else 2e-2)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ("xc=nonsense", "PySCF has no functional 'nonsense'"),
        ("basis=nonsense", "PySCF has no basis 'nonsense' for H2O$"),
        ("xc=hf&basis=sto-3g&max_cycles=3", "an SCF of PySCF has no max_cycles"),
    ],
)
def test_what_pyscf_does_not_know_is_said_in_one_line(keywords, said):
    require("pyscf_dft")
    with pytest.raises(InputError, match=said) as raised:
        potential(f"pyscf_dft:calculator?{keywords}", Molecule.from_smiles("O"))
    assert "\n" not in str(raised.value)


def test_the_program_xtb_agrees_with_tblite():
    require("xtb_program")
    require("gfn2-xtb")
    molecule = Molecule.from_smiles("CC(=O)[O-]", seed=1)
    program, library = molecule.atoms(), molecule.atoms()
    program.calc = potential("xtb_program:XTB?method=gfn2-xtb", molecule)
    library.calc = potential("gfn2-xtb", molecule)
    assert program.get_potential_energy() == pytest.approx(library.get_potential_energy(), abs=1e-5)
    assert program.get_forces() == pytest.approx(library.get_forces(), abs=1e-3)


def test_the_program_xtb_says_why_it_gave_up():
    require("xtb_program")
    with pytest.raises(PotentialFailed, match=r"xtb ended with exit code 1: .*solvent: 'nonsense' is not parametrized"):
        relax("CCO", potential="xtb_program:XTB?solvent=nonsense")
    with pytest.raises(InputError, match=r"^method must be one of gfnff, .*, got 'gfn3'$"):
        potential("xtb_program:XTB?method=gfn3", Molecule.from_smiles("C"))


def test_the_input_of_orca_has_the_molecule_and_asks_for_forces(here):
    molecule = Molecule.from_smiles("C[CH2+]", seed=1)
    calculator = potential("programs:orca?method=PBE def2-SVP&cores=2&command=/bin/true", molecule)
    calculator.template.write_input(calculator.profile, here, molecule.atoms(), calculator.parameters, ["forces"])
    written = (here / "orca.inp").read_text()
    assert "PBE def2-SVP EnGrad" in written
    assert "nprocs 2" in written
    assert re.search(r"\*xyz 1 1", written)
    with pytest.raises(InputError, match=r"^/no/orca is not a program here: give the full path"):
        potential("programs:orca?command=/no/orca", molecule)


@pytest.fixture
def torch_sim():
    pytest.importorskip("torch_sim", reason="needs torch and torch-sim-atomistic")
    return importlib.import_module("torch_sim_models")


def springs():
    """A model of torch-sim that needs no weights: atoms of one molecule next to each other, on springs of 1.5 A."""
    import torch
    from torch_sim.models.interface import ModelInterface

    class Springs(ModelInterface):
        def __init__(self):
            super().__init__()
            self._device, self._dtype = torch.device("cpu"), torch.float64
            self._compute_forces, self._compute_stress = True, False

        def forward(self, state, **keywords):
            x = state.positions.detach().requires_grad_(True)
            bonded = state.system_idx[1:] == state.system_idx[:-1]
            stretched = ((x[1:] - x[:-1]).norm(dim=1)[bonded] - 1.5) ** 2
            energy = torch.zeros(int(state.system_idx.max()) + 1, dtype=x.dtype)
            energy = energy.index_add(0, state.system_idx[1:][bonded], 0.5 * stretched)
            (gradient,) = torch.autograd.grad(energy.sum(), x)
            return {"energy": energy.detach(), "forces": -gradient}

    return Springs()


def asked(function, groups):
    sizes = [len(atoms) for atoms in groups]
    return function(
        np.concatenate([atoms.positions for atoms in groups]),
        np.concatenate([atoms.numbers for atoms in groups]),
        np.repeat(np.arange(len(sizes)), sizes),
        np.zeros(len(sizes), dtype=int),
        np.ones(len(sizes), dtype=int),
    )


def chain(count, seed):
    return Atoms(f"Ar{count}", np.random.default_rng(seed).normal(size=(count, 3)))


@pytest.mark.parametrize("atoms", [1, 4, 100])
def test_a_model_of_torch_sim_gives_many_what_it_gives_each(torch_sim, atoms):
    groups = [chain(count, seed) for seed, count in enumerate((2, 3, 2, 5))]
    energies, forces = asked(torch_sim.TorchSim(springs(), atoms=atoms), groups)
    each = [asked(torch_sim.TorchSim(springs()), [group]) for group in groups]
    assert np.array_equal(energies, np.concatenate([energy for energy, _ in each]))
    assert np.array_equal(forces, np.concatenate([force for _, force in each]))


def test_a_state_of_torch_sim_is_relaxed_by_its_model(torch_sim):
    import torch
    from torch_sim.io import atoms_to_state

    model = springs()
    state = atoms_to_state([chain(2, seed) for seed in range(3)], torch.device("cpu"), torch.float64)
    results = list(relax_batch(torch_sim.started(state), potential=torch_sim.TorchSim(model), fmax=0.001))
    assert [result.converged for result in results] == [True] * 3
    assert [result.energy for result in results] == pytest.approx([0] * 3, abs=1e-6)


def test_lennard_jones_of_torch_sim_has_the_forces_of_ase(torch_sim):
    from torch_sim.models import lennard_jones

    if not hasattr(lennard_jones, "PairPotentialModel"):
        pytest.skip("the forces of Lennard-Jones in torch-sim before 0.6 are not the slope of its energy")
    from ase.calculators.lj import LennardJones

    ours = chain(5, 0)
    ours.positions *= 4  # to distances of argon
    theirs = ours.copy()
    ours.calc = potential("torch_sim_models:argon?cutoff=1e3", ours)
    theirs.calc = LennardJones(sigma=3.405, epsilon=0.0104, rc=1e3)
    assert ours.get_forces() == pytest.approx(theirs.get_forces(), abs=1e-9)


def test_a_charged_molecule_is_refused_where_a_model_does_not_read_charges(torch_sim):
    (result,) = relax_batch([Molecule.from_smiles("[NH4+]")], potential=torch_sim.TorchSim(springs()))
    assert result.ended == "failed"
    assert result.error.endswith("Springs knows neither charge nor spin, got a charge of 1")


def test_a_function_of_many_molecules_has_a_name_as_calculators_have(here):
    (here / "mine.py").write_text(
        "class Pull:\n"
        "    def __init__(self, k=1.0):\n"
        "        self.k = k\n"
        "    def __call__(self, positions, numbers, system, charges, spins):\n"
        "        return [0.5 * self.k * (positions**2).sum() + charges[0]], -self.k * positions\n"
    )
    sys.path.append(str(here))
    try:
        ion = Molecule.from_smiles("[NH4+]")
        atoms = ion.atoms()
        atoms.calc = potential("mine:Pull?k=3.0", ion)
    finally:
        sys.path.remove(str(here))
    assert atoms.get_potential_energy() == pytest.approx(1.5 * (ion.positions**2).sum() + 1)
    assert atoms.get_forces() == pytest.approx(-3 * ion.positions)


def test_a_batch_asks_a_class_of_functions_by_its_name_about_all_at_once(here, monkeypatch):
    (here / "counting.py").write_text(
        "asked = []\n"
        "class Pull:\n"
        "    def __call__(self, positions, numbers, system, charges, spins):\n"
        "        asked.append(len(charges))\n"
        "        return [0.0] * len(charges), 0 * positions\n"
    )
    monkeypatch.syspath_prepend(str(here))
    molecules = [Molecule.from_smiles(smiles) for smiles in ("CCO", "CCN", "C")]
    results = list(relax_batch(molecules, potential="counting:Pull", check=None))
    assert importlib.import_module("counting").asked[0] == 3
    assert {result.potential for result in results} == {"counting:Pull"}


def test_what_a_factory_prints_is_not_among_the_results(here, capsys):
    (here / "loud.py").write_text(
        "from ase.calculators.emt import EMT\nprint('loaded')\ndef made():\n    print('made')\n    return EMT()\n"
    )
    sys.path.append(str(here))
    try:
        potential("loud:made", Molecule.from_smiles("C"))
    finally:
        sys.path.remove(str(here))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "loaded\nmade\n")


def test_a_function_takes_by_its_name_the_calls_alone_that_it_takes_in_a_batch(here, monkeypatch):
    (here / "near.py").write_text(PULL)
    monkeypatch.syspath_prepend(str(here))
    molecules = [Molecule.from_smiles(smiles, seed=1) for smiles in ("CCO", "OCCN")]
    batch = relax_batch(molecules, potential="near:Pull", ordered=True, max_calls=6)
    alone = [relax(molecule, potential="near:Pull", max_calls=6) for molecule in molecules]
    assert [result.energy for result in batch] == [result.energy for result in alone]
