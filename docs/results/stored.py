"""What was measured, as it is stored in docs/results/data: the runs of studies, and the rows of other measurements.

Beside each CSV stands a JSON file of the same name: the command that made it, the version of molopt, the date, and what
else must be known.
"""

import csv
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from molopt.comparison.problems import by_optimizer, by_problem
from molopt.comparison.study import Study
from molopt.record import Record
from molopt.report.study import covered, light
from molopt.schema import Outcome, Plan

DATA = Path(__file__).with_name("data")
Row = Mapping[str, str]
Rows = list[dict[str, str]]

PLAN = ("molecule", "source", "place", "seed", "potential", "optimizer", "step_limit")
OUTCOME = (
    *("force_calls", "ended", "stationary", "identity", "end_stationary", "energy", "floor_energy", "energy_left"),
    *("fmax", "seconds", "step_seconds", "check_calls", "pushes"),
)
WHOLE = ("place", "seed", "step_limit", "force_calls", "check_calls", "pushes")
TEXT = ("molecule", "source", "potential", "optimizer", "ended", "stationary", "identity", "end_stationary")
ENERGY, REST = "{:.6f}", "{:.6g}"  # eV to the microelectronvolt; no statistic needs more of the others


@dataclass(frozen=True)
class Origin:
    """Where data came from.

    Attributes
    ----------
    command : str
        That made it.
    version : str
        Of molopt.
    date : str
        On which it was stored, as in ISO 8601.
    note : str
        What else must be known: what was left out, on which machine.
    versions : dict of str
        Of the other packages that determine the runs, where they are known.
    """

    command: str
    version: str
    date: str
    note: str = ""
    versions: Mapping[str, str] | None = None


def origin(name: str) -> Origin:
    return Origin(**json.loads((DATA / f"{name}.json").read_text(encoding="utf-8")))


def keep(name: str, rows: Iterable[Mapping[str, object]], of: Origin) -> int:
    """Store rows of equal keys as NAME.csv, and their origin beside them; how many there were."""
    rows = list(rows)
    DATA.mkdir(exist_ok=True)
    with (DATA / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    said = {key: value for key, value in vars(of).items() if value}
    (DATA / f"{name}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(rows)


def rows(name: str) -> Rows:
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep_study(
    name: str, folder: Path, command: str, note: str, may_lack: Collection[str] = (), largest: int = 10**6
) -> int:
    """Store the runs of a study; how many there are.

    Those of starts that every optimizer has been run on, but for some that may lack, of molecules of at most so many
    atoms.
    """
    with Study.open(folder) as study:
        there = (light(record) for record in study.records())
        records = covered([record for record in there if len(record.plan.numbers) <= largest])
        versions = dict(study.settings.versions)
    said = Origin(command, versions.pop("molopt"), date.today().isoformat(), note, versions)
    return keep(name, [as_row(record) for record in complete(records, may_lack)], said)


def complete(records: list[Record], may_lack: Collection[str] = ()) -> list[Record]:
    """Without the starts, as in a study that is not finished, that an optimizer has yet to be run on."""
    needed = {name for name in by_optimizer(records) if name not in may_lack}
    return [record for runs in by_problem(records).values() if needed <= set(runs) for record in runs.values()]


def as_row(record: Record) -> dict[str, object]:
    """The columns that statistics need; a source is a set or the last part of a path."""
    values = record.values()
    found = {name: spelled(name, values[name]) for name in (*PLAN, *OUTCOME)}
    return found | {"source": Path(str(values["source"])).name, "atoms": values["atoms"]}


def spelled(name: str, value: object) -> object:
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return ""
    return (ENERGY if name in ("energy", "floor_energy") else REST).format(value)


def runs(name: str) -> list[Record]:
    """The runs of a study as it is stored, without geometries and without the way."""
    return [record(row) for row in rows(name)]


def record(row: Row) -> Record:
    plan = {name: read(name, row[name]) for name in PLAN}
    outcome = {name: read(name, row[name]) for name in OUTCOME}
    unknown = {"smiles": "", "charge": 0, "spin": 1, "bonds": [], "start": [], "versions": {}, "tuned": False}
    atoms = {"numbers": [0] * int(row["atoms"])}
    limits = {"fmax_limit": 0.01, "energy_left_limit": None}
    return Record(Plan(**(plan | unknown | atoms | limits)), Outcome(**outcome))


def read(name: str, text: str) -> str | int | float:
    if name in TEXT:
        return text
    return int(text) if name in WHOLE else float(text or "nan")
