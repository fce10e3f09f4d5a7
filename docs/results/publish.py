"""Write anew what the documents say of stored data: their tables, their figures, and the table of claims.

    python docs/results/publish.py             # writes claims.md, and tables and figures where they are cited
    python docs/results/publish.py --check     # writes nothing, says what would change, and exits with 1 if anything
    python docs/results/publish.py --study STUDY --as gfn2-xtb        # when the study has grown
    python docs/results/publish.py --rows ROWS.csv --as race --command "python docs/benchmarks/..." --note "..."

The last two first put the runs of a study, or the rows that a script of docs/benchmarks wrote with --rows, into
docs/results/data, and then write all of it anew; command and note are those of before where none are given. A sentence
of a document whose words have changed is an error: its text in claims.toml must follow.
"""

import argparse
import csv
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import claims
import stored
import tables
from claims import HERE, ROOT, Claim

import molopt

HEAD = """# Claims

Every figure that the README and these documents claim, computed from data that is stored here by
`python docs/results/publish.py`; a test holds what is cited equal to what is computed. The data are CSV files,
listed below with the command that made each.

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--study", type=Path)
    parser.add_argument("--may-lack", default="", help="optimizers that some starts have yet to be run with")
    parser.add_argument("--largest", type=int, default=10**6, help="atoms of the molecules of a study that are stored")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--as", dest="name", help="what the stored data are called")
    parser.add_argument("--command", help="that made the data")
    parser.add_argument("--note", help="what else must be known of them")
    given = parser.parse_args()
    if given.study or given.rows:
        before = stored.origin(given.name) if given.name and (stored.DATA / f"{given.name}.json").exists() else None
        command = given.command or (before and before.command)
        note = before.note if given.note is None and before else given.note or ""
        if not (given.name and command):
            parser.error("--study and --rows need --as NAME, and --command COMMAND for data that are new")
    if given.study:
        lacking = given.may_lack.split(",")
        print(stored.keep_study(given.name, given.study, command, note, lacking, given.largest), "runs are stored")
    if given.rows:
        with given.rows.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        origin = stored.Origin(command, molopt.__version__, date.today().isoformat(), note)
        print(stored.keep(given.name, rows, origin), "rows are stored")
    changes = changed(claims.read())
    for path, text in changes.items():
        print(f"{path.relative_to(ROOT)} {'would change' if given.check else 'written'}")
        if not given.check:
            path.write_text(text, encoding="utf-8")
    sys.exit(1 if given.check and changes else 0)


def changed(said: list[Claim]) -> dict[Path, str]:
    """The documents whose text is another than it is in the checkout, as it should be."""
    texts = {path: path.read_text(encoding="utf-8") for path in documents(said)}
    new = {path: tables.filled(text) for path, text in texts.items()}
    for claim in said:
        for name, template in claim.cited.items():
            try:
                new[ROOT / name] = claims.rewritten(new[ROOT / name], template, claim.values)
            except ValueError as error:
                raise SystemExit(f"{name}: claim {claim.id}: {error}") from None
    page = HERE / "claims.md"
    new[page] = HEAD + listed(said)
    texts[page] = page.read_text(encoding="utf-8") if page.exists() else ""
    return {path: text for path, text in new.items() if text != texts[path]}


def documents(said: list[Claim]) -> list[Path]:
    """Those with tables that are made, and those that cite."""
    made = {path for path in (ROOT / "docs").rglob("*.md") if "<!-- made: " in path.read_text(encoding="utf-8")}
    return sorted(made | {ROOT / name for claim in said for name in claim.cited})


def listed(said: list[Claim]) -> str:
    """The table of claims, and that of the data."""
    cells = [
        [claim.said, ", ".join(claim.data), ", ".join(f"`{name}`" for name in claim.cited) or "-"] for claim in said
    ]
    names = defaultdict(list)
    for claim in said:
        for name in claim.data:
            names[name].append(claim.id)
    origins = {name: stored.origin(name) for name in names}
    data = [
        [f"[{name}](data/{name}.csv)", of.version, of.date, f"`{of.command}`", of.note or "-"]
        for name, of in origins.items()
    ]
    head = "\n## Data\n\n"
    return (
        tables.table(["claim", "data", "where it is said"], cells)
        + head
        + tables.table(["data", "molopt", "stored on", "made by", "what else must be known"], data)
    )


if __name__ == "__main__":
    main()
