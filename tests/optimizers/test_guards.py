"""What ends a run before its last step: budgets, the user, no progress; and which geometry it then has."""

import json
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.constraints import FixBondLengths
from ase.io import read
from ase.optimize import BFGS, BFGSLineSearch
from click.testing import CliRunner
from misbehaving import behave

from molopt import Molecule, energy_left, relax
from molopt.cli import main
from molopt.comparison.study import Study
from molopt.errors import InputError
from molopt.execution import Pool
from molopt.optimizers import registry
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials.budget import Budget
from molopt.potentials.progress import Patience, Progress
from molopt.run import Run

SUPPORT = Path(__file__).parents[1] / "support"
ALANINE = "C[C@H](N)C(=O)O"
DEFAULT = OptimizerSpec.of("default")
PEERS = [name for name, peer in registry.PEERS.items() if find_spec(peer.package)]


def methane(calculator=None):
    atoms = molecule("CH4", calculator=calculator or EMT())
    atoms.rattle(0.1, seed=1)
    return atoms


def lowest(result):
    return min(call.energy for call in result.trace)


# Budgets


@pytest.mark.parametrize(
    "optimizer", ["default", "adam", "gradient-descent/internal", "bfgs", "fire", BFGSLineSearch, *PEERS]
)
def test_a_budget_of_force_calls_is_spent_to_the_last_and_not_beyond(optimizer):
    result = relax(Molecule.from_smiles("CO"), optimizer, fmax=1e-6, max_calls=5)
    assert (result.ended, result.converged) == ("stopped", False)
    assert result.error == f"stopped at step {result.steps}: the budget of 5 force calls is spent"
    assert result.force_calls == len(result.trace) == 5
    assert result.energy == lowest(result) == result.atoms.get_potential_energy()


def test_a_budget_that_suffices_changes_nothing():
    start = Molecule.from_smiles(ALANINE)
    free = relax(start)
    bounded = relax(start, max_calls=free.force_calls, time_limit=1000)
    assert bounded.converged
    assert [call[:2] for call in bounded.trace] == [call[:2] for call in free.trace]
    assert np.array_equal(bounded.atoms.positions, free.atoms.positions)


class Slow(EMT):
    """EMT that takes a tenth of a second."""

    def calculate(self, *args, **kwargs):
        time.sleep(0.1)
        super().calculate(*args, **kwargs)
        self.finished = getattr(self, "finished", 0) + 1


@pytest.mark.parametrize("optimizer", ["default", "fire"])
def test_a_time_limit_lets_the_force_call_under_way_finish(optimizer):
    calculator = Slow()
    result = relax(methane(calculator), optimizer, fmax=1e-9, energy_left=None, time_limit=0.25)
    assert (result.ended, result.force_calls) == ("stopped", calculator.finished)
    assert result.error.endswith(": the time limit of 0.25 s")
    assert 1 <= result.force_calls <= 3
    assert result.seconds > 0.25


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_calls": 0}, "max_calls must be positive, got 0"),
        ({"max_calls": 2.5}, "max_calls must be a whole number, got 2.5"),
        ({"max_calls": True}, "max_calls must be a finite number, got True"),
        ({"max_calls": "many"}, "max_calls must be a finite number, got 'many'"),
        ({"time_limit": -1}, "time_limit must be positive, got -1"),
        ({"time_limit": float("nan")}, "time_limit must be a finite number"),
    ],
)
def test_a_budget_that_cannot_be_is_one_line_before_the_first_force_call(given, said):
    calculator = Slow()
    with pytest.raises(InputError, match=said):
        relax(methane(calculator), **given)
    assert not hasattr(calculator, "finished")


def test_a_run_has_stopped_whatever_its_optimizer_makes_of_that():
    class Deaf(BFGS):
        def run(self, fmax, steps):
            for _ in range(steps):
                self.atoms.positions *= 1.001
                try:
                    self.atoms.get_forces()
                except BaseException:
                    self.nsteps += 1
            return True

    result = relax(methane(), Deaf, steps=10, max_calls=4)
    assert (result.ended, result.force_calls) == ("stopped", 4)


# The lowest geometry


class Tally(EMT):
    """EMT that counts its own evaluations."""

    evaluations = 0

    def calculate(self, *args, **kwargs):
        self.evaluations += 1
        super().calculate(*args, **kwargs)


