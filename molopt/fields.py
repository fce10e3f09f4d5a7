"""What travels with the geometry of a run, in the data fields of an SDF record and the info of ASE's atoms."""

import math
from collections.abc import Iterator, Mapping, Sequence

from molopt.columns import Column
from molopt.optimizers.spec import abbreviated
from molopt.schema import SDF, Outcome, Standing
from molopt.spelling import tidied

DIGITS = 12  # of numbers: the last four of sixteen depend on whether a run was alone or in a batch
Value = str | int | float
ANEW = "the end of the run, which changed them"


def run_fields(
    outcome: Outcome,
    potential: str,
    optimizer: str,
    versions: Mapping[str, str],
    columns: Sequence[Column[Standing]] = SDF,
) -> dict[str, Value]:
    """What a run found, by the names that CSV and JSON have for it, with units; what is not known has no field.

    Numbers have twelve digits. Charge, multiplicity and name are the molecule's own, and are not among them.

    Examples
    --------
    >>> found = run_fields(Outcome("converged", energy_left=4e-4, bonds_kept=False), "mmff94", "lbfgs", {"ase": "3.29"})
    >>> found["ended"], found["energy_left_meV"], found["identity"], found["versions"]
    ('converged', 0.4, 'rearranged', 'ase 3.29')
    >>> found["bonds_from"]
    'the end of the run, which changed them'
    """
    found = dict(shown(Standing(outcome), columns))
    found |= {"potential": tidied(potential), "optimizer": tidied(abbreviated(optimizer)) if optimizer else ""}
    found |= {"versions": ", ".join(f"{package} {version}" for package, version in versions.items())}
    if outcome.bonds_kept is False:
        found["bonds_from"] = ANEW
    return {name: value for name, value in found.items() if value != ""}


def shown(row: Standing, columns: Sequence[Column[Standing]]) -> Iterator[tuple[str, Value]]:
    for column in columns:
        cell = column.cell(row)
        value = cell.value if column.numeric else tidied(cell.text)
        if isinstance(value, float):
            value = float(f"{value:.{DIGITS}g}")
        if value is not None and not (isinstance(value, float) and math.isnan(value)) and value != "-":
            yield column.tagged, value
