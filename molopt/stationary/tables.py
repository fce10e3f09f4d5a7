"""Frequencies and thermochemistry as tables of plain text."""

from collections.abc import Sequence

from ase import units

from molopt.stationary.frequencies import NormalModes
from molopt.stationary.thermochemistry import KCAL_PER_MOL, TAU, Thermochemistry

LINE = 80  # characters of a terminal
DIGITS = 4  # that the numbers of a torsion's atoms may gain where they are counted from 1
MDYNE = units._e * 1e18  # mDyn/A per eV/A^2
CAL_PER_MOL = KCAL_PER_MOL / 1000


def frequency_table(normal: NormalModes, names: Sequence[str]) -> str:
    """One line of 80 characters a mode; `names` say which coordinates move in each, or are empty."""
    lines = [
        f"{'mode':>4}  {'cm^-1':>9}  {'red. mass':>9}  {'force const.':>12}  moved most",
        f"{'':15}  {'amu':>9}  {'mDyn/A':>12}",
    ]
    rows = zip(normal.wavenumbers, normal.reduced_masses, normal.stiffness * MDYNE, names, strict=True)
    for number, (wavenumber, mass, constant, name) in enumerate(rows, 1):
        shown = f"{abs(wavenumber):.1f}{'i' if wavenumber < 0 else ' '}"
        mark = "flat: " if normal.flat[number - 1] else ""
        row = f"{number:>4}  {shown:>10} {mass:>9.3f}  {constant:>12.4f}  {mark}"
        lines.append(f"{row}{fitting(name, LINE - DIGITS - len(row))}".rstrip())
    return "\n".join(lines)


def fitting(names: str, width: int) -> str:
    """The first of several names, and as many more as there is room for.

    >>> fitting("stretch 0-1 67 %, stretch 0-2 17 %", 20)
    'stretch 0-1 67 %'
    """
    kept, *others = names.split(", ")
    for name in others:
        if len(kept) + 2 + len(name) > width:
            break
        kept += f", {name}"
    return kept


def thermochemistry_table(thermo: Thermochemistry) -> str:
    """Zero-point energy, enthalpy, entropy and free energy, with what they were computed for."""
    rows = [
        ("zero-point energy", thermo.zero_point),
        ("E + zero-point energy", thermo.energy_0K),
        ("internal energy U", thermo.internal_energy),
        ("enthalpy H", thermo.enthalpy),
        ("T S", thermo.temperature * thermo.entropy),
        ("free energy G", thermo.gibbs),
    ]
    out = f"; {thermo.left_out} imaginary left out" if thermo.left_out else ""
    return "\n".join(
        [
            f"thermochemistry at {thermo.temperature:g} K and {thermo.pressure:g} Pa",
            f"ideal gas, rigid rotor, quasi-RRHO with tau {TAU:g} cm^-1; symmetry number {thermo.symmetry_number}, "
            f"multiplicity {thermo.multiplicity}{out}",
            f"{'':24}{'eV':>16}{'kcal/mol':>18}",
            *(f"{name:<24}{value:>16.6f}{value / KCAL_PER_MOL:>18.4f}" for name, value in rows),
            f"{'entropy S':<24}{thermo.entropy:>12.8f} eV/K{thermo.entropy / CAL_PER_MOL:>12.3f} cal/(mol K)",
        ]
    )
