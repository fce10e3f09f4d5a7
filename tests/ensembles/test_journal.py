"""The journal of a search: what was answered is there to the last bit, whatever ended the process that wrote it."""

import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from contextlib import closing, suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from molopt.ensembles.journal import Journal
from molopt.errors import StoreError
from molopt.store.parcels import answer_of, answer_parcel

ANSWER = {
    "energy": math.nan,
    "positions": np.linspace(0, 1, 30).reshape(2, 5, 3),
    "changed": ["", "bonds"],
    "none": None,
}
DTYPES = st.sampled_from(["<f8", "<f4", "<i8", "<i4", "?", "u1"])
ARRAYS = DTYPES.flatmap(lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
SINGLE = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text() | st.lists(st.text())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.journal"


def tamper(path, order, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(order, values)


def same(one, other):
    assert list(one) == list(other)
    for name, value in one.items():
        found = other[name]
        if isinstance(value, np.ndarray):
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            assert found.tobytes() == value.tobytes()
        else:
            assert type(found) is type(value)
            assert found == value or (value != value and found != found)
    return True


@given(st.dictionaries(st.text(), ARRAYS | SINGLE))
@settings(max_examples=200, deadline=None)
def test_an_answer_comes_back_to_the_last_bit(answer):
    assert same(answer, answer_of(answer_parcel(answer)))


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_not_an_answer_are_an_error_or_values_and_nothing_else(place, change):
    packed = bytearray(zlib.decompress(answer_parcel(ANSWER)))
    packed[place % len(packed)] ^= change
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        found = answer_of(zlib.compress(bytes(packed)))
        assert all(isinstance(value, np.ndarray | float | int | str | list | None) for value in found.values())


@pytest.mark.parametrize("odd", [{"x": np.array(["text"])}, {"x": np.array([1j])}, {"x": np.array([None])}, {"x": {1}}])
def test_what_cannot_be_kept_is_refused_as_it_is_put(path, odd):
    with Journal(path) as journal, pytest.raises((ValueError, AttributeError)):
        journal.put(0, "asked", odd)


def test_an_answer_is_that_of_its_number_and_digest_alone(path):
    with Journal(path) as journal:
        journal.put(3, "asked", ANSWER)
        assert same(journal.get(3, "asked"), ANSWER)
        assert journal.get(3, "asked otherwise") is None
        assert journal.get(4, "asked") is None
        journal.put(3, "asked otherwise", {"energy": 1.0})
        assert journal.get(3, "asked") is None
    with Journal(path) as again:
        assert again.get(3, "asked otherwise") == {"energy": 1.0}
        assert len(again) == 1


WRITER = """
import sys
import numpy as np
from molopt.ensembles.journal import Journal

with Journal(sys.argv[1], {"seed": "7"}) as journal:
    for number in range(len(journal), 10**6):
        journal.put(number, str(number), {"positions": np.full((20, 3), float(number)), "number": number})
        print(number, flush=True)
"""


def test_a_killed_search_loses_no_answer_that_was_kept(path):
    said = -1
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        first = int(process.stdout.readline())
        assert first in (said + 1, said + 2)  # what was put and could not be said any more
        time.sleep(random.uniform(0.05, 0.2))
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        said = max([first, *map(int, rest.split())])
    with Journal(path, {"seed": "7"}) as journal:
        assert len(journal) in (said + 1, said + 2)
        for number in range(said + 1):
            assert journal.get(number, str(number))["number"] == number


def test_the_journal_of_another_search_is_refused_with_what_differs(path):
    Journal(path, {"potential": "mmff94s", "seed": "7"}).close()
    with pytest.raises(StoreError, match=r"another search: potential was mmff94s and is gfn2-xtb: give another folder"):
        Journal(path, {"potential": "gfn2-xtb", "seed": "7"})
    with pytest.raises(StoreError, match="another search: seed was 7 and is not said"):
        Journal(path, {"potential": "mmff94s"})
    tamper(path, "UPDATE search SET value = '0.1.0' WHERE name = 'molopt'")
    with pytest.raises(StoreError, match=r"molopt was 0\.1\.0 and is"):
        Journal(path, {"potential": "mmff94s", "seed": "7"})


def test_a_journal_that_another_process_has_open_is_refused(path, monkeypatch):
    monkeypatch.setattr("molopt.ensembles.journal.WAIT", 0.1)
    with Journal(path), pytest.raises(StoreError, match=r"was locked for 0\.1 s"):
        Journal(path)


def test_a_file_that_is_not_a_journal_is_refused_and_stays_as_it_was(path, tmp_path):
    path.write_bytes(b"not a database " * 500)
    with pytest.raises(StoreError, match="is not a database"):
        Journal(path)
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE cars (name TEXT)").connection.close()
    before = other.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        Journal(other)
    assert other.read_bytes() == before
    with pytest.raises(StoreError, match="is not a folder"):
        Journal(tmp_path / "none" / "search.journal")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="named pipe"):
        Journal(tmp_path / "pipe")


def test_an_answer_that_was_tampered_with_is_one_line(path):
    with Journal(path) as journal:
        journal.put(0, "asked", ANSWER)
    tamper(path, "UPDATE answers SET answer = ?", zlib.compress(b"\x80\x04nonsense"))
    with Journal(path) as journal, pytest.raises(StoreError, match="is damaged at job 0") as told:
        journal.get(0, "asked")
    assert "\n" not in str(told.value)
    tamper(path, "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END")
    with pytest.raises(StoreError, match="more than tables"):
        Journal(path)
