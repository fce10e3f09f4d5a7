"""Frequencies against ASE's Vibrations, the error of the step, and two processes against one.

python docs/benchmarks/frequencies.py agreement
python docs/benchmarks/frequencies.py steps
python docs/benchmarks/frequencies.py noise
python docs/benchmarks/frequencies.py entropies
python docs/benchmarks/frequencies.py workers
"""

import sys
import tempfile
import time
from collections import Counter

import numpy as np
from ase import units
from ase.calculators.calculator import Calculator, all_changes
from ase.vibrations import Vibrations

import molopt
from molopt.checking import Place
from molopt.displacing import InThisProcess
from molopt.potentials import Counted
from molopt.stationary.frequencies import NormalModes, central_differences

SMILES = {
    "ethanol": "CCO",
    "acetylene": "C#C",
    "benzene": "c1ccccc1",
    "acetanilide": "CC(=O)Nc1ccccc1",
    "glycerol": "OCC(O)CO",
    "alanine": "C[C@H](N)C(=O)O",
    "acetate": "CC(=O)[O-]",
    "2-butyne": "CC#CC",
    "toluene": "Cc1ccccc1",
    "p-xylene": "Cc1ccc(C)cc1",
    "nitromethane": "C[N+](=O)[O-]",
}
POTENTIALS = ("mmff94", "gfn2-xtb")
STEPS = (0.00125, 0.0025, 0.005, 0.01, 0.02)  # Angstrom
ABOVE = 50.0  # cm^-1, below which rigid motions mix in where they are not projected out


def relaxed(name, potential):
    molecule = next(molopt.read(SMILES.get(name, name)))
    return molopt.relax(molecule, "bfgs", potential, fmax=0.003, energy_left=None).molecule


def ase_wavenumbers(molecule, potential, step):
    """Sorted, imaginary ones negative, rigid motions among them; and the force calls."""
    atoms = molecule.atoms()
    atoms.calc = Counted(molopt.potential(potential, molecule))
    with tempfile.TemporaryDirectory() as folder:
        vibrations = Vibrations(atoms, name=f"{folder}/vib", delta=step)
        vibrations.run()
        energies = vibrations.get_energies()
    return np.sort((energies.real - energies.imag) / units.invcm), atoms.calc.force_calls


def agreement():
    """The largest difference of all real modes above 50 cm^-1, with the same step."""
    print("molecule      potential  modes  lowest cm^-1   largest difference cm^-1   force calls ours, ASE's")
    for name in SMILES:
        for potential in POTENTIALS:
            molecule = relaxed(name, potential)
            for step in (0.0025, 0.01):
                found = molopt.check(molecule, potential, frequencies=True, displacement=step)
                ours = found.frequencies.wavenumbers
                theirs, calls = ase_wavenumbers(molecule, potential, step)
                ours, theirs = ours[ours > ABOVE], theirs[theirs > ABOVE]
                apart = np.abs(ours - theirs).max() if len(ours) == len(theirs) else np.nan
                print(
                    f"{name:<13} {potential:<10} {len(found.frequencies.wavenumbers):>4}  "
                    f"{found.frequencies.wavenumbers[0]:>11.1f}  step {step:<6}  {apart:>10.4f}"
                    f"   {found.force_calls:>10}, {calls}",
                    flush=True,
                )


def steps():
    """Differences from the limit of small steps, by Richardson's extrapolation from 0.00125 and 0.0025 A."""
    print("molecule      potential  step A   largest error cm^-1   of the lowest mode   error / noise, soft modes")
    for name in SMILES:
        for potential in POTENTIALS:
            molecule = relaxed(name, potential)
            atoms = molecule.atoms()
            atoms.calc = Counted(molopt.potential(potential, molecule))
            place = Place.of(atoms, molecule)
            raw = {h: central_differences(InThisProcess(atoms), place.x, place.movable, h) for h in STEPS}
            limit = modes(place, (4 * raw[0.00125] - raw[0.0025]) / 3)
            for step, differences in raw.items():
                found = modes(place, differences)
                error = np.abs(found.wavenumbers - limit.wavenumbers)
                squares = np.sign(found.wavenumbers) * found.wavenumbers**2
                missed = np.sqrt(np.abs(squares - np.sign(limit.wavenumbers) * limit.wavenumbers**2))
                soft = np.abs(limit.wavenumbers) < 10 * found.noise
                worst = (missed / np.maximum(found.noise, 1e-3))[soft].max(initial=0.0)
                print(
                    f"{name:<13} {potential:<9} {step:>7}  {error.max():>12.2f}  {error[0]:>18.2f}  {worst:>18.2f}",
                    flush=True,
                )


