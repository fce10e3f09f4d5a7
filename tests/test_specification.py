"""Names with keywords: what is written is read back, and what cannot be is one line."""

import string
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molopt.errors import InputError
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
