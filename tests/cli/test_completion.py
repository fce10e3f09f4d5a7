"""The tab key completes commands, options, names and files, in bash as it is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from molopt.cli.completing import POTENTIALS, shipped
from molopt.molecules import shipped_names
from molopt.potentials import potential_names

PRESS = """
source <(_MOLOPT_COMPLETE=bash_source molopt)
COMP_WORDS=({words})
COMP_CWORD=$(({count} - 1))
_molopt_completion molopt
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def bash(tmp_path, monkeypatch):
    """What bash offers for a line that ends in a word not yet complete ('' for a new one)."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    command = tmp_path / "bin" / "molopt"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom molopt.cli import main\nmain()\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=":")
    folder = tmp_path / "here"
    folder.mkdir()

    def offered(*words):
        script = PRESS.format(words=" ".join(f"'{word}'" for word in ("molopt", *words)), count=len(words) + 1)
        ran = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=True)
        return ran.stdout.split()

    offered.folder = folder
    return offered


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("rel",), ["relax"]),
        (("conformers", "--ref"), ["--refine"]),
        (("relax", "CCO", "--potential", "g"), ["gfn2-xtb", "gfn1-xtb"]),
        (("relax", "CCO", "--optimizer", "heavy"), ["heavy-ball"]),
        (("compare", "CCO", "--optimizers", "default,fire"), ["default,fire", "default,fire2"]),
        (("compare", "CCO", "--potential", "u"), ["uff"]),
        (("relax", "CCO", "--check", "re"), ["report"]),
        (("relax", "CCO", "--progress", "p"), ["plain"]),
        (("relax", "ala"), ["ala8", "aladip"]),
    ],
)
def test_bash_offers(bash, words, expected):
    assert bash(*words) == expected


def test_files_come_before_shipped_molecules(bash):
    (bash.folder / "alanine.sdf").write_text("")
    assert bash("relax", "ala") == []  # which leaves it to bash, that knows files
    assert bash("relax", "aladi") == ["aladip"]


def test_all_commands_are_offered(bash):
    from molopt.cli import Commands

    assert set(bash("")) == set(Commands.names)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_of_the_page_gets_its_script(shell):
    page = Path(__file__).parents[2] / "docs" / "guide" / "shell_completion.md"
    assert f"_MOLOPT_COMPLETE={shell}_source molopt" in page.read_text(encoding="utf-8")


def test_the_names_are_those_that_there_are():
    assert list(POTENTIALS) == potential_names()
    assert shipped() == shipped_names()


def test_the_user_does_not_wait_for_libraries():
    script = (
        "import sys; from click.shell_completion import BashComplete; from molopt.cli import main; "
        "shell = BashComplete(main, {}, 'molopt', '_MOLOPT_COMPLETE'); "
        "print(*(item.value for item in shell.get_completions(['relax', 'CCO', '--potential'], 'g'))); "
        "print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    offered, loaded = ran.stdout.splitlines()
    assert offered.split() == ["gfn2-xtb", "gfn1-xtb"]
    assert not {"numpy", "ase", "rdkit"} & set(loaded.split())