def modes(place, differences):
    return NormalModes.of(differences, place.atoms.get_masses(), place.movable, place.rigid, place.forbidden)


class Noisy(Calculator):
    """A potential whose forces have normal errors in each component, eV/A."""

    implemented_properties = ("energy", "forces")

    def __init__(self, exact, size, seed):
        super().__init__()
        self.exact, self.size, self.random = exact, size, np.random.default_rng(seed)

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        forces = self.exact.get_property("forces", atoms)
        noise = self.random.normal(0.0, self.size, forces.shape)
        self.results = {"energy": self.exact.get_property("energy", atoms), "forces": forces + noise}


def noise():
    """What minima are called when their forces are noisy, ten times each."""
    true = {}
    for name in SMILES:
        molecule = relaxed(name, "mmff94")
        found = molopt.check(molecule, frequencies=True)
        if found.stationary == "minimum":
            true[name] = molecule, found.frequencies.wavenumbers[0]
    print(*(f"{name} {lowest:.0f} cm^-1" for name, (_, lowest) in true.items()), sep=", ")
    print("noise eV/A  step A   minimum  flat  saddle   lowest mode off by, cm^-1, median and largest")
    for size in (0.0001, 0.001, 0.003):
        for step in (0.0025, 0.01):
            words, off = Counter(), []
            for molecule, lowest in true.values():
                for seed in range(10):
                    calculator = Noisy(molopt.potential("mmff94", molecule), size, seed)
                    found = molopt.check(molecule, calculator, frequencies=True, displacement=step, fmax=0.1)
                    words[found.stationary] += 1
                    off.append(abs(found.frequencies.wavenumbers[0] - lowest))
            counts = "".join(f"{words[word]:>8}" for word in ("minimum", "flat", "saddle"))
            print(f"{size:>9}  {step:>7} {counts}   {np.median(off):>8.1f}  {max(off):>8.1f}", flush=True)


# J/(mol K) at 298.15 K and 1 bar: CODATA key values for thermodynamics (1989).
ENTROPIES = {
    "[H][H]": 130.680,
    "N#N": 191.609,
    "[O][O]": 205.152,
    "O": 188.835,
    "O=C=O": 213.785,
    "N": 192.77,
    "Cl": 186.902,
    "S": 205.81,
}


def entropies():
    """Gases whose entropies are known, under GFN2-xTB."""
    print("molecule  symmetry number  S J/(mol K)   CODATA   difference")
    for smiles, known in ENTROPIES.items():
        molecule = molopt.relax(molopt.Molecule.from_smiles(smiles), potential="gfn2-xtb", fmax=0.005).molecule
        gas = molopt.check(molecule, "gfn2-xtb", frequencies=True, pressure=1e5).thermochemistry
        entropy = gas.entropy * units.mol / units.J
        print(f"{smiles:<8} {gas.symmetry_number:>10} {entropy:>18.2f} {known:>12.2f} {entropy - known:>10.2f}")


def workers():
    """Seconds of one process and of two."""
    for name, potential in (("acetanilide", "gfn2-xtb"), ("sucrose", "gfn2-xtb"), ("sucrose", "mmff94")):
        molecule = relaxed(name, potential)
        found = []
        for count in (1, 2):
            start = time.perf_counter()
            found.append(molopt.check(molecule, potential, frequencies=True, workers=count))
            print(f"{name} {potential}: {count} workers, {time.perf_counter() - start:.1f} s", flush=True)
        apart = np.abs(found[0].frequencies.wavenumbers - found[1].frequencies.wavenumbers).max()
        print(f"largest difference of a wavenumber: {apart:.3f} cm^-1")


if __name__ == "__main__":
    commands = (agreement, steps, noise, entropies, workers)
    named = {command.__name__: command for command in commands}
    if len(sys.argv) != 2 or sys.argv[1] not in named:
        raise SystemExit(f"one of {', '.join(named)}, as in python docs/benchmarks/frequencies.py entropies")
    named[sys.argv[1]]()
