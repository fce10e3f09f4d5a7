"""The figures of an experiment beside what its claim says of them, as a table and as text."""

import math
from collections.abc import Iterator

from molopt.columns import Cell
from molopt.landscapes.experiment import Finding, Number, Outcome
from molopt.report.elements import Heading, Table

HEADINGS = (Heading("what"), Heading("measured"), Heading("expected"), Heading("holds"))


def table(where: str, outcome: Outcome) -> Table:
    """The figures of the model surface, or of the molecule."""
    return Table(where, HEADINGS, [row(number) for number in outcome.numbers])


def row(number: Number) -> list[Cell]:
    holds = "" if number.holds is None else "yes" if number.holds else "no"
    return [Cell(number.what), Cell(measured(number), number.measured), Cell(number.expected), Cell(holds)]


def measured(number: Number) -> str:
    """A figure with its unit, in four digits.

    >>> measured(Number("speed", 0.0123456, unit="Å"))
    '0.01235 Å'
    """
    return f"{number.measured:.4g}{f' {number.unit}' if number.unit else ''}"


def lines(finding: Finding) -> Iterator[str]:
    """An experiment as text: claim, figures, verdict."""
    experiment = finding.experiment
    yield f"{experiment.name}: {experiment.title}"
    yield f"  {experiment.claim}"
    for where, outcome in finding.outcomes.items():
        yield f"  On the {where}"
        for number in outcome.numbers:
            mark = {None: " ", True: "+", False: "!"}[number.holds]
            beside = f"  ({number.expected})" if number.expected else ""
            yield f"  {mark} {measured(number):>14}  {number.what}{beside}"
        yield f"    {outcome.verdict}"


def as_plain(finding: Finding) -> dict[str, object]:
    """For JSON."""
    return {
        "name": finding.experiment.name,
        "title": finding.experiment.title,
        "claim": finding.experiment.claim,
        "holds": finding.holds,
        "seconds": finding.seconds,
        "outcomes": {where: outcome_as_plain(outcome) for where, outcome in finding.outcomes.items()},
    }


def outcome_as_plain(outcome: Outcome) -> dict[str, object]:
    return {"verdict": outcome.verdict, "numbers": [number_as_plain(number) for number in outcome.numbers]}


def number_as_plain(number: Number) -> dict[str, object]:
    said: dict[str, object] = {"what": number.what, "unit": number.unit, "holds": number.holds}
    for name in ("measured", "predicted", "within", "least", "most"):
        said[name] = finite(getattr(number, name))
    return said


def finite(value: float | None) -> float | None:
    """A figure that JSON can hold: None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)
