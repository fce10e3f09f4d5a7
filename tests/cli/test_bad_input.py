"""Bad input of everyday: one line that names the value and the remedy, exit code 2, and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from molopt.cli import main
from molopt.molecules import Molecule

BAD = [  # what is written, and what the line must name: the value, what is allowed or the remedy
    ("relax", ["give molecules", "--resume"]),
    ("relax CX", ["'CX'", "character 2"]),
    ("relax C1CC", ["'C1CC'", "ring"]),
    ("relax C(C)(C)(C)(C)C", ["valence", "C"]),
    ("relax missing.sdf", ["missing.sdf", "no file"]),
    ("relax missing/set.smi", ["missing/set.smi"]),
    ("relax empty.sdf", ["empty.sdf", "empty"]),
    ("relax empty", ["empty", ".sdf"]),
    ("relax two.pdf", ["two.pdf", "end in"]),
    ("relax half.sdf", ["half.sdf", "truncated"]),
    ("relax folder.xyz/deep", ["folder.xyz/deep"]),
    ("relax aspirin", ["'aspirin'", "SMILES"]),
    ("relax pge4", ["did you mean peg4"]),
    ("relax CCO --potential mmf94", ["mmf94", "did you mean mmff94"]),
    ("relax CCO --potential nowhere:made", ["nowhere", "import"]),
    ("relax CCO --potential mmff94?terms=some", ["terms", "some"]),
    ("relax [Fe] --potential mmff94", ["mmff94", "uff"]),
    ("relax CCO --optimizer adm", ["adm", "did you mean adam"]),
    ("relax CCO --optimizer adam?lr=-1", ["lr", "-1"]),
    ("relax CCO --optimizer adam?rate=1", ["rate", "lr"]),
    ("relax CCO --criteria gaussian:tigth", ["tigth", "did you mean tight"]),
    ("relax CCO --criteria fmax=small", ["small"]),
    ("relax CCO --criteria gaussian --fmax 0.1", ["--criteria", "drop"]),
    ("relax CCO --fmax -1", ["fmax", "-1"]),
    ("relax CCO --fmax nan", ["fmax", "nan"]),
    ("relax CCO --energy-left some", ["some"]),
    ("relax CCO --steps 0", ["steps", "0"]),
    ("relax CCO --workers 0", ["--workers", "0"]),
    ("relax CCO --time-limit -5", ["time", "-5"]),
    ("relax CCO --charge 1", ["charge 1", "formal charges"]),
    ("relax CCO --spin 2", ["multiplicity 2"]),
    ("relax CCO --solvent water", ["water", "gfn2-xtb"]),
    ("relax CCO --potential gfn2-xtb --solvent watre", ["watre", "did you mean water"]),
    ("relax CCO --fix 12", ["12", "9"]),
    ("relax CCO --hold 1,2,3,4,5", ["1, 2, 3, 4, 5", "a dihedral of 4"]),
    ("relax CCO --hold [Fe][Fe]", ["[Fe][Fe]"]),
    ("relax CCO --out taken", ["taken"]),
    ("relax CCO --out full", ["full", "--overwrite"]),
    ("relax CCO --parsl nothere.py", ["parsl"]),
    ("relax --resume full", ["full", "relax.json"]),
    ("relax CCO --resume full", ["--resume", "drop the molecules"]),
    ("relax CCO --name ?!", ["--name", "?!"]),
    ("relax CCO --colour red", ["--colour"]),
    ("relax CCO --check sometimes", ["sometimes", "report"]),
    ("relax CCO --formats sdf,pbd", ["'pbd'", "did you mean pdb"]),
    ("relax CCO --formats traj --separate --trajectories", ["--trajectories", "--formats traj", "drop one"]),
    ("scan CCCC", ["--dihedral"]),
    ("scan CCCC --dihedral 1,2,3,4", ["--from"]),
    ("scan CCCC --dihedral 1,2,3=0:10:2", ["1, 2, 3", "4 different atoms"]),
    ("scan CCCC --dihedral 1,2,3,99=0:10:2", ["99", "14"]),
    ("scan both.smi --bond 1,2=1:2:3", ["both.smi", "several"]),
    ("conformers CCO --window -1", ["window", "-1"]),
    ("conformers CCO --mirror split", ["split", "merge"]),
    ("conformers CCO --refine gfn9-xtb", ["gfn9-xtb"]),
    ("compare CCO --optimizers default,bgfs --potential mmff94", ["bgfs", "did you mean bfgs"]),
    ("compare CCO --sweep lr=1:2 --potential mmff94", ["lr=1:2"]),
    ("check good.sdf --temperature -3", ["temperature", "-3"]),
    ("check good.sdf --symmetry-number 0 --frequencies", ["symmetry number", "0"]),
    ("report nothere", ["nothere", "study"]),
    ("export full --write runs.csv", ["full", "study"]),
    ("fit-stiffness both.smi --write new.json", ["both.smi", "10"]),
    ("relaxx CCO", ["relaxx", "did you mean relax?"]),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good = Molecule.from_smiles("CCO").to_sdf()
    Path("good.sdf").write_text(good)
    Path("half.sdf").write_text(good[:300])
    Path("both.smi").write_text("CCO a\nCCN b\n")
    Path("two.pdf").write_text("%PDF")
    for name in ("empty.sdf", "taken"):
        Path(name).touch()
    for name in ("empty", "folder.xyz", "full"):
        Path(name).mkdir()
    Path("full/mine.txt").write_text("mine")
    return tmp_path


def everything(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(("line", "named"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_line_that_names_it_and_writes_nothing(here, line, named):
    before = everything(here)
    ran = CliRunner().invoke(main, line.split(), standalone_mode=True)
    said = ran.stderr.splitlines()
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said[0].startswith("molopt: ")
    assert len(said) == 1 or (len(said) == 3 and said[2].strip() == "^")  # with a picture of the place
    assert [word for word in named if word not in said[0]] == []
    assert everything(here) == before


@pytest.mark.parametrize(("text", "named"), [("", "standard input is empty"), ("  \n", "empty"), ("CX\n", "CX")])
def test_bad_standard_input_is_one_line(here, text, named):
    ran = subprocess.run(
        [sys.executable, "-m", "molopt", "relax", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines()) in (1, 3)) == (2, "", True)
    assert named in ran.stderr
    assert "molopt-relax" not in "".join(path.name for path in here.iterdir())
