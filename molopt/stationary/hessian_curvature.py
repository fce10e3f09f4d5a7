"""The lowest curvature and the energy left, where the whole Hessian is known."""

import math

import numpy as np
from scipy.linalg import LinAlgError, eigh

from molopt.coordinates.member import Member
from molopt.rules.partition import Array
from molopt.stationary.curvature import Curvature
from molopt.stationary.frequencies import NormalModes, complement


def curvature_of(
    normal: NormalModes, x: Array, gradient: Array, movable: Array, coordinates: Member | None
) -> Curvature:
    r"""The softest direction of a Hessian, relative to the model Hessian where there are internal coordinates.

    .. math:: H v = \mu H_{model} v, \qquad E_{left} = \frac{1}{2} g^T H^+ g

    Energy left is that of the quadratic surface with the true Hessian, flat modes left out; NaN where one is negative.

    Parameters
    ----------
    normal : NormalModes
    x, gradient : (3N,) arrays
        Angstrom and eV/A, constraints applied.
    movable : (3N,) array of bool
    coordinates : Member or None
        Without them, as of periodic atoms, `lowest` is not known, and the direction is that of the lowest mode.
    """
    hessian = normal.hessian
    lowest, direction = softest(hessian, x, gradient, coordinates)
    if direction is None:
        direction = normal.modes[0].ravel()[movable] if len(normal.wavenumbers) else np.zeros(len(hessian))
    whole = np.zeros(x.size)
    whole[movable] = direction
    return Curvature(
        lowest=lowest,
        stiffness=float(direction @ hessian @ direction),
        direction=whole.reshape(-1, 3),
        bound=lowest,
        calls=0,
        pushes=0,
        energy_left=math.nan if normal.order else left(normal, gradient, movable),
        stationary=normal.stationary,
        why=said(normal),
    )


def softest(hessian: Array, x: Array, gradient: Array, coordinates: Member | None) -> tuple[float, Array | None]:
    """The lowest curvature relative to the model, and its direction (n,) of norm 1; NaN and None without a model."""
    if coordinates is None:
        return math.nan, None
    linearization = coordinates.linearize(x, gradient)
    basis = complement(linearization.held)
    if basis.shape[1] == 0:
        return math.nan, None
    model = basis.T @ (linearization.hessian @ basis)
    try:
        values, vectors = eigh(basis.T @ hessian @ basis, (model + model.T) / 2, subset_by_index=[0, 0])
    except LinAlgError:  # the model leaves a direction without a spring
        return math.nan, None
    direction = basis @ vectors[:, 0]
    return float(values[0]), direction / np.linalg.norm(direction)


def left(normal: NormalModes, gradient: Array, movable: Array) -> float:
    """Energy (eV) above the floor of the quadratic surface, from its modes: half of slope^2 / stiffness of each."""
    slopes = normal.modes.reshape(len(normal.modes), gradient.size) @ np.where(movable, gradient, 0.0)
    stiffness = normal.stiffness
    known = ~normal.flat & (stiffness > 0)
    return float(0.5 * (slopes[known] ** 2 / stiffness[known]).sum())


def said(normal: NormalModes) -> str:
    """The evidence in a few words."""
    if normal.order:
        imaginary = ", ".join(f"{-wavenumber:.1f}i" for wavenumber in normal.wavenumbers[normal.imaginary])
        return f"{normal.order} imaginary mode{'s' * (normal.order > 1)}: {imaginary} cm^-1"
    if normal.flat.any():
        return f"the lowest mode is {normal.wavenumbers[0]:.1f} cm^-1, known to {normal.noise[0]:.1f}"
    return f"the lowest mode is {normal.wavenumbers[0]:.1f} cm^-1" if len(normal.wavenumbers) else "no vibrations"
