"""The way down on a model of the surface that costs no force call, within a trust region."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from molopt.directions.base import Limits
from molopt.directions.quasi_newton import QuasiNewton
from molopt.rules.partition import Array

STEPS = 40
ENOUGH = 2.5e-3  # of the energy left at the start: less is not worth the time, the model is not that good
LEAST = 1e-8  # eV
MAXSTEP, MAXCHANGE = 1.0, 0.5  # of one step of the way, Angstrom, and Angstrom or rad
POOR, GOOD, SHRINK, GROWTH = 0.25, 0.6, 0.5, 1.7  # as in `molopt.control.Trust`
CUTS = 12  # halvings of the step that leaves the trust region
WALK = QuasiNewton()

Model = Callable[[Array], tuple[float, Array]]


class Reached(NamedTuple):
    """The lowest point of the way."""

    x: Array  # (3N,)
    displacement: Array  # (nq,) from the start, in scaled coordinates
    change: float  # eV, what the model says
    limited: bool  # whether the trust region ended the way


def descend(model: Model, frame: Any, limits: Limits) -> Reached:
    """From a frame down the model (x -> energy from the start, eV; gradient (3N,), eV/A) until it is flat.

    The way is that of `QuasiNewton`. A step that leaves the trust region is cut at its border, and is the last.
    """
    coordinates = frame.coordinates
    here, energy = frame, 0.0
    state, radius, first = None, np.inf, np.inf
    best = Reached(frame.x, np.zeros_like(frame.gradient), 0.0, False)
    travelled = best.displacement
    for count in range(STEPS):
        seen = coordinates.observe(here, travelled)
        state = WALK.init(seen) if state is None else state
        proposal, _ = WALK.propose(here, seen, state, Limits(np.array([radius]), MAXSTEP, MAXCHANGE))
        left = float(proposal.energy_left[0])
        first = left if count == 0 else first
        if count > 0 and left < max(ENOUGH * first, LEAST):
            break
        x = coordinates.move(here, proposal.displacement)
        displacement = from_start(frame, x)
        if not within(frame, x, displacement, limits):
            x = border(frame, here.x, x, limits)
            displacement, change = from_start(frame, x), model(x)[0]
            return Reached(x, displacement, change, True) if change < best.change else best._replace(limited=True)
        change, gradient = model(x)
        there = coordinates.frame(x, gradient)
        taken = coordinates.between(here, there)
        state = WALK.learn(state, here, there, taken)
        ratio = (change - energy) / min(float(proposal.predicted[0]), -1e-300)
        if ratio < POOR:
            radius = SHRINK * float(proposal.length[0])
        elif ratio > GOOD and proposal.limited[0]:
            radius *= GROWTH
        if change > energy:
            continue
        here, energy, travelled = there, change, taken
        if change < best.change:
            best = Reached(x, displacement, change, False)
    return best


def from_start(frame: Any, x: Array) -> Array:
    """(nq,) the displacement in scaled coordinates from the frame to x (3N,)."""
    primitives = frame.coordinates.primitives
    return frame.roots * primitives.change(x, primitives.values(x), frame.x, frame.values)


def within(frame: Any, x: Array, displacement: Array, limits: Limits) -> bool:
    """Whether x (3N,), so far from the frame, keeps to the limits."""
    moved = float(np.sqrt(((x - frame.x).reshape(-1, 3) ** 2).sum(axis=1).max()))
    return (
        moved <= limits.maxstep
        and frame.change(displacement) <= limits.maxchange
        and float(np.linalg.norm(displacement)) <= float(limits.radius[0])
    )


def border(frame: Any, inside: Array, outside: Array, limits: Limits) -> Array:
    """The last point (3N,) from inside to outside, in scaled coordinates, that keeps to the limits."""
    start, end = from_start(frame, inside), from_start(frame, outside)
    low, high = 0.0, 1.0
    for _ in range(CUTS):
        middle = (low + high) / 2
        x, displacement = inside + middle * (outside - inside), start + middle * (end - start)
        low, high = (middle, high) if within(frame, x, displacement, limits) else (low, middle)
    return frame.coordinates.move(frame, start + low * (end - start))
