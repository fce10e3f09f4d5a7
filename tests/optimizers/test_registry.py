"""One registry of optimizers, from which all lists derive; one specification, which travels instead of texts."""

import ast
import inspect
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from ase.build import molecule as g2
from ase.calculators.emt import EMT
from ase.mep import NEB
from ase.optimize import BFGS
from click.testing import CliRunner

import molopt
from molopt import InputError, relax
from molopt.cli import main
from molopt.comparison import cases
from molopt.comparison.cases import Case
from molopt.comparison.settings import Settings
from molopt.comparison.study import Study
from molopt.execution import SerialExecutor
from molopt.molecules import Molecule
from molopt.optimizers import registry
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.registry import BY_NAME, DEFAULT_OPTIMIZERS, PEERS, RULES, optimizer_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.report.labels import LOOKS
from molopt.rules import Adam, Rule

PACKAGE = Path(molopt.__file__).parent
INSTALLED = [name for name in optimizer_names() if name not in PEERS]

# A rule that is one file and one entry: the file.
RULE = '''
from dataclasses import dataclass
from molopt.rules.base import Rule, check
from molopt.rules.state import Stateless

@dataclass(frozen=True)
class SignedRoot(Rule):
    """The root of each entry of the gradient, with its sign."""

    lr: float = 0.1

    def __post_init__(self):
        check("lr", self.lr, "positive")

    def init(self, seen):
        return Stateless()

    def update(self, seen, state):
        return -self.lr * (abs(seen.gradient) ** 0.5) * (2 * (seen.gradient > 0) - 1), state
'''


# The registry