@pytest.mark.parametrize("ending", [{"steps": 12}, {"max_calls": 13}])
@pytest.mark.parametrize("optimizer", ["adam?lr=0.2&control=none", "momentum?lr=0.02&control=none"])
def test_a_run_that_did_not_converge_gives_its_lowest_geometry_without_another_force_call(optimizer, ending):
    calculator = Tally()
    result = relax(methane(calculator), optimizer, fmax=1e-6, energy_left=None, **ending)
    assert not result.converged
    assert calculator.evaluations == result.force_calls == 13
    assert result.energy == lowest(result) < result.trace[-1].energy
    again = result.atoms.copy()
    again.calc = EMT()
    assert again.get_potential_energy() == result.energy == result.atoms.get_potential_energy()
    assert np.array_equal(again.get_forces(), result.atoms.get_forces())
    assert result.fmax == pytest.approx(np.linalg.norm(again.get_forces(), axis=1).max())


def test_the_energy_left_is_that_of_the_lowest_geometry():
    start = Molecule.from_smiles(ALANINE)
    result = relax(start, "adam?lr=0.1&control=none", steps=40)
    assert result.energy == lowest(result) < result.trace[-1].energy - 0.01
    floor = relax(result.molecule, fmax=1e-4).energy
    assert 0.3 < float(result.energy_left) / (result.energy - floor) < 3
    assert float(energy_left(result.atoms, start)) == pytest.approx(float(result.energy_left), rel=1.0)


def test_a_start_at_which_constraints_do_not_hold_is_not_the_result_however_low_it_is():
    atoms = molecule("C2H6", calculator=EMT())
    relaxed = relax(atoms, fmax=0.001).atoms
    for optimizer in ("default", "bfgs"):
        stretched = relaxed.copy()
        stretched.calc = EMT()
        stretched.set_constraint(FixBondLengths([(0, 1)], bondlengths=[stretched.get_distance(0, 1) + 0.3]))
        result = relax(stretched, optimizer, fmax=1e-6, steps=3)
        assert result.trace[0].energy < result.energy, optimizer
        assert result.atoms.get_distance(0, 1) == pytest.approx(relaxed.get_distance(0, 1) + 0.3, abs=1e-3)


def test_a_run_that_converged_gives_its_last_geometry_however_low_it_was_before():
    run = Run(methane(), DEFAULT)
    run.go()
    run.sense.best = run.sense.best._replace(energy=-100.0)
    assert run.result().energy == run.counted.trace[-1].energy


def test_a_run_stopped_while_it_is_checked_keeps_where_its_criteria_were_met():
    start = Molecule.from_smiles("CCOC(C)=O")
    whole = relax(start, check="auto").force_calls
    for calls in range(1, whole):
        result = relax(start, check="auto", max_calls=calls)
        assert result.ended == "stopped"
        met = result.fmax <= 0.05 and float(result.energy_left) <= 0.001
        assert result.verdict.stationary == ("unchecked" if met else "not stationary")


# Runs that get nowhere


class Noise(Calculator):
    """Forces without a potential: a fresh draw at each geometry."""

    implemented_properties = ("energy", "forces")

    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(1)

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": self.random.normal(size=(len(atoms), 3))}


@pytest.mark.parametrize("optimizer", ["default", "adam", "gradient-descent/internal"])
def test_a_run_that_gets_nowhere_has_stalled(optimizer):
    result = watched(Noise(), optimizer)
    assert (result.ended, result.converged) == ("stalled", False)
    assert "neither the lowest energy nor the smallest fmax fell in 20 force calls" in result.error
    assert result.force_calls < 200


def watched(calculator, optimizer):
    patient = Progress(Patience(window=20))
    run = Run(methane(calculator), OptimizerSpec.of(optimizer), energy_left=None, steps=200, progress=patient)
    run.go()
    return run.result()


def test_a_run_that_used_up_its_steps_without_a_gain_is_said_to_have_stalled():
    result = relax(methane(Noise()), "gradient-descent", energy_left=None, steps=700)
    assert (result.ended, result.force_calls) == ("stalled", 701)


