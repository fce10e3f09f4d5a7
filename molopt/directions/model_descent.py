"""The way down on a model of the surface that costs no force call, within a trust region."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from molopt.control.base import Limits
from molopt.control.trust import Trust
from molopt.coordinates.base import Linearization, Place
from molopt.directions.quasi_newton import QuasiNewton
from molopt.rules.partition import Array

STEPS = 40
ENOUGH = 2.5e-3  # of the energy left at the start: less is not worth the time, the model is not that good
LEAST = 1e-8  # eV
CUTS = 12  # halvings of the step that leaves the trust region
DIRECTION = QuasiNewton()
CONTROL = Trust(smallest=1e-12, rise=1e-15)  # the model has no noise

Model = Callable[[Place, Array], tuple[float, Array]]


class Reached(NamedTuple):
    """The lowest point of the way."""

    x: Array  # (3N,)
    displacement: Array  # (nq,) from the start, in scaled coordinates
    change: float  # eV, what the model says
    limited: bool  # whether the trust region ended the way


def descend(model: Model, start: Linearization, limits: Limits) -> Reached:
    """From a start down the model until it is flat.

    It gives at a place, a displacement (nq,) away, the energy from the start, eV, and its gradient (3N,), eV/A.
    The way is that of `QuasiNewton` under `Trust`. A step that leaves the region of `limits` is cut at its border, and
    is the last.
    """
    coordinates = start.coordinates
    here, energy = start, 0.0
    travelled = np.zeros_like(start.gradient)
    best = Reached(start.x, travelled, 0.0, False)
    state, controlled, first = DIRECTION.empty(travelled.size), CONTROL.init(1), np.inf
    for count in range(STEPS):
        proposal = DIRECTION.proposal(here, state, CONTROL.limits(controlled))
        left = float(proposal.energy_left[0])
        first = left if count == 0 else first
        if count > 0 and left < max(ENOUGH * first, LEAST):
            break
        x, _ = coordinates.move(here, proposal.displacement)
        place = coordinates.place(x)
        displacement = place.displacement(start)
        if not within(start, x, displacement, limits):
            x = border(start, (here.x, travelled), (x, displacement), limits)
            place = coordinates.place(x)
            displacement = place.displacement(start)
            change = model(place, displacement)[0]
            return Reached(x, displacement, change, True) if change < best.change else best._replace(limited=True)
        change, gradient = model(place, displacement)
        there = place.linearize(gradient)
        taken = coordinates.between(here, there)
        state = DIRECTION.learn(state, here, there, taken)
        work = np.array([change - energy])
        rejected, controlled = CONTROL.judge(work, work, proposal, CONTROL.limit(work, work, proposal, controlled))
        if rejected[0]:
            continue
        here, energy, travelled = there, change, displacement
        if change < best.change:
            best = Reached(x, displacement, change, False)
    return best


def within(start: Linearization, x: Array, displacement: Array, limits: Limits) -> bool:
    """Whether x (3N,), so far from the start, keeps to the limits."""
    return (
        float(start.longest_move(x - start.x)[0]) <= limits.maxstep
        and float(start.change(displacement)[0]) <= limits.maxchange
        and float(np.linalg.norm(displacement)) <= float(limits.radius[0])
    )


def border(start: Linearization, inside: tuple[Array, Array], outside: tuple[Array, Array], limits: Limits) -> Array:
    """The last point (3N,) from inside to outside, in scaled coordinates, that keeps to the limits.

    Both are x (3N,) and its displacement from the start (nq,).
    """
    (here, first), (there, last) = inside, outside
    low, high = 0.0, 1.0
    for _ in range(CUTS):
        middle = (low + high) / 2
        x, displacement = here + middle * (there - here), first + middle * (last - first)
        low, high = (middle, high) if within(start, x, displacement, limits) else (low, middle)
    return start.coordinates.move(start, first + low * (last - first))[0]
