"""Patterns that the landscape makes where a run has come to: a plateau, noise, a ridge, a bond that gives way."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from ase.data import covalent_radii

from molopt.convergence import auto
from molopt.coordinates import Internal
from molopt.directions.checked import Checked, lengths
from molopt.landscapes.diagnosis.advice import Advice, Pattern, bonded, held_most, median, named
from molopt.landscapes.diagnosis.calls import Walk
from molopt.noise import REACHED, Noise
from molopt.stationary.known import Known
from molopt.stationary.soft import soft_motions

SOFT = ("torsions", "fragments")  # the classes that plateaus are made of


@dataclass(frozen=True)
class Plateau(Pattern):
    """Forces are small, and energy is left all the same, in soft coordinates.

    A force of f along a coordinate of stiffness k leaves f^2 / 2k: of a torsion a hundred times more than of a bond.

    Attributes
    ----------
    fmax : float
        eV/A; ASE's default, below which most runs stop.
    soft : float
        Share of the energy left that torsions and fragments hold.
    crawl : float
        Part of the model's Newton step below which torsions stand nearly still.
    stretch : int
        Calls over which they do, before it is said of a run that has not stopped yet.
    """

    name: ClassVar = "plateau"
    fmax: float = 0.05
    soft: float = 0.6
    crawl: float = 0.05
    stretch: int = 20

    def look(self, walk: Walk) -> Advice | None:
        if not walk.estimates:
            return None
        calls, estimate = walk.calls, walk.estimates[-1]
        limit, last = auto(len(walk.recorded.atoms)), len(calls) - 1
        if not float(estimate) > limit:
            return None
        share = soft_share(estimate.shares, float(estimate))
        if share < self.soft:
            return None
        rate = calls.rates.get("torsions", np.full(len(calls), np.nan))
        recent = median(rate[-self.stretch :])
        small = calls.fmax[-1] <= self.fmax
        crawls = len(calls) > self.stretch and recent < self.crawl
        if not (small or crawls):
            return None
        most = named(estimate.top[0], walk.recorded.atoms.numbers)
        moved = "" if np.isnan(recent) else f"; torsions took {recent:.2g} of the model's Newton step"
        remedy = "ask for the energy left besides fmax (--energy-left auto), and use internal coordinates"
        return self.advice(
            max(0, last - self.stretch),
            last,
            f"fmax is {calls.fmax[-1]:.3g} eV/A, and {1e3 * float(estimate):.2g} meV are left, {100 * share:.0f} % of "
            f"it in soft coordinates, most in {most}{moved}",
            remedy,
        )


@dataclass(frozen=True)
class NoiseFloor(Pattern):
    """Noise in the forces is all that is left, or makes more energy left than a run may end with (`molopt.noise`)."""

    name: ClassVar = "noise floor"

    def look(self, walk: Walk) -> Advice | None:
        recorded, here = walk.recorded, walk.here
        if here is None:
            return None
        noise = Noise()
        for x, forces, energy in zip(recorded.positions, recorded.forces, recorded.energies, strict=True):
            noise.see(x.ravel(), -forces.ravel(), float(energy))
        member = here.member
        heard = member.free and here.free and not member.forbidden(here.x).shape[1]
        sigma, floor = (noise.sigma(), noise.floor(here)) if heard else (0.0, 0.0)
        left, limit = float(walk.estimates[-1]), auto(len(recorded.atoms))
        reached = left <= REACHED * floor or noise.shown(here)
        if not (floor > limit or (reached and left > limit and noise.at_rest(here, limit))):
            return None
        last = len(recorded) - 1
        return self.advice(
            0,
            last,
            f"noise of {1e3 * sigma:.2g} meV/A in each force makes {1e3 * floor:.2g} meV of energy left by itself, and "
            f"the last call has {1e3 * left:.2g}; a run may end with {1e3 * limit:.2g}",
            "tighten the potential (SCF, grid, precision), or accept this end: more steps go no lower",
        )


@dataclass(frozen=True)
class Ridge(Pattern):
    """Near the end, the energy bends down along what the steps have shown: a ridge, not the floor of a valley.

    What short steps near the last geometry show of the curvature is weighed as the check of a run weighs it
    (`molopt.stationary.known`).

    Attributes
    ----------
    clean : float
        sqrt(eV); steps and distances from the end up to which a secant says something of the curvature there.
    memory : int
        The last steps that are asked.
    """

    name: ClassVar = "a ridge ahead"
    clean: float = Checked.clean
    memory: int = Checked.memory

    def look(self, walk: Walk) -> Advice | None:
        known = self.known(walk)
        if known is None or not known.witnessed or walk.here is None:
            return None
        curvature, direction = known.found
        here = walk.here
        move = known.basis @ direction
        each = move * here.apply(move)
        most = held_most(here.member, each, walk.recorded.atoms.numbers)
        end = len(walk.calls) - 1
        return self.advice(
            max(0, end - self.memory),
            end,
            f"the energy bends down along the last steps (lowest curvature {curvature:.2f} of the model's, most in "
            f"{most}), with fmax at {walk.calls.fmax[-1]:.3g} eV/A",
            'do not trust a small fmax here: use check="auto", which leaves ridges, or run molopt check on the end',
        )

    def known(self, walk: Walk) -> Known | None:
        """What the last steps show of the curvature at the last geometry; None where none is near."""
        here, near = walk.here, [step for step in walk.steps[-self.memory :] if walk.here is not None]
        near = [step for step in near if here is not None and step.member is here.member]
        if here is None or not near:
            return None
        internal = Internal([here.member])
        end = walk.steps[-1].new if walk.steps[-1].end == len(walk.calls) - 1 else here
        steps = np.array([step.displacement for step in near])
        lacks = np.array([step.new.lack(step.old, step.displacement) for step in near])
        offsets = np.array([internal.between(step.new, end) for step in near])
        sizes, away = np.split(lengths(here, np.concatenate([steps, offsets])), 2)
        kept = (np.maximum(sizes, away) <= self.clean) & (sizes > 0)
        if not kept.any():
            return None
        return Known.at(here, soft_motions(here), steps[kept], lacks[kept], offsets[kept])


@dataclass(frozen=True)
class Breaking(Pattern):
    """A bond is longer than bonds are, and grows.

    Attributes
    ----------
    long : float
        Of the sum of covalent radii. Of 1,5-dienes, peroxides and dative bonds the longest reach 1.15.
    grown : float
        Of its length in the first geometry.
    recent : int
        Calls over which it still grows.
    """

    name: ClassVar = "a bond about to break"
    long: float = 1.2
    grown: float = 1.05
    recent: int = 3

    def look(self, walk: Walk) -> Advice | None:
        if not walk.estimates or walk.bonds is None or not len(walk.bonds):
            return None
        recorded, bonds = walk.recorded, walk.bonds
        numbers = recorded.atoms.numbers
        i, j = bonds.T
        distances = np.linalg.norm(recorded.positions[:, i] - recorded.positions[:, j], axis=2)  # (n, nb) A
        ratios = distances / covalent_radii[numbers[bonds]].sum(axis=1)
        longer = distances[-1] > distances[-1 - min(self.recent, len(distances) - 1)]
        giving = (ratios[-1] > self.long) & (distances[-1] > self.grown * distances[0]) & longer
        if not giving.any():
            return None
        worst = int(np.argmax(np.where(giving, ratios[-1], 0.0)))
        first = int(np.argmax(ratios[:, worst] > self.long))
        return self.advice(
            first,
            len(recorded) - 1,
            f"{bonded(bonds[worst], numbers)} has grown from {distances[0, worst]:.2f} to {distances[-1, worst]:.2f} "
            f"A, {ratios[-1, worst]:.2f} times the sum of covalent radii, and still grows",
            "look whether it should: check charge, multiplicity and start, or hold it (--hold) while the rest relaxes",
        )


def soft_share(shares: dict[str, float], energy: float) -> float:
    return sum(shares.get(group, 0.0) for group in SOFT) / energy if energy > 0 else 0.0
