"""The machine-learned potentials of docs/potentials: many molecules are answered as one is, and refused in one line."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes

from molopt import InputError, Molecule, potential, relax, relax_batch

POTENTIALS = Path(__file__).parents[2] / "docs" / "potentials"
SMILES = ("CCO", "CC(=O)Oc1ccccc1C(=O)O", "C", "NCCS", "FC(Cl)C#N")


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(str(POTENTIALS))
    monkeypatch.setenv("TORCHANI_NO_WARN_EXTENSIONS", "1")


@pytest.fixture
def ani2xt():
    pytest.importorskip("Auto3D", reason="needs torch and auto3d[ani]")
    import ani2xt

    return ani2xt.ANI2xt


@pytest.fixture
def sevennet():
    pytest.importorskip("sevenn", reason="needs torch and sevenn")
    import sevennet

    return sevennet


def asked(function, molecules):
    sizes = [len(molecule.numbers) for molecule in molecules]
    return function(
        np.concatenate([molecule.positions for molecule in molecules]),
        np.concatenate([molecule.numbers for molecule in molecules]).astype(np.int32),  # as torch-sim has them
        np.repeat(np.arange(len(sizes)), sizes),
        np.array([molecule.charge for molecule in molecules]),
        np.array([molecule.spin for molecule in molecules]),
    )


def one_by_one(function, molecules):
    energies, forces = zip(*(asked(function, [molecule]) for molecule in molecules), strict=True)
    return np.concatenate(energies), np.concatenate(forces)


class Alone(Calculator):
    """The calculator that asks a batched function about one molecule."""

    implemented_properties = ("energy", "forces")

    def __init__(self, function):
        super().__init__()
        self.function = function

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        zeros = np.zeros(len(atoms), dtype=int)
        energies, forces = self.function(atoms.positions, atoms.numbers, zeros, zeros[:1], zeros[:1] + 1)
        self.results = {"energy": float(energies[0]), "forces": forces}


@pytest.mark.parametrize("atoms", [1, 30, 4096])
@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-9), ("float32", 1e-5)])
def test_ani2xt_of_many_is_that_of_each(ani2xt, dtype, near, atoms):
    molecules = [Molecule.from_smiles(smiles, seed=1) for smiles in SMILES]
    found, alone = asked(ani2xt(dtype=dtype, atoms=atoms), molecules), one_by_one(ani2xt(dtype=dtype), molecules)
    for many, each in zip(found, alone, strict=True):
        assert np.abs(many - each).max() < near


def test_forces_of_ani2xt_are_the_slope_of_its_energy(ani2xt):
    molecule, function = Molecule.from_smiles("CCO", seed=1), ani2xt(dtype="float64")
    _, forces = asked(function, [molecule])
    step = np.random.default_rng(0).normal(size=forces.shape) * 1e-4
    there, back = (asked(function, [molecule.moved(molecule.positions + sign * step)])[0][0] for sign in (1, -1))
    assert there - back == pytest.approx(-2 * (forces * step).sum(), rel=1e-5)


@pytest.mark.parametrize("check", [None, "auto"])
def test_a_batch_on_ani2xt_takes_the_calls_of_single_runs(ani2xt, check):
    function = ani2xt(dtype="float64")
    starts = list(Molecule.from_smiles("OCCN", seed=1).conformers(3, seed=1))
    batch = list(relax_batch(starts, potential=function, fmax=0.01, check=check, ordered=True))
    for start, many in zip(starts, batch, strict=True):
        alone = relax(start, potential=Alone(function), fmax=0.01, check=check, surrogate=None)
        assert many.converged
        assert many.force_calls == alone.force_calls
        assert many.energy == pytest.approx(alone.energy, abs=1e-8)


def test_the_noise_of_float32_does_not_keep_a_run_from_fmax_0_01(ani2xt):
    starts = list(Molecule.from_smiles("NCC(=O)OC", seed=1).conformers(4, seed=1))
    single, double = (
        list(relax_batch(starts, potential=ani2xt(dtype=dtype), fmax=0.01, ordered=True))
        for dtype in ("float32", "float64")
    )
    for noisy, exact in zip(single, double, strict=True):
        assert noisy.converged
        assert abs(noisy.force_calls - exact.force_calls) <= 2
        assert noisy.energy == pytest.approx(exact.energy, abs=1e-4)


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("C[NH3+]", r"^stopped at step 0: ANI-2xt knows neutral molecules .* got the charge \+1$"),
        ("CBr", "got the element Br$"),
        ("[CH3]", "got the multiplicity 2$"),
    ],
)
def test_what_ani2xt_does_not_know_is_refused_alone(ani2xt, smiles, said):
    known, unknown = relax_batch(
        [Molecule.from_smiles("CCO"), Molecule.from_smiles(smiles)], potential=ani2xt(), ordered=True
    )
    assert known.converged
    assert unknown.ended == "failed"
    assert re.search(said, unknown.error)


def test_sevennet_relaxes_ethanol_by_its_name(sevennet):
    result = relax(Molecule.from_smiles("CCO"), potential="sevennet:calculator")
    assert result.converged
    assert result.force_calls < 15
    with pytest.raises(InputError, match=r"^SevenNet-0 knows neither charge nor spin, got a charge of 1$"):
        potential("sevennet:calculator", Molecule.from_smiles("[NH4+]"))


@pytest.mark.parametrize("atoms", [1, 20, 512])
def test_sevennet_of_many_is_its_calculator(sevennet, atoms):
    molecules = [Molecule.from_smiles(smiles, seed=1) for smiles in ("CCO", "C", "NCCS")]
    energies, forces = asked(sevennet.SevenNet(atoms=atoms), molecules)
    each = [molecule.atoms() for molecule in molecules]
    for one in each:
        one.calc = potential("sevennet:calculator", one)
    assert energies == pytest.approx([one.get_potential_energy() for one in each], abs=1e-4)
    assert np.abs(forces - np.concatenate([one.get_forces() for one in each])).max() < 1e-4


def test_sevennet_names_an_element_that_it_does_not_know(sevennet):
    with pytest.raises(InputError, match=r"SevenNet-0 does not know At$"):
        sevennet.SevenNet()(np.zeros((1, 3)), np.array([85]), np.zeros(1, dtype=int), np.zeros(1), np.ones(1))


def test_without_the_wheels_the_remedy_is_said(monkeypatch):
    for name in ("torch", "Auto3D", "sevenn", "sevenn.calculator"):
        monkeypatch.setitem(sys.modules, name, None)
    import ani2xt
    import sevennet

    for cached in (ani2xt.network, sevennet.loaded):
        cached.cache_clear()
    with pytest.raises(ImportError, match=r"^ANI-2xt needs torch and Auto3D .*: pip install torch 'auto3d\[ani\]'$"):
        ani2xt.ANI2xt()
    with pytest.raises(InputError, match=r"SevenNet-0 needs torch and sevenn .*: pip install torch sevenn$"):
        potential("sevennet:calculator", Molecule.from_smiles("CCO"))
