"""Writes laboratory.md and its pictures: every experiment, its figures beside what theory predicts, and the verdict.

    python docs/results/laboratory.py                 # all of them, some minutes
    python docs/results/laboratory.py plateau scale   # these anew, the others as they are stored

What was measured is stored in data/laboratory.json; the page is written from that.
"""

import json
import sys
from pathlib import Path

from molopt.drawing.saving import saved
from molopt.landscapes.experiment import SEED, Finding
from molopt.landscapes.experiments import NAMES, experiment
from molopt.report.figures.landscapes import drawn
from molopt.report.lab_table import as_plain, row

HERE = Path(__file__).parent
PAGE, DATA, PICTURES = HERE / "laboratory.md", HERE / "data" / "laboratory.json", HERE / "laboratory"
HEAD = """# What the laboratory shows

Every claim that [`molopt lab`](../guide/lab.md) examines, with what was measured and what theory predicts. This page is
written by `python docs/results/laboratory.py`; `molopt lab NAME` measures one anew, and draws all its figures.

"""


def main() -> None:
    stored = json.loads(DATA.read_text()) if DATA.exists() else {}
    for name in sys.argv[1:] or NAMES:
        stored[name] = measured(experiment(name).run(SEED))
        stored = {name: stored[name] for name in NAMES if name in stored}
        DATA.write_text(json.dumps(stored, indent=1) + "\n")
    PAGE.write_text(page(stored), encoding="utf-8")


def measured(finding: Finding) -> dict[str, object]:
    """What is stored of an experiment; its first figure on each surface becomes a picture."""
    PICTURES.mkdir(exist_ok=True)
    captions = {}
    for where, outcome in finding.outcomes.items():
        if outcome.figures:
            first = outcome.figures[0]
            saved(drawn(first), PICTURES / f"{finding.experiment.name}-{where.split()[0]}.png")
            captions[where] = f"{first.title}. {first.caption}".replace("..", ".").strip()
    rows = {
        where: [[cell.text for cell in row(one)] for one in outcome.numbers]
        for where, outcome in finding.outcomes.items()
    }
    plain = as_plain(finding)
    del plain["seconds"]  # which would differ each time
    theory = {"theory": finding.experiment.theory, "sources": list(finding.experiment.sources)}
    return plain | theory | {"rows": rows, "captions": captions}


def page(stored: dict) -> str:
    """The page of what is stored."""
    lines = ["| experiment | claim | holds on the model surface | on the molecule |", "|---|---|---|---|"]
    for name, found in stored.items():
        holds = {where: verdict_of(one["verdict"]) for where, one in found["outcomes"].items()}
        both = [holds.get(where, "-") for where in ("model surface", "molecule")]
        lines.append(f"| [{name}](#{anchor(found['title'])}) | {found['claim']} | {both[0]} | {both[1]} |")
    return HEAD + "\n".join(lines) + "\n" + "".join(section(name, found) for name, found in stored.items())


def verdict_of(text: str) -> str:
    return "yes" if text.startswith("Holds") else "not as stated"


def anchor(title: str) -> str:
    return "".join(one for one in title.lower().replace(" ", "-") if one.isalnum() or one == "-")


def section(name: str, found: dict) -> str:
    """An experiment on the page."""
    lines = [
        "",
        f"## {found['title']}",
        "",
        f"`molopt lab {name}`",
        "",
        f"**Claim.** {plain(found['claim'])}",
        "",
        plain(found["theory"]),
    ]
    if found["sources"]:
        lines += ["", plain("; ".join(found["sources"])) + "."]
    for where, outcome in found["outcomes"].items():
        lines += ["", f"**On the {where}.** {plain(outcome['verdict'])}", ""]
        if where in found["captions"]:
            lines += [f"![{plain(found['captions'][where])}](laboratory/{name}-{where.split()[0]}.png)", ""]
        lines += ["| what | measured | expected | holds |", "|---|---:|---|---|"]
        lines += ["| " + " | ".join(map(plain, cells)) + " |" for cells in found["rows"][where]]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text in which Markdown sees no markup."""
    for mark in ("\\", "|", "*", "_", "$", "<", "[", "]", "`"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


if __name__ == "__main__":
    main()