def test_a_new_rule_is_its_file_and_an_entry(tmp_path):
    """In a copy of the package: its class, its texts in all coordinates, its label, its line and help are there."""
    copy = tmp_path / "molopt"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copy)], check=True)
    (copy / "rules" / "signed_root.py").write_text(RULE)
    table = copy / "optimizers" / "registry.py"
    entry = (
        '    UpdateRule("signed-root", "molopt.rules.signed_root:SignedRoot", "#123456", aliases=("sr",),'
        ' cartesian={"lr": 0.02}, internal={"lr": 0.2}),\n'
    )
    first = '    AseOptimizer("bfgs"'
    table.write_text(table.read_text().replace(first, entry + first, 1))
    program = """
import molopt
from click.testing import CliRunner
from molopt.cli import main
from molopt.optimizers.spec import OptimizerSpec
from molopt.report.labels import label, look
water = molopt.Molecule.from_smiles("O")
for text in ("sr", "SignedRoot/internal?lr=0.3"):
    spec = OptimizerSpec.of(text)
    result = molopt.relax(water, spec)
    print(spec.abbreviated, result.converged, label(result.optimizer), look(result.optimizer).colour)
print(molopt.SignedRoot.__mro__[1].__name__, molopt.rules.SignedRoot(lr=1.0))
print(molopt.optimizers.SignedRoot.tuned_defaults("internal"))
print("signed-root" in CliRunner().invoke(main, ["relax", "--help"]).output)
try:
    OptimizerSpec.of("signed-rot")
except molopt.InputError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)},
                         capture_output=True, text=True)  # fmt: skip
    lines = ran.stdout.splitlines()
    assert lines[:5] == [
        "signed-root True signed-root #123456",
        "signed-root/internal?lr=0.3 True signed-root/internal?lr=0.3&surrogate=auto #123456",
        "NamedOptimizer SignedRoot(lr=1.0)",
        "{'lr': 0.2}",
        "True",
    ], ran.stderr
    assert "did you mean signed-root" in lines[5]


def test_no_module_but_the_registry_lists_the_rules():
    """A list of names would be equal to the registry by hand alone; single names, and experiments, are choices."""
    for path in PACKAGE.rglob("*.py"):
        if path.name == "registry.py" or path.parent.name == "experiments":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
                inside = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                assert len(inside & set(RULES)) < 3, (path, node.lineno)


def test_every_rule_of_molopt_has_an_entry_and_a_class():
    there = {kind for kind in vars(molopt.rules).values() if inspect.isclass(kind) and issubclass(kind, Rule)}
    with_name = {entry.load() for entry in RULES.values()}
    assert {kind.__name__ for kind in there - with_name} == {"Rule", "TorchRule", "OptaxRule"}
    for name, entry in RULES.items():
        kind = getattr(molopt, entry.attribute)
        assert kind.entry is BY_NAME[name]
        assert pickle.loads(pickle.dumps(kind)) is kind
        assert str(entry.internal["lr"]) in kind.__doc__
        assert set(entry.cartesian) | set(entry.internal) <= {field.name for field in fields(entry.load())}


def test_names_aliases_and_lines_are_no_two_optimizers():
    spelled = [name.lower().replace("-", "") for entry in registry.ENTRIES for name in (entry.name, *entry.aliases)]
    assert len(set(spelled)) == len(spelled)
    assert len(set(LOOKS.values())) == len(LOOKS) == len(registry.ENTRIES)


def test_help_lists_what_the_registry_has():
    shown = " ".join(CliRunner().invoke(main, ["relax", "--help"], terminal_width=10_000).output.split())
    assert ", ".join(optimizer_names()) in shown
    shown = "".join(CliRunner().invoke(main, ["compare", "--help"], terminal_width=10_000).output.split())
    assert ",".join(DEFAULT_OPTIMIZERS) in shown


# The specification

# What records of molopt 0.6.0 hold: their keys, and the runs of a study that goes on, rest on these texts.
RECORDED = {
    "default": "default?memory=8&fade=0.9&damping=0.5&maxstep=1.0&maxchange=0.5&poor=0.25&good=0.6&shrink=0.5"
    "&growth=1.7&smallest=0.02&rise=0.001&surrogate=auto",
    "adam/internal?check=auto&surrogate=uff": "adam/internal?lr=0.3&b1=0.2&b2=0.9&eps=0.3&correction=True&maxstep=1.0"
    "&growth=1.1&creep=1.05&shrink=0.6&tolerance=0.2&maxchange=0.5&surrogate=uff&check=auto",
    "lion?control=none": "lion?lr=0.001&b1=0.9&b2=0.99&control=none",
    "bfgs": "bfgs?maxstep=0.2&alpha=70.0",
}


@pytest.mark.parametrize("text", RECORDED)
def test_the_text_of_a_specification_is_that_of_earlier_records(text):
    assert str(OptimizerSpec.of(text)) == RECORDED[text]


@pytest.mark.parametrize("text", [*INSTALLED, "adam/internal?check=report&surrogate=uff", "adam?control=none"])
def test_a_specification_travels(text):
    spec = OptimizerSpec.of(text)
    for again in (pickle.loads(pickle.dumps(spec)), OptimizerSpec.of(str(spec)), OptimizerSpec.of(spec)):
        assert again == spec
        assert hash(again) == hash(spec)
        assert str(again) == str(spec)


def test_a_rule_of_ones_own_is_the_source_of_its_specification():
    class Mine(Adam):
        pass

    spec = OptimizerSpec.of(Mine(lr=0.1), "internal")
    assert spec.label == "Mine/internal"
    assert relax(Molecule.from_smiles("O"), spec).converged
    assert OptimizerSpec.of(Adam(lr=0.1)).source is None  # the registry has it


def test_nothing_is_none_and_only_texts_say_so_otherwise():
    for text in ("default?surrogate=none", "default?surrogate=None", "lbfgs/internal"):
        spec = OptimizerSpec.of(text)
        assert spec.surrogate is None
        assert spec.guided_by("auto").surrogate == (None if "?" in text else "auto")
    assert OptimizerSpec.of("default").guided_by("none").surrogate is None
    assert OptimizerSpec.of("default?check=none").check == CheckRequest()


def test_what_a_name_says_of_surrogate_and_check_holds_against_the_defaults_of_a_caller():
    spec = OptimizerSpec.of("default?check=report&surrogate=uff")
    assert spec.guided_by("auto").surrogate == spec.guided_by("uff").surrogate == "uff"
    assert spec.checked_by("auto") == spec.checked_by("report") == CheckRequest("report")
    assert OptimizerSpec.of("default").checked_by(None) == CheckRequest()


@pytest.mark.parametrize(
    ("text", "said", "told"),
    [
        ("default?check=auto", {"check": None}, r"default\?check=auto contradicts check=none: leave one of them out"),
        ("default?check=auto", {"check": "report"}, "contradicts check=report"),
        ("default?check=none", {"check": "report"}, "contradicts check=report"),
        ("default?surrogate=uff", {"surrogate": None}, "contradicts surrogate=None"),
        ("default?surrogate=none", {"surrogate": "uff"}, "contradicts surrogate='uff'"),
        ("default?surrogate=uff", {"surrogate": EMT()}, "contradicts surrogate=<.*EMT"),
        ("adam/internal", {"coordinates": "cartesian"}, "contradicts coordinates='cartesian'"),
        (BFGS, {"coordinates": "internal"}, "bfgs is ASE's, and Cartesian"),
    ],
)
def test_a_name_and_an_argument_that_contradict_each_other_are_an_error(text, said, told):
    with pytest.raises(InputError, match=told):
        relax(Molecule.from_smiles("O"), text, **said)


def test_a_check_of_the_name_against_none_on_the_command_line_is_an_error(tmp_path):
    command = ["relax", "O", "--optimizer", "default?check=auto", "--check", "none", "--out", str(tmp_path)]
    ran = CliRunner().invoke(main, command)
    assert isinstance(ran.exception, SystemExit)
    assert ran.exit_code == 2
    assert "contradicts check=none" in ran.stderr
    assert not list(tmp_path.iterdir())


def test_an_optimizer_that_is_made_checks_as_its_text_says():
    atoms = g2("H2O", calculator=EMT())
    assert OptimizerSpec.of("default?check=report").make(atoms).checking.asked == CheckRequest("report")
    assert not OptimizerSpec.of("default").make(atoms).checking.possible


def test_an_argument_that_is_given_changes_no_other():
    """A band is run in Cartesians, whose memory is 60; a maxstep once brought that of internals with it."""
    band = NEB([g2("H2O", calculator=EMT()) for _ in range(3)], method="improvedtangent")
    run = OptimizerSpec.of("default?maxstep=0.1").make(band)
    assert (run.direction.memory, run.maxstep) == (OptimizerSpec.of("default").make(band).direction.memory, 0.1)


def test_a_case_reads_a_text_and_keeps_the_specification():
    water = Molecule.from_smiles("O")
    assert Case(water, "uff", "adam") == next(cases([water], ["uff"], [OptimizerSpec.of("Adam")]))


def test_the_plan_of_each_run_of_a_study_is_made_once(tmp_path, monkeypatch):
    made = []
    plan = Case.plan
    monkeypatch.setattr(Case, "plan", lambda case, criteria: made.append(case) or plan(case, criteria))
    settings = Settings(("CO", "CC"), ("uff",), ("bfgs", "default"), 0.05, None, 100)
    with Study.begin(tmp_path, settings) as study:
        assert len(list(study.go(SerialExecutor(), study.cases(settings.molecules())))) == 2
        assert len(made) == study.added == 4


def test_the_class_of_a_rule_is_not_an_optimizer_yet():
    with pytest.raises(InputError, match=r"must be a rule with its arguments, got the class Adam: give Adam\("):
        OptimizerSpec.of(Adam)
