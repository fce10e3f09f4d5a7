"""Check a geometry: a minimum, a saddle, or not stationary; its frequencies and thermochemistry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from molopt.checked.check import Check
from molopt.convergence import auto
from molopt.coordinates.member import Member
from molopt.coordinates.rigid import nothing, rigid_left_by
from molopt.displacing import Answers, ForcesOf, InProcesses, InThisProcess, forces_at
from molopt.errors import InputError, RunStopped
from molopt.execution import Pool
from molopt.molecules import Molecule
from molopt.molecules.electrons import name_of
from molopt.molecules.identity import by_itself
from molopt.molecules.single import Described
from molopt.optimizers.constraints import held_of
from molopt.optimizers.energy_left import energy_left, largest
from molopt.optimizers.internals import Recipe
from molopt.optimizers.looking import look
from molopt.potentials import Counted
from molopt.potentials.budget import Budget
from molopt.potentials.counting import with_constraints
from molopt.rules.base import check as require
from molopt.rules.partition import Array
from molopt.signs import stage
from molopt.stationary.curvature import Curvature
from molopt.stationary.frequencies import STEP, NormalModes, central_differences, straightened
from molopt.stationary.hessian_curvature import curvature_of
from molopt.stationary.modes import shares
from molopt.stationary.thermochemistry import ATMOSPHERE, Conditions, Thermochemistry, thermochemistry
from molopt.stationary.verdict import STATIONARY, Verdict
from molopt.system import system_of

LEAST = 0.1  # of a mode, that a coordinate which is named has in it
FAR = 4.0  # times fmax: beyond, a geometry is not stationary, and nothing is looked at
ANYWAY = "give --even-if-not-a-minimum (in Python even_if_not_a_minimum=True)"


def check(
    target: Described,
    potential: Any = None,
    frequencies: bool = False,
    *,
    fmax: float = 0.05,
    calls: int = 8,
    temperature: float = 298.15,
    pressure: float = ATMOSPHERE,
    symmetry_number: int | None = None,
    even_if_not_a_minimum: bool = False,
    displacement: float = STEP,
    workers: int = 1,
    time_limit: float | None = None,
    on_call: Callable[[int], object] | None = None,
) -> Check:
    """Determine what a geometry is, wherever it comes from; it is not changed.

    Parameters
    ----------
    target : Molecule, ase.Atoms, rdkit.Chem.Mol, str or Path
        As in `relax`. Constraints of atoms hold.
    potential : str or ASE calculator, optional
        As in `relax`: by default the atoms' own, and MMFF94 for a Molecule.
    frequencies : bool
        Whether all frequencies are computed, and thermochemistry with them: two force calls for each of the entries
        that may move, and six for each mode that could be flat. Otherwise a few calls look for the lowest curvature.
    fmax : float
        Stationary where no force on an atom is longer, eV/A; ASE's default. The energy left must be small, too: at most
        1 meV or 0.02 meV an atom, whichever is more.
    calls : int
        Largest number of force calls of the look, beside that of the geometry itself.
    temperature, pressure : float
        K and Pa.
    symmetry_number : int, optional
        By default that of the geometry.
    even_if_not_a_minimum : bool
        Whether there is thermochemistry of saddles (without their imaginary modes) and of what is not stationary.
    displacement : float
        Angstrom, of central differences. Make it longer for forces that are noisy: 0.01 is ASE's default.
    workers : int
        Processes among which the force calls of frequencies are divided, in a potential that is given by its name.
    time_limit : float, optional
        Seconds after which the check begins no further force call; one that it has begun is finished.
    on_call : callable, optional
        Called with the number of displaced geometries so far.

    Raises
    ------
    InputError
        An argument cannot be used; a constraint is not understood; workers without the name of a potential.
    PotentialFailed
        A force call failed.
    TimeoutError
        The time limit was reached.

    Examples
    --------
    >>> import molopt
    >>> water = molopt.relax(molopt.Molecule.from_smiles("O"), fmax=1e-3)
    >>> found = molopt.check(water.molecule, frequencies=True)
    >>> found.stationary, found.frequencies.wavenumbers.round(-1).tolist(), found.force_calls
    ('minimum', [1580.0, 3720.0, 3780.0], 19)
    """
    require_numbers(fmax, displacement, workers)
    require("calls", calls, "positive")
    conditions = Conditions(temperature, pressure, symmetry_number)
    budget = Budget(time_limit=time_limit)
    atoms, molecule, calculator = system_of(target, potential)
    if workers != 1 and not isinstance(potential, str):
        raise InputError('a calculator cannot be divided among workers: give a potential by name, such as "gfn2-xtb"')
    moving, known = atoms.copy(), knows_forces(calculator, atoms)
    moving.calc = Counted(calculator, budget=budget)
    answers: InThisProcess | InProcesses = InThisProcess(moving, on_call)
    if workers != 1 and frequencies:
        answers = InProcesses(ForcesOf(atoms, molecule, potential), workers, on_call, budget)
    normal, name = None, name_of(atoms) if molecule is None else molecule.name
    budget.begin()
    try:
        there = Place.of(moving, molecule)
        if frequencies:
            with stage("frequencies", name, len(atoms), of=2 * int(there.movable.sum())):
                normal = there.modes(answers, displacement)
                curvature = there.curvature(normal)
        elif there.fmax > FAR * fmax:
            curvature = Curvature.unknown("far from stationary")
        else:
            with stage("checking", name, len(atoms)):
                curvature = look(moving, molecule, calls)
    except RunStopped as stopped:
        raise TimeoutError(stopped.why) from None
    verdict = judged(there, curvature, fmax, molecule)
    thermo, refused = None, ""
    if normal is not None:
        try:
            thermo = gas(there, normal, verdict, conditions, molecule, even_if_not_a_minimum)
        except InputError as error:
            refused = error.message
    return Check(
        atoms=there.atoms,
        molecule=molecule,
        name=name,
        potential=potential if isinstance(potential, str) else moving.calc._get_name(),
        energy=there.energy,
        fmax=there.fmax,
        verdict=verdict,
        curvature=curvature,
        frequencies=normal,
        names=there.names([curvature.direction] if normal is None else normal.modes),
        thermochemistry=thermo,
        refused=refused,
        force_calls=answers.calls + (curvature.calls if normal is None else 0) + (not known),
    )


def require_numbers(fmax: float, displacement: float, workers: int) -> None:
    """Raise InputError where one of them is out of its range."""
    require("fmax", fmax, "positive")
    require("displacement", displacement, "positive")
    if workers != 1:
        Pool(workers)


@dataclass(frozen=True, eq=False)
class Place:
    """A geometry whose energy and forces are known, and what holds it.

    Attributes
    ----------
    atoms : ase.Atoms
        With energy and forces.
    energy, fmax : float
        eV and eV/A, constraints applied.
    x, gradient : (3N,) arrays
        Angstrom and eV/A, constraints applied.
    movable : (3N,) array of bool
        Entries that no constraint fixes.
    forbidden : (3N, k) array
        Directions that constraints forbid.
    rigid : (3N, r) array
        Motions of the whole that change nothing.
    coordinates : Member or None
        None of periodic atoms.
    """

    atoms: Atoms
    energy: float
    fmax: float
    x: Array
    gradient: Array
    movable: Array
    forbidden: Array
    rigid: Array
    coordinates: Member | None

    @classmethod
    def of(cls, moving: Atoms, molecule: Molecule | None) -> Self:
        """Where atoms are, which costs one force call."""
        forces = moving.get_forces(apply_constraint=False)
        results = {"energy": moving.calc.results["energy"], "forces": forces}
        energy, _ = with_constraints(moving, results)
        x = moving.positions.ravel().copy()
        gradient = -forces_at(moving, x)
        fmax = float(np.linalg.norm(gradient.reshape(-1, 3), axis=1).max(initial=0.0))
        atoms = moving.copy()
        atoms.calc = SinglePointCalculator(atoms, **results)
        held = held_of(atoms)
        forbidden = held.forbidden(x)
        coordinates = None if molecule is None else Recipe.of(atoms, molecule=molecule).build(x, gradient)
        rigid = nothing(x)
        if coordinates is None:
            if held.movable.all() and not forbidden.shape[1] and not held.outside:
                rigid = np.tile(np.eye(3), (len(atoms), 1)) / np.sqrt(len(atoms))  # a crystal has no rotations
        elif coordinates.free:
            rigid = rigid_left_by(held.movable, forbidden, straightened(atoms.positions))
        return cls(atoms, energy, fmax, x, gradient, held.movable, forbidden, rigid, coordinates)

    def modes(self, answers: Answers, displacement: float) -> NormalModes:
        """All vibrations, from forces at displaced geometries."""
        differences = central_differences(answers, self.x, self.movable, displacement)
        masses = self.atoms.get_masses()
        found = NormalModes.of(differences, masses, self.movable, self.rigid, self.forbidden)
        return found.looked_at_again(answers, self.x)

    def curvature(self, normal: NormalModes) -> Curvature:
        """The lowest, from all modes."""
        return curvature_of(normal, self.x, self.gradient, self.movable, self.coordinates)

    def names(self, moves: Iterable[Array]) -> tuple[str, ...]:
        """The internal coordinates that hold most of each move (N, 3), as "torsion 2-0-1-3 88 %"."""
        return tuple(map(self.named, moves))

    def named(self, move: Array) -> str:
        if self.coordinates is None or not move.any():
            return ""
        most = largest(self.coordinates.primitives, shares(self.coordinates, self.x, move.ravel()))
        return ", ".join(
            f"{part.kind} {'-'.join(map(str, part.atoms[:4]))} {100 * part.energy:.0f} %"
            for place, part in enumerate(most)
            if part.energy >= LEAST or place == 0
        )


def judged(there: Place, curvature: Curvature, fmax: float, molecule: Molecule | None) -> Verdict:
    """The verdict on a geometry that no run of ours led to: converged where its forces are those of a stationary one.

    The molecule is "kept" where the geometry has the bonds that its source says.
    """
    stationary, why = curvature.stationary, curvature.why
    if STATIONARY[stationary].converged and curvature.energy_left > auto(len(there.atoms)):
        stationary, why = "not stationary", f"{1e3 * curvature.energy_left:.1f} meV are left; {why}"
    if there.fmax > fmax:
        stationary = "not stationary"
        above = f"fmax {there.fmax:.4f} eV/A is above {fmax:g}"
        why = "; ".join(filter(None, (above, why or ("on a ridge" if curvature.stationary == "saddle" else ""))))
    became = None if molecule is None else by_itself(molecule)
    left = curvature.energy_left
    far = np.isnan(left) and stationary != "saddle"
    if far and molecule is not None and there.movable.any():  # as the model sees it
        left = energy_left(there.atoms, molecule).energy
    return Verdict(
        ended="converged" if STATIONARY[stationary].converged else "unconverged",
        stationary=stationary,
        molecule="unknown" if became is None else became.word,
        why="; ".join(filter(None, (why, "" if became is None else became.why))),
        energy_left=None if np.isnan(left) else left,
    )


def gas(
    there: Place,
    normal: NormalModes,
    verdict: Verdict,
    conditions: Conditions,
    molecule: Molecule | None,
    anyway: bool,
) -> Thermochemistry:
    """Thermochemistry, refused with InputError for what is not a minimum unless asked."""
    if not verdict.converged and not anyway:
        what = "a saddle" if verdict.stationary == "saddle" else "not stationary"
        raise InputError(f"it is for minima, and this is {what}: relax the geometry first, or {ANYWAY}")
    multiplicity = 1 if molecule is None else molecule.spin
    return thermochemistry(normal, there.atoms, there.energy, conditions, multiplicity)


def knows_forces(calculator: Any, atoms: Atoms) -> bool:
    """Whether the forces of a geometry are known to a calculator, so that asking for them is not a force call."""
    try:
        return calculator.get_property("forces", atoms, allow_calculation=False) is not None
    except Exception:  # each calculator has its own way to say no
        return False
