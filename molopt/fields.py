"""What is said of a run in the data fields of an SDF record."""

from collections.abc import Sequence

from molopt.columns import UNKNOWN, Column
from molopt.schema import SDF, Outcome, Standing


def sdf_fields(outcome: Outcome, columns: Sequence[Column[Standing]] = SDF) -> dict[str, str]:
    """The verdict by the names that CSV and JSON have for it, with units; what is not known has no field.

    Examples
    --------
    >>> sdf_fields(Outcome("converged", energy_left=4e-4, bonds_kept=True))
    {'ended': 'converged', 'stationary': 'unchecked', 'identity': 'kept', 'energy_left_meV': '0.4?'}
    """
    found = {column.tagged: " ".join(column.cell(Standing(outcome)).text.split()) for column in columns}
    return {name: text for name, text in found.items() if text != UNKNOWN}