def test_a_failure_is_told_though_the_run_had_gained_nothing_for_long():
    class Fails(Noise):
        def calculate(self, *args, **kwargs):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 701:
                raise RuntimeError("the licence has expired")
            super().calculate(*args, **kwargs)

    result = relax(methane(Fails()), "gradient-descent", energy_left=None)
    assert (result.ended, result.force_calls) == ("failed", 701)
    assert "the licence has expired" in result.error


def test_steps_too_small_to_move_an_atom_have_stalled():
    result = relax(methane(), "gradient-descent?lr=1e-12")
    assert result.ended == "stalled"
    assert result.error.endswith("50 steps moved no atom by 1e-08 A")


def test_a_slow_run_has_not_stalled():
    slow = "gradient-descent?lr=3e-5&growth=1&creep=1"
    result = relax(methane(), slow, energy_left=None, steps=400)
    assert (result.ended, result.force_calls) == ("unconverged", 401)
    assert result.energy < result.trace[0].energy


@pytest.mark.parametrize("optimizer", ["bfgs", "fire"])
def test_optimizers_of_others_run_on(optimizer):
    assert watched(Noise(), optimizer).ended == "unconverged"


def test_runs_that_are_compared_run_on():
    run = Run(methane(Noise()), OptimizerSpec.of("gradient-descent"), steps=200, energy_left=None)
    run.go()
    assert run.result().ended == "unconverged"


def test_progress_begins_anew_where_constraints_have_moved_the_start():
    class Told:
        start = last = None

    sense, progress = Told(), Progress(Patience(window=3))
    run = Run(methane(), DEFAULT)
    run.go()
    first = run.sense.start
    sense.start = sense.last = first._replace(energy=-100.0, fmax=0.0)
    progress.see(sense)
    for number in range(2, 6):  # higher than the start that does not count, and on the way down
        sense.last = first._replace(number=number, energy=10.0 - number, fmax=5.0)
        sense.start = first
        progress.see(sense)


# The command line


AWAKE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's & starts what it runs deaf
)


def started(*arguments):
    program = f"{AWAKE}; from molopt.cli import main; main()"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=SUPPORT)


def wait_until(claim, process):
    until = time.monotonic() + 60
    while not claim():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def asleep(log):
    return log.exists() and "asleep" in log.read_text()


