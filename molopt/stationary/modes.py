"""Normal modes as a chemist sees them: the coordinates that move, and a swinging molecule."""

import numpy as np

from molopt.coordinates.member import Member
from molopt.rules.partition import Array


def shares(coordinates: Member, x: Array, move: Array) -> Array:
    r"""(nq,) the part of each internal coordinate in a move (3N,) at x (3N,); they add up to 1.

    .. math:: p_i = K_i (B v)_i^2 / \sum_j K_j (B v)_j^2

    with the model's stiffness K: the potential energy distribution of spectroscopy, with stiffnesses of the model and
    without those that couple coordinates. So a mode that a stiff coordinate takes part in is named by that one, however
    little it moves.
    """
    changes = (coordinates.rows(x).times(np.where(coordinates.movable, move, 0.0))) ** 2
    return changes / changes.sum()


def swing(positions: Array, mode: Array, amplitude: float = 0.4, frames: int = 20) -> Array:
    """(frames, N, 3) one period of a mode (N, 3), the farthest atom moving `amplitude` Angstrom to each side.

    >>> swing(np.zeros((1, 3)), np.array([[0.0, 0.0, 2.0]]), frames=4)[:, 0, 2].round(3) + 0.0
    array([ 0. ,  0.4,  0. , -0.4])
    """
    farthest = np.linalg.norm(mode, axis=1).max()
    phases = np.sin(2 * np.pi * np.arange(frames) / frames)
    return positions + phases[:, None, None] * (amplitude / farthest) * mode
