"""Patterns that the landscape makes where a run has come to: a plateau, noise, a ridge, a bond that gives way."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from ase.data import covalent_radii

from molopt.convergence import auto
from molopt.coordinates.linearization import Linearized
from molopt.directions.checked import SHORTEST, Checked, lengths
from molopt.landscapes.diagnosis.advice import Advice, Pattern, bonded, held_most, median, named
from molopt.landscapes.diagnosis.walk import Walk
from molopt.noise import Noise
from molopt.optimizers.bonding import BROKEN
from molopt.stationary.known import Known
from molopt.stationary.soft import soft_motions

SOFT = ("torsions", "fragments")  # the classes that plateaus are made of
TUMBLING = ("fragment", "point")  # whose stiffness changes within a few degrees: there a ridge must have been seen


@dataclass(frozen=True)
class NoiseFloor(Pattern):
    """Noise in the forces makes more energy left than a run may end with, or is all that is left (`molopt.noise`)."""

    name: ClassVar = "noise floor"

    def look(self, walk: Walk) -> Advice | None:
        if walk.here is None:
            return None
        noise, here = noise_of(walk), walk.here
        floor = noise.floor(here) if is_heard(here) else 0.0
        left, limit = float(walk.estimates[-1]), auto(len(walk.recorded.atoms))
        alone = left > limit and noise.shown(here) and noise.at_rest(here, limit)
        if not (floor > limit or alone):
            return None
        made = f"noise of {1e3 * noise.sigma():.2g} meV/A in each force makes {1e3 * floor:.2g} meV of energy left"
        if not floor > limit:
            made = "energies do not show the work of the forces, and successive forces have little in common"
        return self.advice(
            0,
            len(walk.recorded) - 1,
            f"{made}; a run may end with {1e3 * limit:.2g} meV",
            "tighten the potential (SCF, grid, precision), or accept this end: more steps lead no lower",
        )


@dataclass(frozen=True)
class Plateau(Pattern):
    """Forces are small, and energy is left all the same, in soft coordinates.

    A force f along a coordinate of stiffness k leaves f^2 / 2k: of a torsion a hundred times more than of a bond.

    Attributes
    ----------
    fmax : float
        eV/A; ASE's default, below which most runs stop.
    soft : float
        Share of the energy left that torsions and fragments hold.
    crawl : float
        Part of the model's Newton step below which torsions stand nearly still.
    stretch : int
        Calls over which they do, before it is said of a run that has not come to small forces yet.
    """

    name: ClassVar = "plateau"
    fmax: float = 0.05
    soft: float = 0.6
    crawl: float = 0.05
    stretch: int = 20

    def look(self, walk: Walk) -> Advice | None:
        if walk.here is None or NoiseFloor().look(walk) is not None:  # there the energy left is not a slope
            return None
        calls, estimate, last = walk.calls, walk.estimates[-1], len(walk.calls) - 1
        left = float(estimate)
        share = sum(estimate.shares.get(group, 0.0) for group in SOFT) / max(left, 1e-300)
        if left <= auto(len(walk.recorded.atoms)) or share < self.soft:
            return None
        rates = calls.rates.get("torsions", np.full(len(calls), np.nan))
        recent = median(rates[-self.stretch :])
        if not (calls.fmax[-1] <= self.fmax or (len(calls) > self.stretch and recent < self.crawl)):
            return None
        most = named(estimate.top[0], walk.recorded.atoms.numbers)
        moved = "" if np.isnan(recent) else f"; torsions took {recent:.2g} of the model's Newton step"
        return self.advice(
            max(0, last - self.stretch),
            last,
            f"fmax is {calls.fmax[-1]:.3g} eV/A, and {1e3 * left:.3g} meV are left, {100 * min(share, 1.0):.0f} % of "
            f"it in soft coordinates, most in {most}{moved}",
            "go on in internal coordinates until the energy left is small, too, as molopt relax does by default",
        )


@dataclass(frozen=True)
class Ridge(Pattern):
    """At the end of the run the energy bends down: a ridge, or the slope beside it, not the floor of a valley.

    Either the last step has shown it, or what short steps near the end show, weighed as the check of a run weighs it
    (`molopt.stationary.known`): they have a part in a motion that is soft, and its force has changed the wrong way.

    Attributes
    ----------
    bent : float
        Curvature along the last step, relative to the model's, below which it is negative beyond its error: the
        surface bends on the way, which a secant averages over.
    clean : float
        sqrt(eV); steps and distances from the end up to which a secant says something of the curvature there.
    memory : int
        The last steps that are asked.
    """

    name: ClassVar = "a ridge ahead"
    bent: float = -0.1
    clean: float = Checked.clean
    memory: int = Checked.memory

    def look(self, walk: Walk) -> Advice | None:
        here, calls, end = walk.here, walk.calls, len(walk.calls) - 1
        alone = len(walk.recorded.atoms) < 2  # an atom has no shape that could be on a ridge
        if alone or here is None or not walk.steps or NoiseFloor().look(walk) is not None:
            return None
        last, numbers = walk.steps[-1], walk.recorded.atoms.numbers
        known = self.known(walk)
        if known is not None and known.ridge:
            curvature, doubt, direction = known.first
            first, move = end - known.products, known.basis @ direction
            seen = f"the lowest curvature is {curvature:.2g} ± {doubt:.1g} of the model's"
        elif last.end == end and calls.curvature[end] < self.bent:
            first, move = end, last.displacement
            seen = f"the curvature along the last step is {calls.curvature[end]:.2g} of the model's"
        else:
            return None
        most = held_most(here.member, move * here.apply(move), numbers)
        if most.startswith(TUMBLING) and not (known is not None and known.witnessed):
            return None
        return self.advice(
            max(0, first),
            end,
            f"{seen}, most in {most}, with fmax at {calls.fmax[end]:.3g} eV/A",
            "small forces do not make it a minimum: go on with --check auto, which leaves ridges, or use molopt check",
        )

    def known(self, walk: Walk) -> Known | None:
        """What the last steps show of the curvature at the last geometry; None where none is near."""
        here = walk.here
        if here is None:
            return None
        near = [step for step in walk.steps[-self.memory :] if step.member is here.member]
        if not near:
            return None
        steps = np.array([step.displacement for step in near])
        lacks = np.array([step.lack for step in near])
        offsets = np.array([-here.member.displacement(here, step.x) for step in near])
        sizes, away = np.split(lengths(here, np.concatenate([steps, offsets])), 2)
        kept = (np.maximum(sizes, away) <= self.clean) & (sizes > SHORTEST)
        if not kept.any():
            return None
        sigma = noise_of(walk).sigma() if is_heard(here) else 0.0
        return Known.at(here, soft_motions(here), steps[kept], lacks[kept], offsets[kept], sigma)


@dataclass(frozen=True)
class Breaking(Pattern):
    """A bond of the first geometry is longer than bonds are, and grows; or it is broken.

    Attributes
    ----------
    long : float
        Of the sum of covalent radii. In `molecules/` bonds reach 1.12 at most.
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
        if walk.molecule is None or not len(walk.molecule.bonds):
            return None
        bonds = walk.molecule.bonds
        recorded = walk.recorded
        i, j = bonds.T
        distances = np.linalg.norm(recorded.positions[:, i] - recorded.positions[:, j], axis=2)  # (n, nb) A
        ratios = distances / covalent_radii[recorded.atoms.numbers[bonds]].sum(axis=1)
        grows = distances[-1] > distances[-1 - self.recent :].min(axis=0)
        broken = ratios[-1] > BROKEN
        giving = (ratios[-1] > self.long) & (distances[-1] > self.grown * distances[0]) & (grows | broken)
        if not giving.any():
            return None
        worst = int(np.argmax(np.where(giving, ratios[-1], 0.0)))
        return self.advice(
            int(np.argmax(ratios[:, worst] > self.long)),
            len(recorded) - 1,
            f"{bonded(bonds[worst], recorded.atoms.numbers)} has grown from {distances[0, worst]:.2f} to "
            f"{distances[-1, worst]:.2f} A, {ratios[-1, worst]:.2f} times the sum of covalent radii, and "
            f"{'is broken' if broken[worst] else 'still grows'}",
            "see whether it should: check charge, multiplicity and start, or hold it (--hold) while the rest relaxes",
        )


def noise_of(walk: Walk) -> Noise:
    """What the force calls of the run say of the noise in them."""
    noise = Noise()
    recorded = walk.recorded
    for x, forces, energy in zip(recorded.positions, recorded.forces, recorded.energies, strict=True):
        noise.see(x.ravel(), -forces.ravel(), float(energy))
    return noise


def is_heard(here: Linearized) -> bool:
    """Whether net force and torque are noise: nothing outside of the molecule pulls at it, and nothing is held."""
    return here.member.free and here.free and not here.member.forbidden(here.x).shape[1]
