"""A run that raises, hangs, is killed or takes its interpreter down costs itself and nothing else."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import misbehaving
import pytest
from misbehaving import behave

import molopt
from molopt.errors import InputError
from molopt.execution import ParslExecutor, Pool, SerialExecutor
from molopt.execution.cores import THREADS

SUPPORT = Path(__file__).parents[1] / "support"
WITHIN = 10.0  # seconds for what takes milliseconds on an idle machine

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def pool(workers=2, seconds=None):
    return Pool(workers, seconds, cores=max(2, workers))


def outcomes(tasks, workers=2, seconds=None):
    return {each.task: each for each in pool(workers, seconds).outcomes(behave, tasks)}


def alive(pid):
    """Whether a process runs: one that is dead and not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def descendants():
    """Process ids of all that run below this process, whatever they did to their session."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and alive(entry.name):
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def marked(text):
    """Process ids of all that run with this text in the environment: Parsl's are not descendants."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and alive(entry.name) and text.encode() in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def eventually(claim):
    until = time.monotonic() + WITHIN
    while not claim() and time.monotonic() < until:
        time.sleep(0.02)
    return claim()


def pid_in(path):
    assert eventually(lambda: path.exists() and path.read_text())
    return int(path.read_text())


ENDS = {
    "fail": ("raised", "ValueError: two lines"),
    "leave 3": ("raised", "SystemExit: 3"),
    "vanish 0": ("crashed", "its process ended with exit code 0"),
    "vanish 7": ("crashed", "its process ended with exit code 7"),
    "segfault": ("crashed", "its process was ended by SIGSEGV (Segmentation fault)"),
    "kill_itself": ("crashed", "its process was ended by SIGKILL (by the system when memory ran out, or by hand)"),
    "unpicklable": ("raised", "its value could not be pickled: RuntimeError: this stays here"),
    "local": ("raised", "its value could not be pickled: AttributeError: Can't pickle local object"),
    "unreadable": ("raised", "its value could not be unpickled: ValueError: invalid literal for int()"),
}


def test_each_way_to_fail_costs_its_own_run_only_and_is_named_in_one_line():
    good = [f"double {number}" for number in range(len(ENDS) + 1)]
    tasks = [task for pair in zip(good, ENDS, strict=False) for task in pair] + good[-1:]
    over = outcomes(tasks, seconds=60)
    assert set(over) == set(tasks)
    for task in good:
        assert (over[task].ended, over[task].value) == ("done", 2 * int(task.split()[1]))
    for task, (ended, error) in ENDS.items():
        assert over[task].ended == ended
        assert over[task].value is None
        assert over[task].error.startswith(error)
        assert "\n" not in over[task].error


def test_a_run_that_hangs_in_compiled_code_and_ignores_sigterm_is_ended_at_the_limit():
    start = time.monotonic()
    over = outcomes(["hang_in_c", "double 1", "nap 0.1", "double 2"], seconds=1.0)
    assert time.monotonic() - start < 1.0 + WITHIN
    assert {task: each.ended for task, each in over.items()} == {
        "hang_in_c": "timed out",
        "double 1": "done",
        "nap 0.1": "done",
        "double 2": "done",
    }
    assert over["hang_in_c"].error == "ran longer than the limit of 1 s"
    assert 1.0 <= over["hang_in_c"].seconds < 1.0 + WITHIN


@needs_proc
def test_programs_that_a_run_started_are_ended_with_it(tmp_path):
    program = tmp_path / "pid"
    over = outcomes([f"leave_a_program {program}"], seconds=1.5)
    assert [each.ended for each in over.values()] == ["timed out"]
    assert eventually(lambda: not alive(pid_in(program)))


def test_only_the_run_on_the_worker_that_is_killed_is_marked_crashed(tmp_path):
    victim = tmp_path / "pid"
    tasks = [f"write_pid_and_hang {victim}", *(f"nap 0.0{digit}" for digit in range(1, 9))]
    over = {}
    with closing(pool().outcomes(behave, tasks)) as stream:
        for each in stream:
            over[each.task] = each
            if len(over) == 4:
                os.kill(pid_in(victim), signal.SIGKILL)
    assert {task: each.ended for task, each in over.items()} == {
        task: "done" if task.startswith("nap") else "crashed" for task in tasks
    }


