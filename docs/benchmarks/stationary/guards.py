"""How long runs go without a gain that converge in the end, and what `molopt.potentials.progress` would have ended.

python docs/benchmarks/stationary/guards.py slow   # the shipped molecules of 60 atoms at most, 1000 steps
python docs/benchmarks/stationary/guards.py hard   # alanine dipeptide: textbook rules, noise, a tight criterion
"""

import sys
from collections import Counter

import numpy as np
from ase.calculators.calculator import Calculator

from molopt import potential
from molopt.molecules.reading import read
from molopt.molecules.shipped import shipped_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials.progress import Progress
from molopt.run import Run

RULES = (
    "gradient-descent",
    "adam",
    "momentum",
    "heavy-ball",
    "heavy-ball/internal",
    "gradient-descent/internal",
    "default",
)
HARD = ("adam", "momentum", "gradient-descent", "default", "adam/internal", "heavy-ball/internal")
SETTINGS = {
    "textbook, constant rate": {"rules": ("adam?lr=0.1&control=none", "adam?lr=0.02&control=none"), "steps": 3000},
    "noise of 2 meV/A": {"rules": HARD, "noise": 0.002},
    "noise of 20 meV/A": {"rules": HARD, "noise": 0.02},
    "starts rattled by 0.3 A": {"rules": HARD, "rattle": 0.3},
    "fmax 1e-4": {"rules": HARD, "fmax": 1e-4, "left": None},
}


class Noisy(Calculator):
    """A potential with normal noise in the energy and in each force component."""

    implemented_properties = ("energy", "forces")

    def __init__(self, inner, sigma):
        super().__init__()
        self.inner, self.sigma, self.random = inner, sigma, np.random.default_rng(1)

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        energy, forces = self.inner.get_potential_energy(atoms), self.inner.get_forces(atoms)
        noise = self.sigma * self.random.normal(size=forces.size + 1)
        self.results = {"energy": energy + noise[0], "forces": forces + noise[1:].reshape(forces.shape)}


class Watching(Progress):
    """Ends nothing, and remembers the longest time without a gain and the shortest step."""

    idle, shortest = 0, np.inf

    def see(self, sense):
        if self.last is not None and sense.last is not self.last:
            self.shortest = min(self.shortest, np.abs(sense.last.positions - self.last.positions).max())
        super().see(sense)
        self.idle = max(self.idle, self.calls - self.gained)


def carried_out(molecule, rule, steps=1500, fmax=0.05, left="auto", noise=0.0, rattle=0.0):
    start = molecule
    if rattle:
        moved = molecule.positions + np.random.default_rng(3).normal(0, rattle, molecule.positions.shape)
        start = molecule.with_positions(moved)
    surface = Noisy(potential("mmff94", molecule), noise) if noise else "mmff94"
    watching = Watching(window=10**9, still=10**9)
    run = Run(start, OptimizerSpec.of(rule), surface, fmax, left, steps, progress=watching)
    run.go()
    return run.result().ended, watching


def main(which):
    molecules = [molecule for name in shipped_names() for molecule in read(name) if len(molecule) <= 60]
    settings = SETTINGS
    if which == "slow":
        settings = {f"{left or 'fmax alone'}": {"rules": RULES, "steps": 1000, "left": left} for left in ("auto", None)}
    else:
        molecules = list(read("aladip"))
    print("| runs | number | converged | longest without a gain, converged | the same, others | shortest step, A |")
    print("|---|---|---|---|---|---|")
    for name, setting in settings.items():
        kinds = {key: value for key, value in setting.items() if key != "rules"}
        ends, idle, shortest = Counter(), Counter(), np.inf
        for molecule in molecules:
            for rule in setting["rules"]:
                ended, watching = carried_out(molecule, rule, **kinds)
                converged = ended == "converged"
                ends[converged] += 1
                idle[converged] = max(idle[converged], watching.idle)
                shortest = min(shortest, watching.shortest)
        print(f"| {name} | {ends.total()} | {ends[True]} | {idle[True]} | {idle[False]} | {shortest:.1e} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
