"""A rule that is fed the gradients of a run, or made up ones: what it would do, and what it remembers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from molopt.rules import Observation, Rule
from molopt.rules.partition import Array


@dataclass(frozen=True)
class Replay:
    """What a rule made of gradients that did not answer to it.

    Attributes
    ----------
    displacements : (T, n) array
        What it proposed at each.
    states : sequence of states
        After each, T of them.
    """

    displacements: Array
    states: tuple[Any, ...]

    def memory(self, field: str) -> Array:
        """(T, n): a field of the states, such as "m" or "v"."""
        return np.array([getattr(state, field) for state in self.states])


def replay(rule: Rule, gradients: Array, state: Any = None, group: int = 1) -> Replay:
    """Feed a rule gradients (T, n), one call after another; `group` entries belong to an atom.

    Parameters
    ----------
    state
        What the rule remembers before the first; by default nothing.

    Examples
    --------
    >>> from molopt.rules import HeavyBall
    >>> replay(HeavyBall(lr=0.1, b1=0.5), np.ones((3, 1))).displacements.ravel()
    array([-0.1  , -0.15 , -0.175])
    """
    gradients = np.asarray(gradients, dtype=float)
    if state is None:
        state = rule.init(Observation.single(gradients[0], group=group))
    taken, states = np.zeros(gradients.shape[1]), []
    displacements = np.empty_like(gradients)
    for call, gradient in enumerate(gradients):
        taken, state = rule.update(Observation.single(gradient, taken, group), state)
        displacements[call] = taken
        states.append(state)
    return Replay(displacements, tuple(states))
