"""Implicit solvents of xTB: as tblite and the program xtb compute them, and one clear line where there are none."""

import json
import os
import re
import shutil
import subprocess

import ase.io
import pytest
from ase.units import Hartree
from click.testing import CliRunner

from molopt.cli import main
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.potentials import potential, solvated
from molopt.potentials.solvents import MODELS
from molopt.relaxation import relax

pytest.importorskip("tblite", reason="tblite comes with the extra xtb")

GLYCINE_AMIDE = "NCC(=O)NCCO"


@pytest.mark.parametrize("method", ["gfn2-xtb", "gfn1-xtb"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("solvent=water", ("alpb", "water")),
        ("solvent=Water&solvation=GBSA", ("gbsa", "water")),
        ("solvation=gbsa&solvent=thf", ("gbsa", "thf")),
        ("solvent=octane&solvation=cpcm", ("ddX", "octane", "cpcm")),
        ("solvent=4.5&solvation=cosmo", ("ddX", 4.5, "cosmo")),
        ("solvation=['alpb','water','bar1mol']", ("alpb", "water", "bar1mol")),
        ("solvent=none", None),
    ],
)
def test_a_solvent_is_what_tblite_computes_with_it(method, said, meant):
    from tblite.ase import TBLite

    molecule = Molecule.from_smiles(GLYCINE_AMIDE)
    ours, theirs = molecule.atoms(), molecule.atoms()
    ours.calc = potential(f"{method}?{said}", molecule)
    name = {"gfn2-xtb": "GFN2-xTB", "gfn1-xtb": "GFN1-xTB"}[method]
    theirs.calc = TBLite(method=name, charge=0, multiplicity=1, accuracy=0.05, verbosity=0, solvation=meant)
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-7)
    assert ours.get_forces() == pytest.approx(theirs.get_forces(), abs=1e-6)
    assert ours.get_dipole_moment() == pytest.approx(theirs.get_dipole_moment(), abs=1e-6)


@pytest.mark.skipif(shutil.which("xtb") is None, reason="the program xtb is not installed")
@pytest.mark.parametrize("model", ["alpb", "gbsa"])
@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)[O-]"])
def test_energies_in_water_are_those_of_the_program_xtb(tmp_path, smiles, model):
    molecule = Molecule.from_smiles(smiles)
    atoms = molecule.atoms()
    ase.io.write(tmp_path / "start.xyz", atoms, format="xyz", fmt="%.12f")
    atoms.calc = potential(f"gfn2-xtb?solvent=water&solvation={model}", molecule)
    command = ["xtb", "start.xyz", "--gfn", "2", "--chrg", str(molecule.charge), "--acc", "0.05", f"--{model}", "water"]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=True).stdout
    total = float(re.search(r"TOTAL ENERGY\s+(\S+)", said)[1])
    assert atoms.get_potential_energy() == pytest.approx(total * Hartree, abs=1e-5)  # eV


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("solvent=watre", "'watre' is not a solvent of ALPB of GFN2-xTB; did you mean water"),
        (
            "solvent=ethanol&solvation=gbsa",
            "GBSA .* no parameters for ethanol; did you mean methanol.*=alpb or",
        ),
        ("solvent=water&solvation=albp", "no solvation model 'albp'; did you mean alpb"),
        ("solvation=gbsa", "solvation=gbsa needs a solvent beside it"),
        ("solvent=78.4", "ALPB is fitted to each solvent and needs its name, got 78.4"),
        ("solvent=0.5&solvation=cpcm", "dielectric constant .* from 1, got 0.5"),
        ("solvent=nan&solvation=cpcm", "'nan' is not a solvent of CPCM"),
        ("solvent=water&solvation=['alpb','water']", "says the solvent already"),
        ("solvation=['alpb','watre']", "cannot have solvation="),
        ("solvation=[]", "must be a model and its arguments"),
    ],
)
def test_a_solvent_that_cannot_be_is_found_before_the_first_scf(said, named):
    with pytest.raises(InputError, match=named):
        potential(f"gfn2-xtb?{said}", Molecule.from_smiles("C"))


@pytest.mark.parametrize("model", MODELS)
def test_every_solvent_that_is_offered_is_one(model):
    with pytest.raises(InputError, match="nown are ") as error:
        potential(f"gfn2-xtb?solvent=nothing&solvation={model}", Molecule.from_smiles("C"))
    offered = str(error.value).partition("nown are ")[2].split(", ")
    assert len(offered) > 10
    for name in offered:
        assert potential(f"gfn2-xtb?solvent={name}&solvation={model}", Molecule.from_smiles("C"))


def test_a_solvated_potential_is_guided_by_the_force_field_as_others_are():
    molecule = Molecule.from_smiles("NCC(=O)NCC(=O)NCCO")
    result = relax(molecule, potential=solvated("gfn2-xtb", "water"), fmax=0.1)
    assert result.converged
    assert result.surrogate == "mmff94s"


@pytest.mark.parametrize("command", ["relax", "check", "compare"])
def test_the_option_puts_a_solvent_in_the_name_of_the_potential(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    ase.io.write("water.xyz", Molecule.from_smiles("O").atoms(), format="xyz")
    more = ["--no-files", "--optimizers", "default"] if command == "compare" else []
    asked = [command, "water.xyz", "--charge", "0", "--json", *more]
    wet = CliRunner().invoke(main, [*asked, "--potential", "gfn2-xtb", "--solvent", "dmso", "--out", "wet"])
    assert wet.exit_code in (0, 1), wet.output
    dry = CliRunner().invoke(main, [*asked, "--potential", "gfn2-xtb", "--solvent", "none", "--out", "dry"])
    (one,), (other,) = json.loads(wet.stdout), json.loads(dry.stdout)
    assert one["energy"] < other["energy"] - 0.05  # eV
    if command != "check":
        assert one["potential"] == "gfn2-xtb?solvent=dmso"


@pytest.mark.parametrize("command", ["relax", "compare"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ["--potential", "mmff94", "--solvent", "water"],
            "mmff94 has no solvents: drop solvent water, or take",
        ),
        (["--potential", "gfn2-xtb", "--solvent", "watre"], "did you mean water"),
        (["--potential", "gfn2-xtb", "--solvent", "thf&accuracy=9"], "'thf&accuracy=9' is not a solvent"),
        (["--potential", "gfn2-xtb?solvent=thf", "--solvent", "thf"], "says its solvent already"),
        (["--potential", "nowhere:it", "--solvent", "water"], "nowhere:it has no solvents"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(tmp_path, monkeypatch, command, arguments, named):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [command, "O", *arguments])
    assert result.exit_code == 2
    assert named in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
