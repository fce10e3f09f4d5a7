"""The store: what was added is there, exactly and once, whatever happens to process, disk and other processes."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from ase.db import connect
from ase.db.core import bytes_to_object
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from molopt.errors import InputError, StoreError
from molopt.molecules import Molecule
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Outcome, Plan, Record
from molopt.run import Run
from molopt.schema import EMPTY
from molopt.stationary.verdict import ENDED, MOLECULE, STATIONARY
from molopt.store import Store
from molopt.store.checking import require_sound
from molopt.store.packing import pack, unpack

HOSTILE = (
    "<script>alert(1)</script>",
    "'; DROP TABLE systems; --",
    'a "quoted" \\ name',
    "two\nlines\r\tand a tab",
    "NUL \0 inside",
    "lone \ud800 surrogates \udcff",
    "a pair of lone ones \ud83d\ude00",
    "emoji \U0001f9ea and \u202eright to left",
    "long " * 2000,
    "123",
    "1e5",
    "1" * 5000,
    "True",
    "NaN",
    "",
    " ",
    "=1+1",
    "-",
)


def record(place=0, *, natoms=60, calls=100, ended="converged", **plan):
    """A run whose numbers look like those of a relaxation: a molecule that moves less and less."""
    noise = np.random.default_rng(place)
    start = 5 * noise.normal(size=(natoms, 3))
    steps = noise.normal(size=(calls, natoms, 3)) * 0.1 * 0.95 ** np.arange(calls)[:, None, None]
    frames = start + np.cumsum(steps, axis=0)
    values = {
        "source": "list.smi",
        "molecule": f"molecule {place}",
        "place": place,
        "seed": 0,
        "smiles": "CCO",
        "charge": 0,
        "spin": 1,
        "numbers": [6] * natoms,
        "bonds": [[atom, atom + 1] for atom in range(natoms - 1)],
        "start": start.tolist(),
        "potential": "mmff94",
        "optimizer": "adam/internal?lr=0.05&b1=0.9",
        "tuned": False,
        "fmax_limit": 0.01,
        "energy_left_limit": None,
        "step_limit": 1000,
        "versions": {"molopt": "0.1.0"},
    }
    outcome = Outcome(
        ended,
        seconds=1 / 3,
        force_calls=calls,
        steps=calls - 1,
        energy=-12.345678901234567,
        fmax=0.009,
        bonds_kept=True,
        energies=-12 + 0.95 ** np.arange(calls) * noise.random(calls),
        forces=0.95 ** np.arange(calls) * noise.random(calls),
        frames=frames,
        frame_calls=np.arange(calls),
        end=frames[-1],
    )
    return Record(Plan(**(values | plan)), outcome)


def crashed(place=0):
    """A run of which nothing is known but that it ended badly."""
    return Record(record(place, natoms=3).plan, Outcome("crashed", error="signal 11: segmentation fault", seconds=0.2))


def same(one, other):
    """Whether two records agree in every value, every type and every bit."""
    if one.plan != other.plan or one.key != other.key:
        return False
    for part in fields(Outcome):
        first, second = getattr(one.outcome, part.name), getattr(other.outcome, part.name)
        if part.name in EMPTY:
            alike = first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()
        else:
            alike = first == second or (first != first and second != second)
        if not alike:
            return False
    return True


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


# What is kept


def test_a_real_run_comes_back_to_the_last_bit(path):
    molecule = Molecule.from_smiles("CC(=O)[O-]", name="acetate")
    frames = []
    run = Run(
        molecule,
        OptimizerSpec.of("adam"),
        "mmff94",
        on_call=lambda counted: frames.append(counted.atoms.positions.copy()),
    )
    run.go()
    result = run.result()
    plan = replace(
        record().plan,
        numbers=result.atoms.numbers.tolist(),
        bonds=molecule.bonds.tolist(),
        start=molecule.positions.tolist(),
        charge=-1,
        optimizer=result.optimizer,
    )
    outcome = Outcome(
        result.ended,
        energy=result.energy,
        fmax=result.fmax,
        energy_left=result.energy_left.energy,
        bonds_kept=result.bonds_kept,
        energies=[call.energy for call in result.trace],
        forces=[call.fmax for call in result.trace],
        frames=np.array(frames),
        frame_calls=np.arange(len(frames)),
        end=result.atoms.positions,
    )
    added = Record(plan, outcome)
    with Store(path) as store:
        store.add(added)
    with Store(path) as store:
        (read,) = store.records()
        assert same(read, added)
        assert store.keys() == {added.key}
    atoms = connect(path).get_atoms(optimizer="adam", charge=-1)
    assert np.array_equal(atoms.positions, result.atoms.positions)
    assert atoms.get_potential_energy() == result.energy


FLOATS = st.floats(width=64)
COUNTS = st.integers(0, 10**12)
TRUTHS = st.none() | st.booleans()
SEEN = ("curvature", "stiffness", "end_stiffness")


def arrays_of(shape, dtype=np.float64):
    return arrays(dtype, shape, elements=st.floats(width=32 if dtype == np.float32 else 64))


@st.composite
def sound_records(draw):
    """Records of one to four atoms with any numbers and names that a run may have."""
    natoms, calls, frames = draw(st.integers(1, 4)), draw(st.integers(0, 5)), draw(st.integers(0, 3))
    coordinates = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3)
    pairs = [[one, other] for one in range(natoms) for other in range(one)]
    plan = Plan(
        **{name: draw(st.text(max_size=8)) for name in ("source", "molecule", "smiles", "potential", "optimizer")},
        place=draw(COUNTS),
        seed=draw(COUNTS),
        charge=draw(st.integers(-9, 9)),
        spin=draw(st.integers(1, 9)),
        numbers=draw(st.lists(st.integers(1, 118), min_size=natoms, max_size=natoms)),
        bonds=draw(st.lists(st.sampled_from(pairs), unique_by=tuple)) if pairs else [],
        start=draw(st.lists(coordinates, min_size=natoms, max_size=natoms)),
        tuned=draw(st.booleans()),
        fmax_limit=draw(st.floats(1e-9, 1e3)),
        energy_left_limit=draw(st.none() | st.just("auto") | st.floats(1e-9, 1e3)),
        step_limit=draw(st.integers(1, 10**12)),
        versions=draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)),
    )
    numbers = ("seconds", "optimizer_seconds", "step_seconds", "energy", "fmax", "energy_left", "surrogate_seconds")
    outcome = Outcome(
        draw(st.sampled_from(list(ENDED))),
        **{name: draw(st.sampled_from(list(STATIONARY))) for name in ("stationary", "end_stationary")},
        identity=draw(st.sampled_from(list(MOLECULE))),
        why=draw(st.text(max_size=8)),
        error=draw(st.none() | st.text(max_size=8)),
        surrogate=draw(st.none() | st.text(max_size=8)),
        **{name: draw(FLOATS) for name in (*numbers, *SEEN, "surrogate_setup_seconds", "floor_energy")},
        **{name: draw(COUNTS) for name in ("force_calls", "steps", "surrogate_calls", "check_calls", "pushes")},
        at_noise_floor=draw(st.booleans()),
        bonds_kept=draw(TRUTHS),
        stereo_kept=draw(TRUTHS),
        energies=draw(arrays_of((calls,))),
        forces=draw(arrays_of((calls,))),
        frames=draw(arrays_of((frames, natoms, 3), np.float32)),
        frame_calls=np.arange(frames),
        end=draw(arrays_of((draw(st.sampled_from([0, natoms])), 3))),
        floor=draw(arrays_of((draw(st.sampled_from([0, natoms])), 3))),
    )
    return Record(plan, outcome)


@settings(max_examples=100)
@given(sound_records())
def test_any_sound_record_is_unpacked_as_it_was_packed(given_record):
    read = unpack(pack(given_record))
    require_sound(read)
    assert same(read, given_record)


VERDICT = ("stationary", "identity", "why", *SEEN, "check_calls", "pushes", "end_stationary")


@pytest.mark.parametrize(
    ("ended", "bonds_kept", "stationary", "identity"),
    [
        ("converged", True, "unchecked", "kept"),
        ("unconverged", None, "not stationary", "unknown"),
        ("converged", False, "unchecked", "rearranged"),
    ],
)
def test_a_record_from_before_verdicts_is_read_as_unchecked(ended, bonds_kept, stationary, identity):
    added = record(ended=ended)
    packed = zlib.decompress(pack(Record(added.plan, replace(added.outcome, bonds_kept=bonds_kept))))
    at = 8 + int.from_bytes(packed[:8], "little")
    said = json.loads(packed[8:at])
    for name in VERDICT:
        del said["outcome"][name]
    head = json.dumps(said).encode()
    read = unpack(zlib.compress(len(head).to_bytes(8, "little") + head + packed[at:])).outcome
    assert (read.stationary, read.end_stationary, read.identity) == (stationary, "unchecked", identity)
    assert np.array_equal(read.end, added.outcome.end)


def test_a_verdict_in_other_words_is_refused_by_name():
    for name in ("stationary", "identity", "end_stationary"):
        with pytest.raises(ValueError, match=f"{name} must be one of .*got 'fine'"):
            Outcome("converged", **{name: "fine"})


@settings(max_examples=200)
@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_are_not_a_record_are_one_line_that_names_the_row(path, content, compressed):
    packed = zlib.compress(content) if compressed else content
    where = json.dumps({"record": {"__ndarray__": [[len(packed)], "uint8", 8]}}).encode()
    with Store(path) as store:
        for data in (content, (8 + len(packed)).to_bytes(8, "little") + packed + where):
            assert "row 1 of" in refusal(lambda data=data: store.read(1, "key", data))


def test_a_name_in_a_row_cannot_break_the_line_that_names_the_row(path):
    head = json.dumps({"plan": {"a\n\x1b[2Jb": 1}, "outcome": {}, "shapes": {}}).encode()
    packed = zlib.compress(len(head).to_bytes(8, "little") + head)
    where = json.dumps({"record": {"__ndarray__": [[len(packed)], "uint8", 8]}}).encode()
    with Store(path) as store:
        said = refusal(lambda: store.read(1, "key", (8 + len(packed)).to_bytes(8, "little") + packed + where))
    assert r"a\n\x1b[2Jb" in said


def test_names_can_be_any_text_and_come_back_exactly(path):
    added = [record(place, natoms=2, calls=2, molecule=name, source=name) for place, name in enumerate(HOSTILE)]
    with Store(path) as store:
        for each in added:
            store.add(each)
        assert [read.plan.molecule for read in store.records()] == list(HOSTILE)
        assert all(same(read, each) for read, each in zip(store.records(), added, strict=True))


def test_names_of_optimizers_and_errors_can_be_any_text_too(path):
    with Store(path) as store:
        for name in HOSTILE:
            plan = replace(record(natoms=2, calls=2).plan, optimizer=name, potential=name, smiles=name)
            store.add(Record(plan, Outcome("failed", error=name, surrogate=name, energy=1.0)))
        found = list(store.records())
    assert {read.plan.optimizer for read in found} == {read.outcome.error for read in found} == set(HOSTILE)


def test_values_that_are_not_finite_arrays_without_rows_and_numbers_of_numpy_are_kept(path):
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    outcomes = [
        Outcome("crashed"),
        Outcome(
            "failed", energies=odd, forces=odd, energy=np.inf, frames=np.full((3, 2, 3), np.nan), frame_calls=[0, 1, 4]
        ),
        Outcome("failed", bonds_kept=np.bool_(False), energy=np.float64(0.1), steps=np.int64(3)),
    ]
    with Store(path) as store:
        for place, outcome in enumerate(outcomes):
            store.add(Record(record(place, natoms=2).plan, outcome))
        for read, outcome in zip(store.records(), outcomes, strict=True):
            assert same(read, Record(read.plan, outcome))


def test_of_runs_with_the_same_key_the_first_is_kept(path):
    first = record()
    second = Record(first.plan, replace(first.outcome, energy=0.0))
    with Store(path) as store:
        store.add(first)
        store.add(second)
        assert len(store) == 1
        assert same(next(store.records()), first)


def test_records_come_by_place_potential_seed_and_optimizer_whichever_finished_first(tmp_path):
    runs = [
        record(place, natoms=2, calls=2, seed=seed, potential=potential, optimizer=optimizer)
        for place in (0, 2, 10)
        for potential in ("gfn2-xtb", "mmff94")
        for seed in (0, 1)
        for optimizer in ("adam?lr=0.01", "adam?lr=0.1", "bfgs")
    ]
    for shuffled in range(3):
        with Store(tmp_path / f"{shuffled}.db") as store:
            for run in random.Random(shuffled).sample(runs, len(runs)):
                store.add(run)
            assert [read.key for read in store.records()] == [run.key for run in runs]


def test_records_stream_and_runs_can_be_added_meanwhile(path):
    with Store(path) as store, Store(path, wait=0.1) as other:
        store.add(record(0))
        store.add(record(1))
        stream = store.records()
        assert next(stream).plan.place == 0
        other.add(record(2))  # no lock stays between two records
        store.add(record(3))
        assert [read.plan.place for read in stream] == [1]
        assert len(store) == len(other) == 4


def test_a_run_of_100_frames_and_60_atoms_takes_less_than_its_frames_in_float32(path):
    with Store(path) as store:
        before = path.stat().st_size
        for place in range(10):
            store.add(record(place))
    size = (path.stat().st_size - before) / 10
    print(f"{size / 1000:.0f} kB a run")
    assert size < 100 * 60 * 3 * 4


def test_what_adding_costs_is_printed_here(path):
    with Store(path) as store:
        runs = [record(place) for place in range(100)]
        start = time.perf_counter()
        for run in runs:
            store.add(run)
        taken = (time.perf_counter() - start) / len(runs)
    start = time.perf_counter()
    for run in runs:
        unpack(pack(run))
    packing = (time.perf_counter() - start) / len(runs)
    print(f"{1000 * taken:.1f} ms a run with 100 frames of 60 atoms, packing and unpacking {1000 * packing:.1f} ms")
    assert taken < 0.2  # the figure that is printed should be below 10 ms and a wait for the disk


# What ase db sees


def ase_db(*arguments):
    command = [sys.executable, "-m", "ase", "db", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "200"})


def test_ase_db_lists_searches_and_sorts_runs(path):
    with Store(path) as store:
        for place, name in enumerate(HOSTILE):
            store.add(record(place, natoms=2, calls=place + 2, molecule=name))
        store.add(crashed(100))
        store.add(record(101, optimizer="bfgs?maxstep=0.2", natoms=5, charge=-1))
    listed = ase_db(path, "--columns", "++", "--limit", 0).stdout
    assert f"Rows: {len(HOSTILE) + 2}" in listed
    assert "<script>" in listed
    for query, count in {
        "optimizer=adam/internal": len(HOSTILE) + 1,
        "converged=True": len(HOSTILE) + 1,
        "force_calls<4": 3,  # two that converged, and the one that crashed before its first
        "charge=-1": 1,
        "energy<0": len(HOSTILE) + 1,
        "place>=100": 2,
        "calculator=mmff94": len(HOSTILE) + 1,
    }.items():
        assert connect(path).count(query) == count, query
    assert ase_db(path, "optimizer=bfgs", "--count").stdout == "1 row\n"
    assert "segmentation fault" in ase_db(path, "ended=crashed", "--long").stdout
    assert not path.with_suffix(".db.lock").exists()


def test_a_run_that_crashed_is_a_row_with_its_first_geometry_and_no_energy(path):
    run = crashed()
    with Store(path) as store:
        store.add(run)
    row = connect(path).get(ended="crashed")
    assert row.get("energy") is None
    assert row.positions.tolist() == run.plan.start
    assert same(unpack(bytes_to_object(row._data)["record"].tobytes()), run)


def test_a_row_that_ase_db_deleted_is_gone_and_can_be_added_again(path):
    with Store(path) as store:
        store.add(record(0))
        store.add(record(1))
        ase_db(path, "place=0", "--delete", "--yes")
        assert [read.plan.place for read in store.records()] == [1]
        store.add(record(0))
        assert [read.plan.place for read in store.records()] == [0, 1]


# Killed, full, locked

WORKER = """
import sys
from dataclasses import replace
from pathlib import Path
from molopt.errors import StoreError
from molopt.store.packing import unpack
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Record
from molopt.store import Store

