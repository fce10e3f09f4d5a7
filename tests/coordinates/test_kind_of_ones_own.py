"""A kind of coordinate is a file and its place in the table: here that of docs/extending/coordinate.md."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import molopt
from molopt.coordinates import kinds, primitives
from molopt.coordinates.kind import Found
from molopt.coordinates.kinds import KINDS
from molopt.coordinates.primitives import Primitives

PACKAGE = Path(molopt.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "extending" / "coordinate.md"

PROGRAM = """
import sys

sys.modules["numba"] = None  # kernels would be compiled anew for the copy, and serve no bridge
import numpy as np
import molopt
from molopt.coordinates.primitives import Primitives

acid = molopt.Molecule.from_smiles("O=C(O)c1ccccc1O salicylic", seed=3)


def optimizer(**settings):
    atoms = acid.atoms()
    atoms.calc = molopt.potential("mmff94", acid)
    return molopt.LBFGS(atoms, logfile=None, **settings)


whole = optimizer()
assert whole.run(fmax=0.01)
table = whole.member.primitives
assert table.sizes["bridge"] == 1, table.sizes
assert [key for key in table.keys if key[0] == "bridge"]
assert Primitives.from_plain(table.plain()).further["bridge"].tolist() == table.further["bridge"].tolist()

first, second = optimizer(restart="run.json"), None
first.run(fmax=0.01, steps=2)
second = optimizer(restart="run.json")
assert second.run(fmax=0.01)
assert (second.atoms.positions == whole.atoms.positions).all()

alone = molopt.relax(acid, fmax=0.01)
batch = molopt.relax_batch(acid, positions=[acid.positions] * 2, potential="mmff94", fmax=0.01).collect()
assert batch.energies.tolist() == [alone.energy] * 2
assert list(molopt.relax_batch([acid], potential="mmff94", fmax=0.01))[0].energy == alone.energy
assert float(molopt.energy_left(alone.atoms)) < 1e-3
print(alone.verdict.stationary)
"""


def test_a_new_kind_is_its_file_and_its_place_in_the_table(tmp_path):
    copy = tmp_path / "molopt"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (file,) = re.findall(r"^```python\n(# bridges\.py\n.*?)^```", PAGE.read_text(), re.M | re.S)
    (copy / "coordinates" / "bridges.py").write_text(file)
    table = (copy / "coordinates" / "kinds.py").read_text()
    table = table.replace("FRAGMENT, POINT)", "FRAGMENT, POINT, BRIDGE)")
    table = table.replace("from molopt", "from molopt.coordinates.bridges import BRIDGE\nfrom molopt", 1)
    (copy / "coordinates" / "kinds.py").write_text(table)
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split()[-1] == "minimum"


HEIGHT = Found(
    name="height",
    group="fragments",
    atoms=1,
    value=lambda p: p[..., 0, 2],
    derivative=lambda p: (p[..., 0, 2], np.broadcast_to([0.0, 0.0, 1.0], p.shape).copy()),
    find=lambda topology, xyz: np.arange(len(xyz))[:, None],
    stiffness=1.0,
)


@pytest.fixture
def height(monkeypatch):
    for module, name in ((kinds, "KINDS"), (primitives, "KINDS")):
        monkeypatch.setattr(module, name, (*KINDS, HEIGHT))
    monkeypatch.setattr(primitives, "FOUND", (HEIGHT,))
    return HEIGHT


def test_its_coordinates_come_after_those_of_the_others(height):
    table = Primitives(2, stretches=np.array([[0, 1]]), further={"height": np.array([[0], [1]])})
    x = np.array([0.0, 0.0, 0.5, 0.0, 0.0, 1.5])
    assert table.values(x).tolist() == [1.0, 0.5, 1.5]
    assert table.jacobian(x).toarray()[1:].tolist() == [[0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1]]


def test_a_file_with_a_kind_that_is_not_known_is_refused(height):
    plain = Primitives(2, further={"height": np.array([[0]])}).plain()
    assert Primitives.from_plain(plain).further["height"].tolist() == [[0]]
    with pytest.raises(ValueError, match="of the kind 'depth', which is not known here"):
        Primitives.from_plain(plain | {"further": {"depth": np.array([[0]])}})


@pytest.mark.parametrize("rows", [[[2]], [[-1]]])
def test_a_file_with_atoms_that_are_not_there_is_refused(height, rows):
    plain = Primitives(2).plain() | {"further": {"height": np.array(rows)}}
    with pytest.raises(ValueError, match="beyond the 2 there are"):
        Primitives.from_plain(plain)
