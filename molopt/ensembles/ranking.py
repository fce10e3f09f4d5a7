"""How conformers are weighed: Boltzmann populations and averages over them."""

from collections.abc import Sequence

import numpy as np
from ase import units

from molopt.ensembles.conformer import Conformer
from molopt.ensembles.fields import Field, Row
from molopt.errors import InputError
from molopt.rules.partition import Array

KCAL_PER_MOL = units.kcal / units.mol  # eV


def boltzmann(energies: Array, weights: Array, temperature: float) -> Array:
    r"""Populations (S,), which add up to 1.

    .. math:: p_i = \frac{g_i e^{-E_i / kT}}{\sum_j g_j e^{-E_j / kT}}

    Parameters
    ----------
    energies : (S,) array
        eV, or free energies; not finite where nothing lives.
    weights : (S,) array
        How many geometries each stands for; 0 where nothing lives.
    temperature : float
        K.

    Examples
    --------
    Butane's anti conformer, and its two gauche ones 0.9 kcal/mol above, are populated 70 to 30 at room temperature:

    >>> boltzmann(np.array([0.0, 0.9 * KCAL_PER_MOL]), np.array([1, 2]), 298.15).round(3)
    array([0.695, 0.305])
    """
    if not np.isfinite(temperature) or temperature <= 0:
        raise InputError(f"the temperature must be positive, in K, got {temperature!r}: room temperature is 298.15")
    inhabited = np.isfinite(energies) & (weights > 0)
    if not inhabited.any():
        return np.zeros(len(energies))
    shifted = np.where(inhabited, energies - energies[inhabited].min(), 0.0)
    found = np.where(inhabited, weights * np.exp(-shifted / (units.kB * temperature)), 0.0)
    return found / found.sum()


def gyration(positions: Array, masses: Array) -> Array:
    """(S,) radii of gyration in Angstrom, of positions (S, N, 3) and masses (N,).

    >>> gyration(np.array([[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]]), np.array([1.0, 1.0]))
    array([1.])
    """
    shares = masses / masses.sum()
    centred = positions - np.einsum("n,snk->sk", shares, positions)[:, None, :]
    return np.sqrt(np.einsum("n,snk->s", shares, centred**2))


def mean(values: Array, populations: Array) -> float | None:
    """The average over populations (S,); None where a value that counts is not known (NaN)."""
    counted = populations > 0
    if not counted.any() or np.isnan(values[counted]).any():
        return None
    return float(values[counted] @ populations[counted])


def standing(conformers: Sequence[Conformer], masses: Array, temperature: float) -> list[Row]:
    """Each conformer with its relative energy, population and radius of gyration, numbered as they come.

    Populations are those of free energies where there are any, else of energies. Each conformer counts as often as its
    degeneracy says, a saddle not at all. Free energies hold the symmetry number, which is what exchanges of equal atoms
    amount to: there its mirror images alone count. One without a free energy, because it is above the window, is taken
    to differ from its energy as the others do on average.
    """
    if not conformers:
        return []
    energies = np.array([one.energy for one in conformers], dtype=float)
    free = np.array([np.nan if one.free_energy is None else one.free_energy for one in conformers], dtype=float)
    known = np.isfinite(free)
    ranked = np.where(known, free, energies + (free - energies)[known].mean()) if known.any() else energies
    counted = [one.images if known.any() else one.degeneracy for one in conformers]
    weights = np.array([count if one.populated else 0 for one, count in zip(conformers, counted, strict=True)])
    found = zip(
        conformers,
        ((energies - np.nanmin(energies)) / KCAL_PER_MOL).tolist(),
        boltzmann(ranked, weights, temperature).tolist(),
        gyration(np.array([one.positions for one in conformers]), masses).tolist(),
        [
            None if np.isnan(one) else one / KCAL_PER_MOL
            for one in (free - np.min(free[known], initial=np.inf)).tolist()
        ],
        strict=True,
    )
    return [Row(number, *values) for number, values in enumerate(found, start=1)]


def in_order(rows: Sequence[Row], field: Field) -> tuple[Row, ...]:
    """The rows by a number, smallest first, unknown ones last, equal ones as they were; numbered anew."""
    keys = {row.number: field.value(row) for row in rows}
    order = sorted(rows, key=lambda row: (keys[row.number] is None, keys[row.number] or 0.0))
    return tuple(row._replace(number=number) for number, row in enumerate(order, start=1))
