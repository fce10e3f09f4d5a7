"""The gallery: short scripts with a title, each with its picture. `docs/gallery/run.py` runs them."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
specification = importlib.util.spec_from_file_location("gallery_run", GALLERY / "run.py")
run = importlib.util.module_from_spec(specification)
specification.loader.exec_module(run)


@pytest.mark.parametrize("script", run.SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_short_says_what_it_shows_and_has_its_picture(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    title, *rest = ast.get_docstring(ast.parse(text)).splitlines()
    assert title.endswith(".")
    assert "".join(rest)
    assert script.with_suffix(".png").read_bytes()[1:4] == b"PNG"
    assert script.with_suffix(".png").stat().st_size < 100_000


def test_a_script_that_fails_is_named_and_one_without_its_package_is_left_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "bad.py").write_text("raise ValueError('no')\n")
    (tmp_path / "extra.py").write_text(
        "from molopt.errors import MissingExtra\nraise MissingExtra('xtb', 'GFN2-xTB')\n"
    )
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "bad", "extra"])
    with pytest.raises(SystemExit, match=r"failed: bad$"):
        run.main()
    assert "extra: left out" in capsys.readouterr().out
