"""What is said of a run in the data fields of an SDF record."""

import math

from molopt.stationary.verdict import Verdict, left_text


def sdf_fields(verdict: Verdict, stiffness: float = math.nan) -> dict[str, str]:
    """The verdict by the names that CSV and JSON have for it; what is not known has no field.

    Parameters
    ----------
    verdict : Verdict
    stiffness : float
        The lowest curvature that was found, eV/A^2; NaN where nobody looked.

    Examples
    --------
    >>> sdf_fields(Verdict("converged", "unchecked", "kept", energy_left=4e-4))
    {'ended': 'converged', 'stationary': 'unchecked', 'identity': 'kept', 'energy_left_meV': '0.4?'}
    """
    left = left_text(verdict.energy_left, verdict.stationary)
    found = {
        "ended": verdict.ended,
        "stationary": verdict.stationary,
        "identity": verdict.molecule,
        "why": " ".join(verdict.why.split()),
        "lowest_curvature_eV_per_A2": "" if math.isnan(stiffness) else f"{stiffness:.5g}",
        "energy_left_meV": "" if left == "-" else left,
    }
    return {name: text for name, text in found.items() if text}