@needs_proc
def test_a_worker_killed_between_two_runs_costs_no_run():
    before = descendants()

    def tasks():
        for number in range(6):
            for idle in descendants() - before:
                os.kill(idle, signal.SIGKILL)
            yield f"double {number}"

    over = list(pool(1).outcomes(behave, tasks()))
    assert [each.value for each in over] == [0, 2, 4, 6, 8, 10]


def test_a_value_larger_than_any_buffer_comes_back():
    assert len(outcomes(["large 40"])["large 40"].value) == 40_000_000


def test_a_task_that_cannot_be_pickled_is_raised_and_the_next_one_runs():
    first, second = pool(1).outcomes(repr, [misbehaving.Unpicklable(), 5])
    assert (first.ended, first.error) == ("raised", "the task could not be pickled: RuntimeError: this stays here")
    assert second.value == "5"


def test_a_function_that_a_worker_cannot_load_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "gone.py").write_text("def work(task): return task")
    monkeypatch.syspath_prepend(tmp_path)
    import gone

    (tmp_path / "gone.py").unlink()
    with pytest.raises(InputError, match="cannot load what it is to run: ModuleNotFoundError: No module named 'gone'"):
        list(pool(1).outcomes(gone.work, [1]))


def test_what_is_of_the_script_that_runs_is_refused_with_what_helps(monkeypatch):
    mine = type("Mine", (), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Mine", mine, raising=False)
    first, second = pool(1).outcomes(repr, [mine(), 5])
    assert first.error.endswith("a script that is being run cannot be imported: move it to a module")
    assert second.value == "5"
    with pytest.raises(InputError, match=r"cannot load what it is to run: .*: move it to a module$"):
        list(pool(1).outcomes(partial(max, mine()), [1]))


def test_a_function_within_a_function_is_one_line():
    with pytest.raises(
        InputError, match="workers need a function at the top of a module: AttributeError: Can't pickle"
    ):
        list(pool(1).outcomes(lambda task: task, [1]))


def test_workers_that_die_before_they_can_run_are_an_error_and_no_endless_loop(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text(f"import os\ndef work(task): ...\nif os.getpid() != {os.getpid()}: os._exit(9)")
    monkeypatch.syspath_prepend(tmp_path)
    import deadly

    with pytest.raises(InputError, match=r"3 worker processes in a row .* ended with exit code 9"):
        list(pool(1).outcomes(deadly.work, [1]))


def test_outcomes_come_as_they_finish_from_workers_that_stay():
    tasks = ["nap 2.5", *["nap 0.01"] * 6]
    over = list(pool().outcomes(behave, tasks))
    assert over[-1].task == "nap 2.5"
    assert len({each.value for each in over}) == 2


def test_tasks_are_drawn_when_there_is_room_for_them():
    drawn = 0

    def endless():
        nonlocal drawn
        for number in count():
            drawn += 1
            yield f"double {number}"

    with closing(pool().outcomes(behave, endless())) as stream:
        for finished, _ in enumerate(stream, start=1):
            assert drawn - finished <= 2 * 2
            if finished == 200:
                break


def test_an_error_in_drawing_the_tasks_is_the_callers():
    def broken():
        yield "double 1"
        raise OSError("the file ends early")

    with pytest.raises(OSError, match="the file ends early"):
        list(pool().outcomes(behave, broken()))


@needs_proc
def test_nothing_is_left_running_when_the_iterator_is_closed():
    before = descendants()
    stream = pool().outcomes(behave, ["double 1", "nap 600", "hang_in_c", "nap 600"])
    next(stream)
    assert len(descendants() - before) == 2
    start = time.monotonic()
    stream.close()
    assert time.monotonic() - start < WITHIN
    assert descendants() <= before


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background is started deaf to it
sys.path[:0] = {path!r}
from misbehaving import behave
from molopt.execution import Pool
for each in Pool(1, cores=2).outcomes(behave, [sys.argv[1]]):
    print(each)
"""


@needs_proc
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_a_parent_that_is_killed_or_interrupted(ending, tmp_path):
    script = SCRIPT.format(path=[str(SUPPORT), str(Path(molopt.__file__).parents[1])])
    worker = tmp_path / "pid"
    command = [sys.executable, "-c", script, f"write_pid_and_hang {worker}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        pid = pid_in(worker)
        assert alive(pid)
        parent.send_signal(ending)
        assert parent.wait(WITHIN) != 0
    assert eventually(lambda: not alive(pid))


@needs_proc
@pytest.mark.parametrize("said", [{}, {"OMP_NUM_THREADS": "1"}, {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}])
def test_a_worker_has_one_thread_for_each_library_unless_asked_whatever_the_environment_says(monkeypatch, said):
    """OPENBLAS_NUM_THREADS was raised to the cores where OMP_NUM_THREADS was 1: BFGS then waited for its threads."""
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    threads, told, used = outcomes(["threads"], workers=1)["threads"].value
    assert (threads, told) == (1, "1")
    assert used < 1.2


@needs_proc
def test_a_worker_has_the_threads_that_are_asked_for(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (asked,) = Pool(1, threads=2, cores=2).outcomes(behave, ["threads"])
    threads, told, _ = asked.value
    assert (threads, told) == (min(2, len(os.sched_getaffinity(0))), "2")  # BLAS starts no more than there are cores


@needs_proc
@pytest.mark.parametrize("threads", [1, 2])
def test_tblite_too_has_the_threads_that_are_asked_for(threads):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    (each,) = Pool(1, threads=threads, cores=2).outcomes(behave, ["tblite_threads"])
    assert each.value == {threads}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"workers": 3}, "workers must be a whole number from 1 to 2, the cores that may be used here, got 3"),
        ({"workers": 0}, "workers must be a whole number from 1 to 2, .* got 0"),
        (
            {"workers": 2, "threads": 2},
            "workers times threads is 4, and 2 cores may be used here: give fewer",
        ),
        ({"workers": 1, "threads": 0}, "threads must be a whole number above 0, got 0"),
        ({"workers": 1, "seconds": 0}, "time limit must be a number of seconds above 0, got 0"),
        ({"workers": 1, "seconds": float("nan")}, "time limit must be a number of seconds above 0, got nan"),
    ],
)
def test_numbers_out_of_range_are_one_line(given, error):
    with pytest.raises(InputError, match=error):
        Pool(**given, cores=2)


def test_here_goes_on_after_a_run_that_raised():
    first, second = SerialExecutor().outcomes(behave, ["fail", "double 2"])
    assert (first.ended, first.error, first.value) == ("raised", "ValueError: two lines", None)
    assert (second.ended, second.error, second.value) == ("done", None, 4)


CONFIG = """
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider
config = Config(
    executors=[
        HighThroughputExecutor(
            address="127.0.0.1",
            max_workers_per_node=2,
            heartbeat_period=1,
            encrypted=False,
            provider=LocalProvider(init_blocks=1, min_blocks=1, max_blocks=1),
        )
    ],
    strategy="none",
)
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A Parsl executor of two workers on this machine, in an empty folder."""
    pytest.importorskip("parsl")
    paths = [str(SUPPORT), str(Path(molopt.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    (tmp_path / "config.py").write_text(CONFIG)
    return ParslExecutor(tmp_path / "config.py", tmp_path / "parsl", seconds=3.0)


@needs_proc
def test_through_parsl_a_killed_worker_a_hanging_and_a_crashing_run_cost_no_other_run(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("MOLOPT_MARK", str(tmp_path))
    victim = tmp_path / "pid"
    good = [f"double {number}" for number in range(8)]
    tasks = [
        "threads",
        *good[:2],
        f"hang_the_first_time {victim}",
        "hang_in_c",
        "segfault",
        *good[2:],
        "fail",
        "kill_the_parent",
    ]
    over = {}
    drawn = []
    with closing(cluster.outcomes(behave, (drawn.append(task) or task for task in tasks))) as stream:
        for each in stream:
            over[each.task] = each
            assert len(drawn) - len(over) <= 2 * 2
            if len(over) == 2:
                assert len(marked(f"MOLOPT_MARK={tmp_path}")) >= 2 * 2
                os.kill(pid_in(victim), signal.SIGKILL)  # a worker of Parsl, with the run on it
    assert set(over) == set(tasks)
    assert [over[task].value for task in good] == [2 * number for number in range(8)]
    assert over["threads"].value[:2] == (1, "1")
    assert over[f"hang_the_first_time {victim}"].value == "second time"
    assert (over["hang_in_c"].ended, over["hang_in_c"].error) == ("timed out", "ran longer than the limit of 3 s")
    assert (over["segfault"].ended, over["fail"].ended) == ("crashed", "raised")
    assert over["segfault"].error == ENDS["segfault"][1]
    assert over["kill_the_parent"].ended == "crashed"
    assert over["kill_the_parent"].error.startswith("its worker was lost, twice: WorkerLost: ")
    assert eventually(lambda: not marked(f"MOLOPT_MARK={tmp_path}"))
    assert not list(Path.cwd().iterdir())
    assert (tmp_path / "parsl" / "000" / "parsl.log").exists()


@pytest.mark.parametrize(
    ("written", "error"),
    [
        (None, "config.py: no such file; --parsl needs a Python file that sets config"),
        ("config = 3", "config.py: config must be a parsl.config.Config, got int"),
        ("", "config.py: config must be a parsl.config.Config, got NoneType"),
        ("1 / 0", "config.py: ZeroDivisionError: division by zero"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(written, error, tmp_path):
    pytest.importorskip("parsl")
    path = tmp_path / "config.py"
    if written is not None:
        path.write_text(written)
    with pytest.raises(InputError, match=error):
        next(ParslExecutor(path, tmp_path).outcomes(behave, ["double 1"]))


@pytest.mark.parametrize("then", ["fail", "vanish 3", "nap 600", "double 4"])
def test_a_failure_after_the_first_part_of_the_value_of_a_run_costs_the_rest_alone(then):
    (found,) = outcomes([f"begin_well {then}"], workers=1, seconds=5).values()
    assert (found.value, found.ended, found.error) == (8 if then == "double 4" else "well begun", "done", None)


def test_a_part_of_a_value_counts_here_too():
    assert [(each.value, each.ended) for each in SerialExecutor().outcomes(behave, ["begin_well fail", "fail"])] == [
        ("well begun", "done"), (None, "raised")
    ]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says how much memory a process holds")
def test_a_worker_that_hoards_memory_is_replaced_and_one_that_does_not_stays(monkeypatch):
    monkeypatch.setattr("molopt.execution.supervisor.GROWTH", 50 << 20)
    hoarding = [each.value for each in Pool(1).outcomes(misbehaving.behave, ["hoard 40"] * 6)]
    assert len(set(hoarding)) == 2  # 40 MB after the first task, 120 after the third
    steady = [each.value for each in Pool(1).outcomes(misbehaving.behave, ["hoard 0"] * 6)]
    assert len(set(steady)) == 1


def test_standing_workers_and_what_their_function_keeps_stay_from_round_to_round():
    with pool(2).standing(misbehaving.Remembering()) as crew:
        rounds = [[each.value for each in crew(["nap 0.05"] * 4)] for _ in range(3)]
    processes = {value[0] for values in rounds for value in values}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert sum(max(value[1] for values in rounds for value in values if value[0] == one) for one in processes) == 12


def test_a_standing_worker_that_dies_or_hangs_costs_its_task_alone_and_is_replaced():
    with pool(1, seconds=1.0).standing(misbehaving.Remembering()) as crew:
        first = list(crew(["double 1", "kill_itself", "double 2"]))
        second = list(crew(["double 3", "nap 600", "double 4"]))
    assert [each.ended for each in (*first, *second)] == ["done", "crashed", "done", "done", "timed out", "done"]
    done = [each.value for each in (*first, *second) if each.ended == "done"]
    assert [calls for _, calls, _ in done] == [1, 1, 2, 1]
    assert [value for *_, value in done] == [2, 4, 6, 8]


@needs_proc
def test_a_standing_worker_killed_between_rounds_costs_no_task_and_none_outlives_the_context():
    before = descendants()
    with pool(1).standing(behave) as crew:
        values = [each.value for each in crew(["double 1"])]
        for idle in descendants() - before:
            os.kill(idle, signal.SIGKILL)
        values += [each.value for each in crew(["double 2"])]
        assert len(descendants() - before) == 1
    assert values == [2, 4]
    assert eventually(lambda: descendants() <= before)


@needs_proc
def test_a_round_that_is_closed_early_ends_what_is_under_way_and_the_next_one_runs():
    before = descendants()
    with pool(2).standing(behave) as crew:
        stream = crew(["double 1", "nap 600", "hang_in_c", "nap 600"])
        assert next(stream).value == 2
        with pytest.raises(RuntimeError, match="the round before is not over"):
            next(crew(["double 2"]))
        stream.close()
        assert eventually(lambda: not descendants() - before)
        assert sorted(each.value for each in crew(["double 2", "double 3"])) == [4, 6]


def test_what_stands_here_is_the_callers_own_function():
    function = misbehaving.Remembering()
    with SerialExecutor().standing(function) as crew:
        assert [each.ended for each in (*crew(["double 1", "fail"]), *crew(["double 2"]))] == ["done", "raised", "done"]
    assert function.calls == 3