path, like, first, count = sys.argv[1:5]
like = unpack(Path(like).read_bytes())
print("ready", flush=True)
sys.stdin.readline()
with Store(path) as store:
    for place in range(int(first), int(first) + int(count)):
        run = Record(replace(like.plan, place=place), like.outcome)
        try:
            store.add(run)
        except StoreError as error:
            print("refused", error, flush=True)
            break
        print(run.key, flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """Starts a process that adds so many runs, once it is told to go on."""
    started = []

    def begin(path, first=0, count=10**6, before=(), **options):
        like = tmp_path / "like"
        like.write_bytes(pack(record()))
        command = [*before, sys.executable, "-c", WORKER, str(path), str(like), str(first), str(count)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, **pipes, **options)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def sound(path):
    return sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("rounds", [6])
def test_kill_9_at_any_moment_loses_no_run_that_was_added(path, start, rounds):
    moments = random.Random(1)
    kept = set()
    for number in range(rounds):
        process = start(path, first=1_000_000 * number)
        go(process)
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        *said, rest = process.stdout.read().split("\n")
        assert rest == ""
        kept |= set(said)
        with Store(path) as store:
            stored = store.keys()
            assert kept <= stored
            assert len(stored - kept) <= 1  # stored, and killed before it could say so
            assert {read.key for read in store.records()} == stored  # all of them whole
            kept = stored
        assert sound(path)
    assert len(kept) > rounds
    with Store(path) as store:
        store.add(record(1))
    assert {file.name for file in path.parent.iterdir()} == {path.name, "like"}  # no journal, no lock
    # ASE's tables agree with each other.
    connection = sqlite3.connect(path)
    for table in ("keys", "text_key_values", "number_key_values", "species"):
        (rows,) = connection.execute(f"SELECT COUNT(DISTINCT id) FROM {table}").fetchone()
        assert rows == len(kept) + 1


def test_a_store_whose_making_was_killed_is_made_the_next_time(tmp_path, start):
    for number in range(5):
        path = tmp_path / f"{number}.db"
        process = start(path)
        go(process)
        while not path.exists():
            pass
        time.sleep(0.002 * number)
        process.kill()
        process.wait()
        with Store(path) as store:
            store.add(record())
            assert {read.key for read in store.records()} == store.keys() >= {record().key}
        assert connect(path).count() > 0


def test_two_processes_that_add_the_same_runs_at_once_lose_and_double_nothing(path, start):
    processes = [start(path, count=60) for _ in range(2)]
    for process in processes:
        go(process)
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    with Store(path) as store:
        assert len(store) == 60
        assert store.keys() == set(said[0])


def test_a_file_that_may_not_grow_is_one_clear_line_and_nothing_is_lost(path, start):
    limit = 600_000

    def limited():  # writing past the limit fails, as it does on a full disk or over a quota
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(path, preexec_fn=limited)
    go(process)
    check_refused(path, process)


def test_a_full_disk_is_one_clear_line_and_nothing_is_lost(tmp_path, start):
    disk = tmp_path / "disk"
    disk.mkdir()
    own = ("unshare", "--map-root-user", "--mount")  # mounts of its own, which end with the process
    mount = f"mount -t tmpfs -o size=1m tmpfs {disk}"
    if shutil.which("unshare") is None or subprocess.run([*own, "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    after = f'{mount} && "$@"; cp {disk}/runs.db {tmp_path}'
    process = start(disk / "runs.db", before=(*own, "sh", "-c", after, "sh"))
    go(process)
    refused = check_refused(tmp_path / "runs.db", process)
    assert "the disk is full" in refused


def check_refused(path, process):
    """Some runs were added, the next one was refused in one line, and those are there; then adding goes on."""
    *said, refused = process.communicate()[0].splitlines()
    assert process.returncode == 0
    assert refused.startswith("refused ")
    assert "make room" in refused
    assert "full" in refused
    assert said
    with Store(path) as store:
        assert store.keys() == set(said)
        assert {read.key for read in store.records()} == set(said)
        store.add(record(77, molecule="after"))
        assert len(store) == len(said) + 1
    assert sound(path)
    return refused


def test_adding_goes_on_in_the_same_process_when_there_is_room_again(path):
    script = f"""
import resource, signal, sys
from dataclasses import replace
from pathlib import Path
from molopt.errors import StoreError
from molopt.store.packing import unpack
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Record
from molopt.store import Store

like = unpack(Path(sys.argv[1]).read_bytes())
store = Store({str(path)!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for place in range(100):
    try:
        store.add(Record(replace(like.plan, place=place), like.outcome))
    except StoreError:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        refused = place
        store.add(Record(replace(like.plan, place=place), like.outcome))
print(refused, len(store), len(list(store.records())))
"""
    like = path.with_name("like")
    like.write_bytes(pack(record()))
    ran = subprocess.run([sys.executable, "-c", script, str(like)], capture_output=True, text=True, check=True)
    refused, count, read = map(int, ran.stdout.split())
    assert 0 < refused < 99
    assert count == read == 100


def test_a_locked_database_is_waited_for_and_then_one_line_says_who_holds_it(path):
    with Store(path) as store:
        store.add(record())
    hold = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE')"
    hold += "; print('held', flush=True); sys.stdin.readline(); c.execute('COMMIT')"
    command = [sys.executable, "-c", hold, str(path)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    began = time.monotonic()
    with pytest.raises(
        StoreError, match=r"runs\.db was locked for 0.5 s by .*: wait .*nothing that was stored"
    ) as told:
        Store(path, wait=0.5)
    assert 0.4 < time.monotonic() - began < 5
    assert "\n" not in str(told.value)
    if holder.pid in {int(lock.split()[-4]) for lock in locks()}:  # where the system tells
        assert f"process {holder.pid}" in str(told.value)
    subprocess.run(["sh", "-c", f"sleep 0.3; echo > /proc/{holder.pid}/fd/0"], check=True)
    with Store(path, wait=10) as store:  # the holder is done before the wait is over
        store.add(record(1))
        assert len(store) == 2
    holder.communicate()


def locks():
    file = Path("/proc/locks")
    return file.read_text().splitlines() if file.exists() else []


# What is not a store


def refusal(action):
    with pytest.raises(StoreError) as told:
        action()
    assert isinstance(told.value, InputError)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_was(path):
    for content in (b"hello", b"no database " * 1000):
        path.write_bytes(content)
        assert "is not a database" in refusal(lambda: Store(path))
        assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused_and_stays_as_it_was(path, tmp_path):
    sqlite3.connect(path).execute("CREATE TABLE cars (name TEXT)").connection.close()
    ases = tmp_path / "ase.db"
    connect(ases, use_lock_file=False).write(None, name="ours")
    for file in (path, ases):
        before = file.read_bytes()
        assert "another program" in refusal(lambda file=file: Store(file))
        assert file.read_bytes() == before


def test_a_newer_store_a_damaged_one_a_folder_and_a_missing_folder_are_one_line_each(path, tmp_path):
    Store(path).close()
    sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close()
    assert "newer molopt" in refusal(lambda: Store(path))
    damaged = tmp_path / "damaged.db"
    with Store(damaged) as store:
        store.add(record())
    content = bytearray(damaged.read_bytes())
    content[5000:60000] = bytes(55000)
    damaged.write_bytes(content)
    assert "damaged" in refusal(lambda: list(Store(damaged).records()))
    assert "cannot be opened" in refusal(lambda: Store(tmp_path))
    os.mkfifo(tmp_path / "fifo.db")
    assert "it is a named pipe, and must be a file" in refusal(lambda: Store(tmp_path / "fifo.db"))
    assert "is not a folder" in refusal(lambda: Store(tmp_path / "none" / "runs.db"))


def test_a_row_of_somebody_else_is_named_with_the_remedy(path):
    with Store(path) as store:
        store.add(record(1))
        connect(path, use_lock_file=False).write(None, name="guest")
        said = refusal(lambda: list(store.records()))
        assert "row 2 of" in said
        ase_db(path, 2, "--delete", "--yes")
        assert [read.plan.place for read in store.records()] == [1]


def test_a_file_that_may_only_be_read_is_read_and_adding_is_one_clear_line():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store(folder / "runs.db") as store:
            store.add(record())
        (folder / "runs.db").chmod(0o444)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # root may write anything
        try:
            with Store(folder / "runs.db") as store:
                assert len(list(store.records())) == 1
                assert "read-only" in refusal(lambda: store.add(record(1)))
            assert "cannot be opened" in refusal(lambda: Store(folder / "new.db"))
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