def test_an_interrupt_ends_the_run_after_its_force_call_and_all_that_there_is_gets_written(tmp_path):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    options = ["--potential", "gfn2-xtb", "--optimizer", "adam", "--fmax", "0.01", "--trajectories", "--out", tmp_path]
    process = started("relax", "CCCCCO second", *options)
    wait_until(lambda: frames(tmp_path / "000000.part") > 2, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    first, then, *rest = err.splitlines()
    assert first == "finishing this force call; interrupt again to stop at once"
    assert then == f"continue with molopt relax --resume {tmp_path}"
    assert rest == ["", "molopt: interrupted"]
    assert "0 of 1 converged; written to" in out
    assert "stopped at step" in out
    written = read(tmp_path / "relaxed.xyz").get_potential_energy()
    visited = [frame.get_potential_energy() for frame in read(tmp_path / "second.traj", ":")]
    assert written == pytest.approx(min(visited), abs=1e-6)
    assert (tmp_path / "relaxed.sdf").read_text().rstrip().endswith("$$$$")
    assert "stopped" in (tmp_path / "relaxed.csv").read_text()


def frames(path):
    try:
        return len(read(path, ":", format="traj"))
    except Exception:  # it is being written
        return 0


def test_two_sigterms_that_come_together_are_one_and_json_is_whole(tmp_path):
    """`timeout` sends one to the process and one to its group."""
    options = ["--potential", "trouble:Unhurried", "--fmax", "0.001", "--json", "--trajectories", "--out", tmp_path]
    process = started("relax", "CCO", *options)
    wait_until(lambda: frames(tmp_path / "000000.part") > 1, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    (only,) = json.loads(out)
    assert (only["verdict"]["ended"], only["error"].split(": ")[1]) == ("stopped", "interrupted")


def test_a_second_interrupt_ends_the_command_at_once_in_compiled_code_too(tmp_path):
    log = tmp_path / "log"
    process = started("relax", "CCO", "--potential", f"trouble:Asleep?at=3&log={log}", "--out", tmp_path / "out")
    wait_until(lambda: asleep(log), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.7)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert err.endswith("molopt: interrupted\n")


def test_in_python_an_interrupt_is_the_callers_and_no_handler_is_set():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    seen = []
    relax(methane(), on_call=lambda counted: seen.append(signal.getsignal(signal.SIGINT)))
    assert set(seen) == {before[0]}
    CliRunner().invoke(main, ["relax", "nowhere.sdf"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


FORKING = """
import os, signal, time
from molopt.cli.interrupts import Interrupts
with Interrupts("") as interrupts, interrupts.held():
    child = os.fork() or time.sleep(600)
    time.sleep(0.5)
    os.kill(child, signal.SIGTERM)
    ended = os.WTERMSIG(os.waitpid(child, 0)[1])
    time.sleep(0.2)
    assert not interrupts.asked
assert ended == signal.SIGTERM
"""


def test_a_signal_to_a_forked_process_is_its_own():
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=60)


def test_budgets_of_the_command_line(tmp_path):
    def molopt(*options):
        return CliRunner().invoke(main, ["relax", "CCO", "--out", str(tmp_path / "out"), *options])

    spent = molopt("--max-calls", "3")
    assert (spent.exit_code, "the budget of 3 force calls is spent" in spent.output) == (1, True)
    wrong = molopt("--time-limit", "0", "--overwrite")
    assert (wrong.exit_code, wrong.stderr) == (2, "molopt: time_limit must be positive, got 0.0\n")


@pytest.mark.parametrize("command", ["relax", "compare"])
def test_help_says_with_what_a_command_exits(command):
    said = " ".join(CliRunner().invoke(main, [command, "--help"]).output.split())
    for code in ("Exits with 0 when", "with 2 when the input is bad", "with 130 when interrupted"):
        assert code in said


# Studies


def test_a_run_over_the_time_limit_of_a_study_ends_by_itself_and_keeps_what_it_has(tmp_path):
    options = ["--optimizers", "adam", "--potential", "trouble:Unhurried", "--fmax", "1e-9", "--time-limit", "1"]
    result = CliRunner().invoke(main, ["compare", "CCO", *options, "--out", str(tmp_path / "study")])
    assert result.exit_code == 0, result.output
    with Study.open(tmp_path / "study") as study:
        (end,) = [record.outcome for record in study.records()]
    assert (end.ended, end.error.split(": ")[1]) == ("timed out", "the time limit of 1 s")
    assert 0.5 < end.seconds < 5
    assert end.energy == end.energies.min()
    assert end.force_calls == len(end.energies) > 3
    assert end.end.shape == (9, 3)
    assert len(list((tmp_path / "study").glob("*.sdf"))) == 1


def test_a_run_may_end_by_itself_in_its_time_of_grace_and_is_killed_after_it():
    (napped,) = Pool(1, 0.2, grace=20.0, cores=1).outcomes(behave, ["nap 0.5"])
    assert napped.ended == "done"
    (hanging,) = Pool(1, 0.2, grace=0.3, cores=1).outcomes(behave, ["hang_in_c"])
    assert hanging.ended == "timed out"
    assert hanging.error == "ran longer than the limit of 0.2 s, and did not end by itself in the 0.3 s after that"


def test_an_interrupted_study_says_how_it_goes_on(tmp_path):
    folder = tmp_path / "study"
    options = ["--potential", "trouble:Unhurried", "--optimizers", "bfgs,fire", "--no-files"]
    process = started("compare", "O", "CO", "CCO", *options, "--out", folder)
    wait_until(lambda: (folder / "study.json").exists() and stored(folder) > 0, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "--resume" in err
    assert err.endswith("molopt: interrupted\n")
    assert 0 < stored(folder) < 6


def stored(folder):
    with Study.open(folder) as study:
        return len(study.store)


def test_a_budget_is_asked_before_each_force_call():
    wanted = []
    budget = Budget(asked=lambda: "the door bell" if len(wanted) > 2 else "")
    run = Run(methane(), DEFAULT, fmax=1e-9, energy_left=None, on_call=wanted.append, budget=budget)
    run.go()
    result = run.result()
    assert (result.force_calls, result.ended, result.error) == (3, "stopped", "stopped at step 2: the door bell")
