"""What one run gave."""

import math
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from molopt.molecules import Molecule
from molopt.optimizers.energy_left import Estimate
from molopt.potentials.counting import ForceCall
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import Verdict


@dataclass(frozen=True)
class Result:
    """A finished run, as `molopt.relax` returns it.

    Attributes
    ----------
    atoms : ase.Atoms
        The last geometry, with its energy and forces; of a run that did not converge, for whatever reason, the lowest
        one that made sense. `energy`, `fmax` and `energy_left` are of the same geometry.
    molecule : Molecule or None
        The same geometry with bonds, charge and multiplicity; None where the atoms are periodic.
    name : str
        Of the molecule.
    potential : str
    optimizer : str
        With every hyper-parameter.
    verdict : Verdict
        How the run ended, what its end is, and whether it is still the molecule, with the evidence.
    curvature : Curvature or None
        What the check of the end found; None where there was none.
    at_noise_floor : bool
        Whether it converged because noise in the forces is all that is left.
    energy : float
        eV, with what constraints add; NaN where not even the first force call worked.
    fmax : float
        eV/A, the longest force on an atom, constraints applied; NaN as the energy.
    energy_left : Estimate or None
        The energy above the floor of the basin: with the true curvature where that was looked at, NaN on a saddle, else
        as `molopt.energy_left` estimates it for this geometry. None where it cannot be known, as in periodic systems.
    force_calls : int
        Evaluations of energy and forces at a new geometry, a failed one included.
    steps : int
        Of the optimizer.
    seconds : float
        Wall time of the run, without the writing of the trajectory and `on_call`.
    optimizer_seconds : float
        Of these, the seconds outside the potential and the surrogate.
    surrogate : str or None
        The cheap potential that guided the run.
    surrogate_calls : int
    surrogate_seconds, surrogate_setup_seconds : float
        Seconds inside the surrogate, which are part of `seconds`, and to set it up, which are not.
    trace : list of ForceCall
        energy, fmax and seconds inside the potential of each force call that worked.
    bonds_kept, stereo_kept : bool or None
        Whether the molecule is still that of the start; None where that is not known, or there is no stereo.
    error : str or None
        Why the run stopped before its end.
    converged : bool
        Whether the last geometry meets all criteria, or is as near to the floor as noise in the forces allows, and no
        saddle is left that the run was to leave.
    ended : str
        How the run ended, as its verdict says it.
    """

    atoms: Atoms
    molecule: Molecule | None
    name: str
    potential: str
    optimizer: str
    verdict: Verdict
    curvature: Curvature | None
    at_noise_floor: bool
    energy: float
    fmax: float
    energy_left: Estimate | None
    force_calls: int
    steps: int
    seconds: float
    optimizer_seconds: float
    surrogate: str | None
    surrogate_calls: int
    surrogate_seconds: float
    surrogate_setup_seconds: float
    trace: list[ForceCall]
    bonds_kept: bool | None
    stereo_kept: bool | None
    error: str | None

    @property
    def converged(self) -> bool:
        return self.verdict.converged

    @property
    def ended(self) -> str:
        return self.verdict.ended

    def as_dict(self) -> dict[str, Any]:
        """The same in plain values, fit for JSON; NaN is None, the trace is one list for each of its columns."""
        plain = {key: finite(value) for key, value in vars(self).items()}
        plain |= {"converged": self.converged, "ended": self.ended, "verdict": self.verdict.as_dict()}
        plain["curvature"] = None if self.curvature is None else self.curvature.as_dict()
        columns = zip(*self.trace, strict=True) if self.trace else [()] * len(ForceCall._fields)
        plain["energy_left"] = None if self.energy_left is None else self.energy_left.as_dict()
        plain["trace"] = {key: list(column) for key, column in zip(ForceCall._fields, columns, strict=True)}
        plain["atoms"] = {"symbols": list(self.atoms.symbols), "positions": self.atoms.positions.tolist()}
        if self.atoms.pbc.any():
            plain["atoms"] |= {"cell": self.atoms.cell.tolist(), "pbc": self.atoms.pbc.tolist()}
        if self.trace:
            plain["atoms"]["forces"] = self.atoms.get_forces(apply_constraint=False).tolist()
        if self.molecule is not None:
            said = self.molecule
            plain["molecule"] = {"smiles": said.smiles, "charge": said.charge, "spin": said.spin, "sdf": said.to_sdf()}
        return plain


def finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
