"""Hints as a user's type checker sees them: mypy --strict and pyright accept what is right, and find what is not."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stubs

import molopt

TYPED = Path(__file__).parent / "typed"
FILES = ("usage.py", "misuse.py")
HOME = Path(molopt.__file__).parents[1]
INSTALLED = "site-packages" in HOME.parts  # else checkers must be told where molopt is
MYPY = ["--strict", "--config-file=", "--follow-imports=silent", "--cache-dir=cache"]


@pytest.mark.parametrize(("path", "text"), stubs.texts().items(), ids=["molopt", "rules", "optimizers"])
def test_the_stubs_say_what_is_there(path, text):
    assert path.read_text(encoding="utf-8") == text, "python tests/stubs.py writes them anew"


@pytest.fixture(scope="module", params=["mypy", "pyright"])
def errors(request, tmp_path_factory):
    """By file, the lines in which a checker without settings of this project finds errors, and which."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} comes with the extra dev")
    folder = tmp_path_factory.mktemp(request.param)
    for name in FILES:
        shutil.copy(TYPED / name, folder)
    told = {"include": FILES, "typeCheckingMode": "standard", **({} if INSTALLED else {"extraPaths": [str(HOME)]})}
    (folder / "pyrightconfig.json").write_text(json.dumps(told))
    options = {"mypy": [*MYPY, *FILES], "pyright": ["--pythonpath", sys.executable]}[request.param]
    ran = subprocess.run(
        [sys.executable, "-m", request.param, *options],
        cwd=folder,
        env=os.environ | ({} if INSTALLED else {"MYPYPATH": str(HOME)}),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"(\w+\.py):(\d+):(?:\d+ -)? error: (.*)", ran.stdout)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return {name: {int(line): said for file, line, said in found if file == name} for name in FILES}


def test_what_users_write_has_no_errors(errors):
    assert errors["usage.py"] == {}


def test_each_mistake_is_found_and_nothing_else(errors):
    lines = (TYPED / "misuse.py").read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert set(errors["misuse.py"]) == wrong
