"""ASE's own tests of its optimizers, run with molopt's classes in the place of ASE's."""

from functools import partial
from inspect import unwrap

import pytest
from ase.test.optimize import (
    test_maxstep as maxstep,
)
from ase.test.optimize import (
    test_nsteps as nsteps,
)
from ase.test.optimize import (
    test_optimize_stepwise as stepwise,
)
from ase.test.optimize import (
    test_optimizer_restart as optimizer_restart,
)
from ase.test.optimize import (
    test_optimizers as optimizers,
)
from ase.test.optimize import (
    test_pure as pure,
)
from ase.test.optimize import (
    test_replay as replay,
)
from ase.test.optimize import (
    test_restart as restart,
)

import molopt.optimizers
from molopt.optimizers import LBFGS, Adam

CLASSES = [getattr(molopt.optimizers, name) for name in sorted(molopt.optimizers.__all__) if name != "RuleOptimizer"]

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.filterwarnings("error"),
    pytest.mark.parametrize("optcls", CLASSES, ids=lambda c: c.__name__),
]


def tolerating(optcls, *foreign):
    """`optcls` with keywords that belong to another optimizer taken out, for tests which pass them to every class."""

    class Tolerant(optcls):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{name: value for name, value in kwargs.items() if name not in foreign})

    Tolerant.__name__ = optcls.__name__
    return Tolerant


@pytest.fixture(autouse=True)
def testdir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kwargs():
    return {}


ref_atoms = optimizers.fixture_ref_atoms
atoms = optimizers.fixture_atoms


@pytest.mark.parametrize("claim", ["test_optimize", "test_unconverged", "test_run_twice"])
def test_optimizers(claim, optcls, request, kwargs):
    arguments = {"optcls": optcls, "atoms": request.getfixturevalue("atoms"), "kwargs": kwargs}
    if claim == "test_optimize":
        arguments["ref_atoms"] = request.getfixturevalue("ref_atoms")
    getattr(optimizers, claim)(**arguments)


def test_path(optcls, atoms, kwargs, testdir):
    optimizers.test_path(testdir, optcls, atoms, kwargs)


def test_pure(optcls):
    pure.test_booth(optcls)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_nsteps(optcls, steps, monkeypatch):
    monkeypatch.setattr(nsteps, "BFGS", optcls)
    (opt,) = unwrap(nsteps.opt)()
    nsteps.test_nsteps(opt, steps)


@pytest.fixture
def stepwise_atoms():
    start = unwrap(stepwise.atoms0)()
    return {"atoms0": start, "atoms": unwrap(stepwise.atoms)(start)}


def test_irun_start(optcls, stepwise_atoms, monkeypatch):
    monkeypatch.setattr(stepwise, "BFGS", optcls)
    stepwise.test_irun_start(**stepwise_atoms)


def test_attach_trajectory(optcls, stepwise_atoms, monkeypatch, tmp_path):
    monkeypatch.setattr(stepwise, "BFGS", optcls)
    stepwise.test_attach_trajectory(tmp_path, **stepwise_atoms)


@pytest.mark.parametrize("claim", ["test_path_restart", "test_none_restart", "test_bad_restart"])
def test_restart(optcls, claim, monkeypatch, testdir):
    monkeypatch.setattr(restart, "BFGS", optcls)
    getattr(restart, claim)(testdir)


def test_maxstep(optcls, monkeypatch):
    tolerant = tolerating(optcls, "dt")
    if optcls is LBFGS:  # in internals, its choice for a molecule, its maxstep is 1 A
        tolerant = partial(tolerant, coordinates="cartesian")
    monkeypatch.setattr(maxstep, "MDMin", tolerant)
    maxstep.test_mdmin_maxstep()


@pytest.mark.timeout(600)  # rules that crawl on a cell, and each step of ASE's filter takes matrix logarithms
def test_optimizer_restart(optcls, testdir, monkeypatch):
    tolerant = tolerating(optcls, "alpha")
    if optcls is Adam:
        monkeypatch.setattr(optimizer_restart, "BFGS", tolerant)  # of BFGS alone it asks to append its trajectory
    optimizer_restart.test_optimizers_restart(testdir, tolerant)


def test_replay(optcls, testdir):
    replay.test_replay(testdir, optcls)
