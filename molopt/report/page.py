"""A study as one HTML file, which works from a mail attachment: nothing in it is fetched from anywhere."""

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ase.data import chemical_symbols

import molopt
from molopt.record import Record
from molopt.report.contents import Contents, End, Entry, Line, contents
from molopt.report.elements import Figure, Table
from molopt.report.escaping import json_text, shown
from molopt.report.frames import deflated, packed_run
from molopt.report.viewer import VERSION, library
from molopt.schema import PAGE

if TYPE_CHECKING:
    from jinja2 import Environment

FRAMES = 25  # of a run at most
BUDGET = 6e6  # bytes of geometries: with library and figures a page stays below 10 MB
SCRIPTS = ("theme.js", "tables.js", "packed.js", "curve.js", "drawing.js", "molecules.js")
NO_LIBRARY = (
    f"molecules in 3D need chemiscope {VERSION}, which is not installed: "
    "pip install 'molopt[report]' and write the report again"
)


def write_page(
    path: Path,
    title: str,
    records: Iterable[Record],
    figures: Sequence[Figure] = (),
    tables: Sequence[Table] = (),
    notes: Sequence[str] = (),
    command: str = "",
    ends: Mapping[str, End] | None = None,
) -> list[str]:
    """Write the page of a study: what was run, its tables and figures, and every molecule in 3D.

    Where even first and last geometries of all runs exceed `BUDGET`, only the first molecules are drawn in 3D; the page
    and a remark say so. The file appears whole or not at all.

    Parameters
    ----------
    path : Path
    title : str
    records : iterable of Record
        Read twice, one at a time, in the same order; a generator, which cannot be, is kept in memory.
    figures, tables
        Made elsewhere, in the order in which they shall stand.
    notes : sequence of str
        What a reader must know to judge the figures, such as what could not be matched.
    command : str
        That repeats the study.
    ends : mapping of str to End, optional
        In which basin each run ended, and how low others did, by its key.

    Returns
    -------
    list of str
        Remarks for whoever wrote it, one line each: what the page lacks, and why.
    """
    template = environment().get_template("page.html")
    kept = list(records) if isinstance(records, Iterator) else records
    study, viewer = contents(kept, ends or {}), library()
    frames = study.frames(BUDGET, FRAMES) if viewer else 2
    drawn = study.fitting(BUDGET, frames)
    remarks = [] if viewer else [NO_LIBRARY]
    if len(drawn) < len(study.molecules):
        remarks.append(
            f"the first {len(drawn)} of {len(study.molecules)} molecules are shown in 3D: with more, the page would be "
            "too large"
        )
    scripts = [text(name) for name in SCRIPTS]
    stream = template.stream(
        title=shown(title),
        version=molopt.__version__,
        policy=policy([*scripts, viewer.script] if viewer else scripts),
        style=text("page.css"),
        scripts=scripts,
        counts=counts(study),
        facts=facts(study, command),
        legend=study.legend(),
        tables=tables,
        figures=figures,
        molecules=study.molecules.values(),
        drawn={entry.number for entry in drawn},
        columns=PAGE,
        index=json_text(index(study, drawn)),
        blocks=blocks(kept, study, drawn, frames),
        library=deflated(viewer.script.encode()) if viewer else None,
        licences=viewer.licences if viewer else "",
        notes=[*notes, *remarks],
        missing=NO_LIBRARY,
    )
    stream.enable_buffering(50)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)  # it may be a link
    with open(unfinished, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(stream)
    os.replace(unfinished, path)
    return remarks


def environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("molopt.report")
    made = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["shown"] = shown
    return made


def text(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def policy(scripts: Iterable[str]) -> str:
    """What a browser lets the page do: run these scripts and no others, and fetch nothing."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; form-action 'none'"
    )


def counts(study: Contents) -> list[tuple[str, str]]:
    converged = sum(entry.converged for entry in study.molecules.values())
    could = study.runs - study.not_run
    return [
        (str(len(study.molecules)), "molecules"),
        (str(len(study.optimizers)), "optimizers"),
        (str(len(study.potentials)), "potentials"),
        (str(len(study.seeds)), "starts a molecule"),
        (str(could), "runs"),
        (f"{100 * converged / could:.1f} %" if could else "-", "of them converged"),
        *([(str(study.not_run), "more could not be run")] if study.not_run else []),
    ]


def facts(study: Contents, command: str) -> list[tuple[str, str]]:
    versions = [f"{name} {' and '.join(sorted(found))}" for name, found in sorted(study.versions.items())]
    found = [
        ("Command", command),
        ("Potentials", ", ".join(study.potentials)),
        ("Criterion", "; ".join(sorted(study.criteria))),
        ("Cap", f"{', '.join(map(str, sorted(study.caps)))} steps a run"),
        ("Seeds of the starts", ", ".join(map(str, sorted(study.seeds)))),
        ("Versions", ", ".join(versions)),
    ]
    return [(name, value) for name, value in found if value]


def index(study: Contents, drawn: Sequence[Entry]) -> dict[str, object]:
    """What the page's script begins with: names and columns of a run's line, and the lines."""
    return {
        "optimizers": [look._asdict() for look in study.legend()],
        "potentials": [shown(potential) for potential in study.potentials],
        "line": Line._fields,
        "columns": [{"numeric": column.numeric, "good": column.good} for column in PAGE],
        "molecules": [{"name": entry.name, "runs": entry.runs} for entry in drawn],
    }


def blocks(
    records: Iterable[Record], study: Contents, drawn: Sequence[Entry], frames: int
) -> Iterator[tuple[str, str]]:
    """Identifier and content of what the page unpacks on use: each molecule's atoms and bonds, each run."""
    numbers, seen = {entry.number for entry in drawn}, set[int]()
    for run, record in enumerate(records):
        plan = record.plan
        number = study.entry(plan).number
        if number not in numbers:
            continue
        if number not in seen:
            seen.add(number)
            symbols = [chemical_symbols[atomic] for atomic in plan.numbers]
            yield f"molecule-{number}", deflated(json_text({"names": symbols, "bonds": plan.bonds}).encode())
        yield f"run-{run}", packed_run(record, frames)
