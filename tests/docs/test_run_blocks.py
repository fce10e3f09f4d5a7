"""The pages are run as they are written, and what does not run is found."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "run_blocks.py"


def ran(page, text):
    page.write_text(text)
    done = subprocess.run([sys.executable, SCRIPT, page], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def block(language, *lines):
    return "\n".join([f"```{language}", *lines, "```", "", ""])


@pytest.fixture
def page(tmp_path):
    return tmp_path / "page.md"


def test_files_commands_scripts_and_doctests_of_a_page_share_one_folder(page):
    text = block("python", "# mine.py", "answer = 6 * 7")
    text += block(
        "console",
        "$ python -c 'import mine; print(mine.answer)' > said.txt",
        "$ cat said.txt | grep 42 \\",
        "    > again.txt",
    )
    text += block(
        "python",
        "from pathlib import Path",
        "",
        'assert Path("again.txt").read_text() == "42\\n"',
        'Path("left.txt").touch()',
    )
    text += block("python", ">>> from pathlib import Path", '>>> Path("left.txt").exists()', "True", "")
    code, said = ran(page, text)
    assert code == 0, said
    assert "5 blocks and lines" in said  # a file, two lines, a script, the doctests


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (block("console", "$ true", "$ false"), "page.md:3: exit code 1: $ false"),
        (block("python", "raise SystemExit(3)"), "page.md:2: exit code 3"),
        (block("python", ">>> 1 + 1", "3", ""), "page.md:1: exit code 1"),
        (block("console", "$ echo 1", "1"), "output is a text block"),
        ("<!-- run by nowhere.py -->\n" + block("console", "$ true"), "there is no nowhere.py"),
    ],
    ids=["command", "script", "doctest", "output", "test"],
)
def test_what_does_not_run_is_named_with_its_line(page, wrong, named):
    code, said = ran(page, wrong)
    assert code == 1
    assert named in said


def test_what_a_test_runs_and_text_are_left_alone(page):
    text = "<!-- run by tests/docs/test_run_blocks.py -->\n" + block("console", "$ false") + block("text", "$ false")
    assert ran(page, text) == (0, "")


def test_a_page_that_a_test_runs_is_left_alone_but_for_its_doctests(page):
    text = "<!-- run by tests/docs/test_run_blocks.py -->\n\n# Page\n\n" + block("console", "$ false")
    assert ran(page, text) == (0, "")
    assert ran(page, text + block("python", ">>> 1", "2", ""))[0] == 1
