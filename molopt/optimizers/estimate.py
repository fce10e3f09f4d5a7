"""An estimate of the energy left, and what it says."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import LOOKED_AT


class Part(NamedTuple):
    """One coordinate's share of the energy left."""

    kind: str  # stretch, angle, bend, torsion, plane, fragment or point (a single atom)
    atoms: tuple[int, ...]  # counted from 0
    energy: float  # eV

    def __str__(self) -> str:
        return f"{self.kind} {'-'.join(map(str, self.atoms[:4]))} {1e3 * self.energy:.1f}"


@dataclass(frozen=True)
class Estimate:
    """An estimate of the energy left; `float()` of it is the energy.

    Attributes
    ----------
    energy : float
        eV above the floor of the basin.
    shares : dict
        Of bonds, angles (linear bends and planes included), torsions and fragments (their positions and orientations,
        and single atoms), eV; they add up to the energy. A share can be a little below zero, where coordinates are
        coupled.
    top : tuple of Part
        The three coordinates that hold most. Torsions about one bond turn together and are one, named by the largest
        of them; so are the components of a fragment's motion.
    stationary : str
        What the geometry is (`molopt.stationary.verdict.STATIONARY`): "unchecked" where nothing was seen of the true
        curvature, so that the energy is that of a valley as the model sees it.
    """

    energy: float
    shares: dict[str, float]
    top: tuple[Part, ...]
    stationary: str = "unchecked"

    def __float__(self) -> float:
        return self.energy

    def __str__(self) -> str:
        shares = ", ".join(f"{group} {1e3 * share:.1f}" for group, share in self.shares.items())
        known = f"{1e3 * self.energy:.1f} meV left" if math.isfinite(self.energy) else "energy left not known"
        most = "; ".join(map(str, self.top)) or "nothing"
        return f"{known}, {self.stationary} ({shares}); most in {most}"

    def corrected(self, seen: Curvature) -> "Estimate":
        """The estimate with the energy that the true curvature says, its shares in the same proportions.

        On a saddle the energy is NaN, and shares are those of the model.
        """
        if seen.stationary not in LOOKED_AT:
            return replace(self, stationary=seen.stationary)
        energy = seen.energy_left if seen.stationary != "saddle" else math.nan
        ratio = energy / self.energy if math.isfinite(energy) and self.energy > 0 else 1.0
        shares = {group: ratio * share for group, share in self.shares.items()}
        top = tuple(part._replace(energy=ratio * part.energy) for part in self.top)
        return Estimate(energy, shares, top, seen.stationary)

    def as_dict(self) -> dict[str, Any]:
        """In plain values, eV."""
        return {
            "energy": self.energy if math.isfinite(self.energy) else None,
            "shares": self.shares,
            "top": [part._asdict() for part in self.top],
            "stationary": self.stationary,
        }
