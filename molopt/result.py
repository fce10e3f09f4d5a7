"""What one run gave."""

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from ase import Atoms

from molopt.columns import documented, plain
from molopt.convergence import Criterion, EnergyLeft, Fmax
from molopt.fields import run_fields
from molopt.molecules import Molecule
from molopt.molecules.writing import Structure, write
from molopt.notebook import beside, html_facts
from molopt.optimizers.energy_left import Estimate
from molopt.potentials.counting import ForceCall
from molopt.schema import RELAXED, Measured, Outcome, Standing
from molopt.spelling import amount
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import Verdict
from molopt.versions import versions_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molopt.drawing.run import Descent
    from molopt.drawing.viewing import Viewer

Limit: TypeAlias = Fmax | EnergyLeft  # criteria that a figure has a line for


@documented
@dataclass(frozen=True, kw_only=True, repr=False)
class Result(Measured):
    """A finished run, as `molopt.relax` returns it.

    Attributes
    ----------
    atoms : ase.Atoms
        The last geometry, with its energy and forces; of a run that did not converge, for whatever reason, the lowest
        one that made sense. `energy`, `fmax` and `energy_left` are of the same geometry.
    molecule : Molecule or None
        The same geometry with bonds, charge and multiplicity; None where the atoms are periodic. Where the run did not
        keep the bonds of its start, it has those that are there.
    name : str
        Of the molecule.
    potential : str
    optimizer : str
        With every hyper-parameter.
    criteria : tuple of Criterion
        That its end had to meet, fmax first.
    verdict : Verdict
        How the run ended, what its end is, and whether it is still the molecule, with the evidence.
    curvature : Curvature or None
        What the check of the end found; None where there was none.
    energy_left : Estimate or None
        The energy above the floor of the basin: with the true curvature where that was looked at, NaN on a saddle, else
        as `molopt.energy_left` estimates it for this geometry. None where it cannot be known, as in periodic systems.
    trace : list of ForceCall
        energy, fmax and seconds inside the potential of each force call that worked.
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
    criteria: tuple[Criterion, ...]
    verdict: Verdict
    curvature: Curvature | None
    energy_left: Estimate | None
    trace: list[ForceCall]

    @property
    def converged(self) -> bool:
        return self.verdict.converged

    @property
    def ended(self) -> str:
        return self.verdict.ended

    def __repr__(self) -> str:
        """
        >>> from molopt import relax
        >>> relax("CCO ethanol")
        <Result ethanol: minimum, -0.057902 eV, fmax 0.0132 eV/A, 6 force calls, mmff94>
        """
        end = self.verdict.short
        calls = amount(self.force_calls, "force call")
        return (
            f"<Result {self.name}: {end}, {self.energy:.6f} eV, fmax {self.fmax:.4f} eV/A, {calls}, {self.potential}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from molopt.drawing.run import run_svg

        standing, why = Standing(Outcome.of(self)), self.error or self.verdict.why
        facts = {column.titled: column.cell(standing).text for column in RELAXED}
        table = html_facts(f"{self.name}, {self.potential}", facts | {"molecule": self.verdict.molecule, "why": why})
        drawing = "" if self.molecule is None else self.molecule.to_svg()
        return beside(table, drawing, run_svg(self._descent()) if self.trace else "")

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """Energy above the floor of the basin and fmax against force calls, with the criteria (`molopt.drawing.run`).

        With a path, the figure is written there, too: .png, .svg or .pdf.
        """
        from molopt.drawing.run import run_figure
        from molopt.drawing.saving import saved

        return saved(run_figure(self._descent()), path)

    def view(self) -> "Viewer":
        """The geometry in 3D, in a notebook; chemiscope must be installed."""
        from molopt.drawing.viewing import viewed

        return viewed([self.atoms])

    def _descent(self) -> "Descent":
        from molopt.drawing.run import Descent

        energies = np.array([call.energy for call in self.trace])
        here = np.flatnonzero(energies == self.energy)
        left = None if self.energy_left is None else float(self.energy_left)
        limits = {type(criterion): criterion.limit for criterion in self.criteria if isinstance(criterion, Limit)}
        return Descent(
            energies,
            forces=np.array([call.fmax for call in self.trace]),
            end=int(here[-1]) if len(here) else len(energies) - 1,
            left=left if left is not None and math.isfinite(left) else None,
            most_left=limits.get(EnergyLeft),
            fmax=limits.get(Fmax),
            good=self.converged,
            name=self.name,
            potential=self.potential,
            ended=f"{self.verdict.short} after {amount(self.force_calls, 'force call')}",
        )

    def structure(self) -> Structure:
        """What files say of it: the geometry, and `molopt.fields`."""
        fields = run_fields(Outcome.of(self), self.potential, self.optimizer, versions_of([self.potential]))
        return Structure(self.molecule, self.atoms, fields)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the geometry, and what was found, as the ending of the path says: .sdf, .xyz, .pdb or .traj.

        Energy, fmax, energy left, verdict, force calls, potential, optimizer and versions are data fields of the SDF,
        and `info` of what ASE reads from XYZ and trajectories, which have forces, too; PDB has none of it. Charge,
        multiplicity and bonds are in all of them.
        """
        write(path, [self.structure()])

    def as_dict(self) -> dict[str, object]:
        """The same in plain values, fit for JSON; NaN is None, the trace is one list for each of its columns."""
        found = {key: plain(value) for key, value in vars(self).items()}
        found["criteria"] = [str(criterion) for criterion in self.criteria]
        found |= {"converged": self.converged, "ended": self.ended, "verdict": self.verdict.as_dict()}
        found["curvature"] = None if self.curvature is None else self.curvature.as_dict()
        found["energy_left"] = None if self.energy_left is None else self.energy_left.as_dict()
        columns = zip(*self.trace, strict=True) if self.trace else [()] * len(ForceCall._fields)
        found["trace"] = {key: list(column) for key, column in zip(ForceCall._fields, columns, strict=True)}
        found["atoms"] = self.atoms_as_dict()
        if self.molecule is not None:
            said = self.molecule
            found["molecule"] = {"smiles": said.smiles, "charge": said.charge, "spin": said.spin, "sdf": said.to_sdf()}
        return found

    def atoms_as_dict(self) -> dict[str, object]:
        """The geometry (A), its cell where it has one, and its forces (eV/A) where they are known."""
        rows = [[plain(value) for value in row] for row in self.atoms.positions.tolist()]
        found: dict[str, object] = {"symbols": list(self.atoms.symbols), "positions": rows}
        if self.atoms.pbc.any():
            found |= {"cell": self.atoms.cell.tolist(), "pbc": self.atoms.pbc.tolist()}
        if self.trace:
            found["forces"] = self.atoms.get_forces(apply_constraint=False).tolist()
        return found
