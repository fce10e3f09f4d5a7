"""What the laboratory writes: a figure as SVG, PNG and CSV for each drawing, and one page of all experiments."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import molopt
from molopt.drawing.saving import saved
from molopt.files import whole
from molopt.landscapes.chart import Drawing
from molopt.landscapes.experiment import Finding
from molopt.report.elements import Table
from molopt.report.escaping import json_text, shown
from molopt.report.figures.landscapes import drawn, svg
from molopt.report.lab_table import table
from molopt.report.page import environment, policy, text

PAGE = "lab.html"
SCRIPTS = ("theme.js", "tables.js", "lab.js")
ENDINGS = (".svg", ".png", ".csv")


class Part(NamedTuple):
    """What the page shows of one outcome."""

    where: str
    verdict: str
    holds: bool
    table: Table
    figures: list["Shown"]


class Shown(NamedTuple):
    """A drawing on the page; `number` is that of its paths, where it can be played."""

    title: str
    caption: str
    svg: str
    number: int | None


def names(finding: Finding) -> Iterator[tuple[str, Drawing]]:
    """The stem of the files of each drawing: that of the experiment, then model or molecule, then a number."""
    for where, outcome in finding.outcomes.items():
        for place, drawing in enumerate(outcome.figures, start=1):
            yield f"{finding.experiment.name}-{where.split()[0]}-{place}", drawing


def write_figures(folder: Path, finding: Finding) -> list[Path]:
    """Write each drawing as SVG, PNG and CSV; the files, in their order."""
    written = []
    for stem, drawing in names(finding):
        figure = drawn(drawing)
        for ending in (".svg", ".png"):
            saved(figure, folder / f"{stem}{ending}")
        with whole(folder / f"{stem}.csv") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(drawing.headings)
            rows.writerows(["" if value is None else value for value in line] for line in drawing.lines())
        written += [folder / f"{stem}{ending}" for ending in ENDINGS]
    return written


def write_lab_page(path: Path, findings: Sequence[Finding], command: str = "") -> None:
    """Write the page of all experiments; it appears whole, or not at all, and fetches nothing."""
    scripts = [text(name) for name in SCRIPTS]
    played: list[list[dict[str, object]]] = []
    sections = [(finding, list(parts(finding, played))) for finding in findings]
    held = sum(finding.holds for finding in findings)
    stream = environment().get_template("lab.html").stream(
        title="The landscape laboratory" if len(findings) > 1 else shown(findings[0].experiment.title),
        version=molopt.__version__,
        policy=policy(scripts),
        style=text("page.css"),
        scripts=scripts,
        counts=[(str(len(findings)), f"experiment{'s' * (len(findings) != 1)}"), (str(held), "claims hold as stated")],
        sections=sections,
        command=shown(command, 4000),
        index=json_text(played),
        blocks=[],
        library=None,
        licences="",
        missing="",
    )  # fmt: skip
    with whole(path) as file:
        file.writelines(stream)


def parts(finding: Finding, played: list[list[dict[str, object]]]) -> Iterator[Part]:
    """What is shown of an experiment; the paths that can be played are added to `played`."""
    for where, outcome in finding.outcomes.items():
        figures = []
        for place, drawing in enumerate(outcome.figures, start=1):
            prefix = f"{finding.experiment.name.replace(':', '-').replace('.', '-')}-{where.split()[0]}-{place}"
            picture, paths = svg(drawing, prefix)
            figures.append(Shown(drawing.title, drawing.caption, picture, len(played) if paths else None))
            if paths:
                played.append(paths)
        yield Part(where, outcome.verdict, outcome.holds, table(f"On the {where}", outcome), figures)
