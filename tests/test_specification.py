"""Names with keywords: what is written is read back, and what cannot be is one line."""

import pickle
import re
import string
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molopt import relax
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.registry import PEERS, optimizer_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import potential
from molopt.potentials.foreign import load
from molopt.specification import parse, specified

KEYS = st.text(string.ascii_letters + "_", min_size=1, max_size=8).filter(str.isidentifier)
NAMES = st.text(string.ascii_lowercase + "-/.:", min_size=1, max_size=12)
SINGLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = SINGLE | st.lists(SINGLE, max_size=3) | st.dictionaries(st.text(max_size=5), SINGLE, max_size=2)


@settings(max_examples=200)
@given(name=NAMES, keywords=st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_specified_is_parsed_back(name, keywords):
    assert parse(specified(name, keywords)) == (name, keywords)


@settings(max_examples=100)
@given(surrogate=st.text())
def test_a_surrogate_of_any_spelling_is_parsed_back(surrogate):
    """Names with several keywords among them, whose & parts keywords outside: "mine:factory?a=1&b=2"."""
    assert parse(specified("default", {"surrogate": surrogate}))[1] == {"surrogate": surrogate}


def test_a_surrogate_with_two_keywords_is_one_of_a_full_name():
    given_twice = str(OptimizerSpec.of("default").guided_by("mine:factory?a=1&b=2"))
    assert parse(given_twice)[1]["surrogate"] == "mine:factory?a=1&b=2"
    assert str(OptimizerSpec.of(given_twice)) == given_twice


@pytest.mark.parametrize("name", [name for name in optimizer_names() if name not in PEERS])
def test_the_full_text_of_an_optimizer_is_the_same_optimizer(name):
    full = str(OptimizerSpec.of(name))
    assert str(OptimizerSpec.of(full)) == full


@settings(max_examples=300)
@given(text=st.text(max_size=40) | st.text("?&=:/'\"([{,1e-_a \\", max_size=30))
@pytest.mark.parametrize("read", [parse, OptimizerSpec.of])
def test_any_text_is_parsed_or_an_input_error(read, text):
    with suppress(InputError):
        read(text)


@pytest.mark.parametrize("value", ["(" * 5000, "[" * 100_000, "{[]: 1}", "1" * 5000, "\0", "-" * 20_000 + "1", "{{}}"])
def test_a_value_that_no_literal_can_be_is_text(value):
    assert parse(f"adam?lr={value}") == ("adam", {"lr": value})


@pytest.mark.parametrize("name", ["", "?", ":", ":f", "os:", "nowhere:f", "os:nothing", "os:name", "a b:f", "..:f"])
def test_a_potential_that_cannot_be_had_is_one_line(name):
    from molopt.molecules import Molecule

    with pytest.raises(InputError) as told:
        load(name) if ":" in name else potential(name, Molecule.from_smiles("C"))
    assert "\n" not in str(told.value)


OWN = """
from dataclasses import dataclass
from ase.optimize import BFGS
from molopt.rules import Rule

@dataclass(frozen=True)
class Plain(Rule):
    lr: float = 0.5

    def update(self, seen, state):
        return -self.lr * seen.gradient, state

def careful(atoms, logfile=None, trajectory=None, maxstep=0.1):
    return BFGS(atoms, logfile=logfile, trajectory=trajectory, maxstep=maxstep)
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A folder with a module `own_code`, as that of whoever gives a command, which is not in sys.path."""
    (tmp_path / "own_code.py").write_text(OWN)
    monkeypatch.setenv("MOLOPT_IMPORTS_FROM", str(tmp_path))
    yield tmp_path
    sys.modules.pop("own_code", None)
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("own_code:Plain/internal?lr=0.8&growth=1.3", "own_code:Plain/internal"),
        ("own_code:Plain?lr=0.01&control=none", "own_code:Plain"),
        ("own_code:careful?maxstep=0.05", "own_code:careful"),
    ],
)
def test_a_rule_or_an_optimizer_of_ones_own_is_named_as_a_potential_is(own_code, text, label):
    spec = OptimizerSpec.of(text)
    assert spec.label == label
    assert str(OptimizerSpec.of(str(spec))) == str(spec)
    assert str(pickle.loads(pickle.dumps(spec))) == str(spec)
    assert relax(Molecule.from_smiles("CO"), text, check=None).converged


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_code:Nothing", "own_code has no Nothing"),
        ("own_code:OWN", "has no OWN"),
        ("own_code:Plain?rate=1", "has no argument 'rate'"),
        ("own_code:Plain/outer", "may follow the slash"),
        ("own_code:careful/internal", "is not a rule"),
        ("own_code:careful?speed=1", "cannot be made: got an unexpected keyword argument 'speed'"),
        ("nowhere_at_all:Plain", "cannot import nowhere_at_all"),
    ],
)
def test_code_that_is_not_an_optimizer_gets_one_line(own_code, text, said):
    with pytest.raises(InputError, match=re.escape(said)):
        OptimizerSpec.of(text)
