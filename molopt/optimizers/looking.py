"""The curvature at any geometry: the check of a run without the run."""

import math
from dataclasses import replace

from ase import Atoms

from molopt.convergence import auto
from molopt.errors import InputError
from molopt.molecules import Molecule
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.lbfgs import LBFGS
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import STATIONARY


def look(atoms: Atoms, molecule: Molecule | None = None, calls: int = 8) -> Curvature:
    """What a geometry is, from a few force calls near it, and the energy that is left below it.

    They are the steps of a checked run that starts here: probes of the softest directions, Newton steps where energy is
    left, a push off a ridge. A saddle is one where a displacement along the ridge has shown it, or the push went
    down. The energy left is what they went down, and what is left at their end; a geometry is
    stationary where that is at most the larger of 1 meV and 0.02 meV an atom.

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator. They are moved.
    molecule : Molecule, optional
        What these atoms are; by default that is perceived.
    calls : int
        Largest number of force calls.

    Raises
    ------
    PotentialFailed
        A force call failed.
    """
    try:
        run = LBFGS(atoms, logfile=None, molecule=molecule, coordinates="internal", check=CheckRequest("auto", calls))
    except InputError as error:
        return Curvature.unknown(error.message.partition(": use")[0])
    if not run.checking.possible:
        return Curvature.unknown(run.checking.why_not)
    start = lowest = float(atoms.get_potential_energy())
    at_first: Curvature | None = None  # the ridge that the geometry lies on
    witnessed = False
    for over in run.irun(fmax=math.inf, steps=calls):
        lowest = min(lowest, float(atoms.get_potential_energy()))
        found = run.checking.found
        if at_first is None and found is not None and found.ridge:
            at_first = run.checking.seen(found)  # run.curvature is that of where the atoms are by now
            witnessed = found.known.witnessed
        if over:
            break
    last = run.curvature
    assert last is not None
    if not witnessed and start - lowest <= auto(len(atoms)):
        at_first = None  # it was inferred alone, and led nowhere down
    left = start - lowest + float(run.energy_left)
    seen = last if at_first is None else at_first
    word = "saddle" if at_first is not None else last.stationary
    why = f"{run.nsteps} force call{'s' * (run.nsteps != 1)} did not decide" if word == "unchecked" else ""
    if STATIONARY[word].converged and left > auto(len(atoms)):
        word, why = "not stationary", f"{1e3 * left:.1f} meV are left"
    return replace(seen, calls=run.nsteps, pushes=0, energy_left=left, stationary=word, why=why)
