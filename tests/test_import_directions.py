"""Imports run one way: from the command line down to rules, coordinates and control, which know nothing of ASE."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import molopt
from molopt.cli import Commands

PACKAGE = Path(molopt.__file__).parent
MODULES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py"})

# From the ground up; a module imports from its own floor and from those below.
HOUSE = """
errors spelling notebook naming numbering specification importing files signs execution stopwatch
rules coordinates directions control convergence noise stationary
molecules potentials drawing
optimizers
system versions constraining
columns schema fields
ending batch run relaxation result
record
store
library
comparison ensembles relaxed landscapes fitting checked checking displacing report scanning
cli __main__
"""
FLOORS = {room: floor for floor, rooms in enumerate(HOUSE.split("\n")) for room in rooms.split()}
NUMERICAL = ("rules", "coordinates", "directions", "control", "convergence", "noise")
TABLES = ("ase.data", "ase.units")  # numbers of elements and units, which coordinates may look up
COMMANDS = [name.replace("-", "_") for name in Commands.names]
FOREIGN = ("ase", "rdkit", "torch", "optax", "jax")


def part(path):
    """The room of the house that a module is in: molopt/rules/adam.py is in rules."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path, everywhere):
    """Names of modules that a file imports: at module level, or anywhere in it."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_from_a_floor_above_its_own(path):
    for name in imported(path, everywhere=True):
        package, _, rest = name.partition(".")
        if package == "molopt" and rest.split(".")[0] in FLOORS:
            assert FLOORS[rest.split(".")[0]] <= FLOORS[part(path)], name


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) in NUMERICAL], ids=lambda path: path.name)
def test_rules_coordinates_and_control_know_nothing_of_ase_rdkit_and_torch(path):
    everywhere = path.name != "adapters.py"  # which imports torch or optax on use
    names = imported(path, everywhere)
    if part(path) == "coordinates":
        names = {name for name in names if not name.startswith(TABLES)}
    assert not {name.split(".")[0] for name in names} & set(FOREIGN)


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) == "stationary"], ids=lambda path: path.name)
def test_what_is_stationary_is_said_without_optimizers_rdkit_and_torch(path):
    names = imported(path, everywhere=True)
    assert not {name.split(".")[0] for name in names} & (set(FOREIGN) - {"ase"})
    assert not any(name.startswith(("ase.optimize", "ase.calculators")) for name in names)


@pytest.mark.parametrize(
    "path", [path for path in MODULES if FLOORS[part(path)] < FLOORS["cli"]], ids=lambda path: path.name
)
def test_nothing_imports_the_command_line(path):
    assert not any(name.startswith("molopt.cli") for name in imported(path, everywhere=True))


def test_a_room_of_the_house_is_there_after_import_molopt_alone():
    script = "import molopt; molopt.rules.Adam(lr=0.1); molopt.errors.InputError; molopt.optimizers.RuleOptimizer"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_rules_optimizers_and_public_names_are_the_same_list():
    rules = {name for name in molopt.rules.__all__ if inspect.isclass(getattr(molopt.rules, name))}
    named = set(molopt.optimizers.__all__) - {"LBFGS", "RuleOptimizer"}
    assert named <= rules
    assert set(molopt.optimizers.__all__) <= set(molopt.__all__)


def loaded(*code):
    """The modules of a fresh interpreter after this code."""
    program = "\n".join([*code, "import sys", "print(*sys.modules)"])
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["molopt", "molopt.execution", "molopt.cli", *(f"molopt.cli.{name}" for name in COMMANDS)],
)
def test_importing_it_loads_neither_numpy_nor_ase(module):
    assert not loaded(f"import {module}") & {"numpy", "ase", "rdkit", "scipy", "matplotlib", "rich", "torch", "parsl"}


def test_help_loads_neither_numpy_nor_ase():
    run = "from molopt.cli import main; main(['{}', '--help'], standalone_mode=False)"
    for command in COMMANDS:
        assert not loaded(run.format(command.replace("_", "-"))) & {"numpy", "ase", "rdkit", "rich"}


def test_help_takes_less_than_three_tenths_of_a_second():
    script = "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'molopt', '--help'], check=True)"
    script += (
        "; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)"  # what other programs do adds nothing to it
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True) for _ in range(3)
    ]
    assert min(float(ran.stdout.split()[-1]) for ran in runs) < 0.3


def test_molopt_loads_the_names_it_exports_on_use():
    for name in molopt.__all__:
        assert getattr(molopt, name) is not None
    assert set(molopt.__all__) <= set(dir(molopt))
