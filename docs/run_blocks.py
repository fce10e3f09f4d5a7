"""Run what the pages of the documentation show: every block of console and of Python, in order, page by page.

python docs/run_blocks.py                                # all pages
python docs/run_blocks.py docs/guide/relax.md docs/ase.md

Each page has a folder of its own, in which the files of docs/files lie, and nothing else. There

- a line of a `console` block that begins with "$ " is run by bash, and has to end with 0; "|| true" lets it fail;
- a `python` block whose first line is a comment with a name, `# mine.py`, becomes that file;
- any other `python` block without prompts is run as a script;
- `python` blocks with prompts (>>>) are doctests, run together after all else: their files are there.

What takes long, fetches something or needs another program stands in a `text` block. A block below the comment
`<!-- run by THE PATH OF A TEST -->` is run by that test, which looks at what it does; a page that begins with the
comment, all blocks of it but the doctests.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
FILES = DOCS / "files"
BY_TEST = r"<!-- run by (?P<test>\S+) -->\n"
BLOCK = re.compile(rf"(?:{BY_TEST})?^```(?P<language>console|python)\n(?P<text>.*?)^```$", re.M | re.S)
PROMPT = re.compile(r"^>>> ", re.M)
NAME = re.compile(r"# (\w+\.py)")
LIMIT = 300  # seconds for one command: what takes longer is a study, and stands in results or notes


@dataclass(frozen=True)
class Step:
    """One thing to do in the folder of a page.

    Attributes
    ----------
    page : Path
    line : int
        Where it stands in the page, from 1.
    command : str
        What bash runs; empty for a file that is only written.
    name, text : str
        A file that is written before.
    """

    page: Path
    line: int
    command: str = ""
    name: str = ""
    text: str = ""


class Misplaced(ValueError):
    """A block that says something other than what can be run."""


def steps(page: Path) -> Iterator[Step]:
    """What is to be done for a page, in its order; its doctests at the end."""
    whole = page.read_text(encoding="utf-8")
    by_test = re.match(BY_TEST, whole)
    if by_test:
        check(by_test["test"], page)
    for block in BLOCK.finditer(whole):
        text, line = block["text"], whole[: block.start("text")].count("\n") + 1
        if block["test"]:
            check(block["test"], page)
        elif by_test or PROMPT.search(text):
            continue
        elif block["language"] == "console":
            yield from commands(page, line, text)
        elif name := NAME.fullmatch(text.partition("\n")[0]):
            yield Step(page, line, name=name[1], text=text)
        else:
            name = f"block_{line}.py"
            yield Step(page, line, command=f"python {name}", name=name, text=text)
    if PROMPT.search(examples := doctests(whole)):
        name = f"{page.stem}_examples.txt"
        yield Step(page, 1, command=f"python -m doctest -o ELLIPSIS {name}", name=name, text=examples)


def doctests(whole: str) -> str:
    """The page with nothing left but its doctests, on the lines where they are."""
    kept = [""] * (whole.count("\n") + 1)
    for block in BLOCK.finditer(whole):
        if block["language"] == "python" and PROMPT.search(block["text"]) and not block["test"]:
            lines, first = block["text"].splitlines(), whole[: block.start("text")].count("\n")
            kept[first : first + len(lines)] = lines
    return "\n".join(kept) + "\n"


def check(test: str, page: Path) -> None:
    """A block that a test runs is run by a test that is there."""
    if not (DOCS.parent / test).is_file():
        raise Misplaced(f"{page}: there is no {test}, which is to run a block")


def commands(page: Path, line: int, text: str) -> Iterator[Step]:
    """The lines of a console block; one that ends with a backslash goes on."""
    for command in re.findall(r"(?:[^\n]*\\\n)*[^\n]*\n", text):
        if not command.startswith("$ "):
            raise Misplaced(f"{page}:{line}: a console block has lines that begin with '$ '; output is a text block")
        yield Step(page, line, command=command.removeprefix("$ ").strip())
        line += command.count("\n")


def variables() -> dict[str, str]:
    """What commands find: the Python that runs this, and the scripts of docs."""
    places = {"PATH": [Path(sys.executable).parent], "PYTHONPATH": [DOCS / "potentials", DOCS / "benchmarks"]}
    return {
        name: os.pathsep.join([*map(str, added), *filter(None, [os.environ.get(name)])])
        for name, added in places.items()
    }


def done(step: Step, folder: Path) -> str:
    """Do one step; what went wrong, empty if nothing did."""
    if step.name:
        (folder / step.name).write_text(step.text, encoding="utf-8")
    if not step.command:
        return ""
    try:
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", step.command],
            cwd=folder,
            env={**os.environ, **variables()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{step.page}:{step.line}: more than {LIMIT} s: $ {step.command}"
    return (
        f"{step.page}:{step.line}: exit code {ran.returncode}: $ {step.command}\n{ran.stdout}" if ran.returncode else ""
    )


def run(page: Path) -> tuple[str, list[str]]:
    """A line on a page, and what went wrong. The steps after a failed one are done as well."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FILES, folder, dirs_exist_ok=True)
        try:
            todo = list(steps(page))
        except Misplaced as problem:
            return "", [str(problem)]
        failed = [problem for step in todo if (problem := done(step, Path(folder)))]
    return f"{time.perf_counter() - begin:6.1f} s  {len(todo):3d} blocks and lines  {page}" if todo else "", failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="[default: all pages of docs]")
    parser.add_argument("--workers", type=int, default=1, help="pages at once")
    chosen = parser.parse_args()
    pages = chosen.pages or sorted(DOCS.rglob("*.md"))
    problems = []
    with ThreadPoolExecutor(chosen.workers) as pool:
        for line, failed in pool.map(run, pages):
            problems += failed
            for said in filter(None, (line, *failed)):
                print(said, flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
