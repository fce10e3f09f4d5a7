"""Diagnose a run from its trajectory."""

import logging
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms

from molopt.errors import InputError
from molopt.landscapes.diagnosis.diagnosis import Diagnosis
from molopt.landscapes.diagnosis.of_steps import AgainstMemory, Capped, ZigZag
from molopt.landscapes.diagnosis.of_surfaces import Breaking, NoiseFloor, Plateau, Ridge
from molopt.landscapes.diagnosis.recorded import Recorded
from molopt.landscapes.diagnosis.walk import Walk
from molopt.optimizers.energy_left import Estimator, recipe_for

log = logging.getLogger("molopt")

PATTERNS = (ZigZag(), Capped(), AgainstMemory(), Plateau(), NoiseFloor(), Ridge(), Breaking())


def diagnose(
    trajectory: str | Path | Sequence[Atoms],
    *,
    charge: int | None = None,
    spin: int | None = None,
    name: str | None = None,
) -> Diagnosis:
    """Say what a run shows: how its steps fared, what holds the energy left, and what to do; no force call is made.

    Parameters
    ----------
    trajectory : str, Path or sequence of ase.Atoms
        Geometries in the order in which they were computed, each with its energy and forces: a `.traj` of ASE, extended
        XYZ, or what else ASE reads that has them. The trajectory of an optimizer of molopt says besides what each step
        promised, whether it was shortened, where it began, and what the rule remembered.
    charge, spin : int, optional
        Total charge, and the multiplicity 2S + 1; by default what the trajectory says.
    name : str, optional
        Of the molecule, in place of its own.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        It cannot be read, has fewer than three frames, frames of different atoms, or one without energy or forces.

    Examples
    --------
    >>> import molopt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "run.traj")
    >>> result = molopt.relax("CCO", trajectory=path)
    >>> diagnosis = molopt.diagnose(path)
    >>> len(diagnosis.calls) == result.force_calls, diagnosis.advice
    (True, ())
    """
    recorded = Recorded.of(trajectory).described(charge, spin, name)
    estimator = None
    try:
        estimator = Estimator(recipe_for(recorded.atoms))
    except InputError as error:
        why = "these atoms are periodic" if recorded.atoms.pbc.any() else error.message
        log.warning("nothing is said of bonds, angles and torsions: %s", why)
    walk = Walk.of(recorded, estimator)
    advice = tuple(found for pattern in PATTERNS if (found := pattern.look(walk)) is not None)
    return Diagnosis.of(walk, advice)
