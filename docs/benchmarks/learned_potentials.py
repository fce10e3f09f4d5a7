"""Force calls of `molopt.relax_batch` beside torch-sim's optimizers on the same machine-learned potential.

    pip install torch 'auto3d[ani]' sevenn torch-sim-atomistic     # torch-sim has L-BFGS from 0.6 on (Python 3.12)
    PYTHONPATH=docs/potentials python docs/benchmarks/learned_potentials.py
    PYTHONPATH=docs/potentials python docs/benchmarks/learned_potentials.py --potential sevennet-0 --fmax 0.05
    PYTHONPATH=docs/potentials python docs/benchmarks/learned_potentials.py --count 3 --molecules captopril

Every optimizer begins at the same ETKDGv3 conformers and asks the same function, all conformers of a molecule together.
A call is one evaluation of one conformer, the first included. A conformer of torch-sim leaves once its longest force is
below the smallest fmax, and counts no further; its calls to each fmax are seen on the way. Positions in torch-sim are
float64. Ends are compared with those of molopt stopped on fmax alone, start by start: lower or higher by more than
10 meV. CPU is the CPU time relative to it; of a step of torch-sim, each conformer in it has an equal share.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ani2xt import ANI2xt
from sevennet import SevenNet

import molopt

MOLECULES = {  # chosen before anything was measured
    "ani-2xt": {
        "captopril": "C[C@H](CS)C(=O)N1CCC[C@H]1C(=O)O",
        "bupropion": "C[C@@H](NC(C)(C)C)C(=O)c1cccc(Cl)c1",
        "fluoxetine": "CNCC[C@@H](Oc1ccc(cc1)C(F)(F)F)c1ccccc1",
        "venlafaxine": "CN(C)C[C@@H](c1ccc(OC)cc1)C1(O)CCCCC1",
    },
    "sevennet-0": {
        "benzocaine": "CCOC(=O)c1ccc(N)cc1",
        "metformin": "CN(C)C(=N)NC(N)=N",
    },
}
MOLECULES["ani-2xt-float64"] = MOLECULES["ani-2xt"]
POTENTIALS: dict[str, Callable[[], Any]] = {
    "ani-2xt": ANI2xt,
    "ani-2xt-float64": lambda: ANI2xt(dtype="float64"),
    "sevennet-0": lambda: SevenNet(atoms=64),
}
MOLOPT: dict[str, dict[str, Any]] = {
    "molopt, fmax alone": {"check": None, "energy_left": None},
    "molopt, check=None": {"check": None},
    "molopt": {},
}
TORCH_SIM: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {  # optimizer, of its start, of its step
    "torch-sim FIRE": ("fire", {}, {}),
    "torch-sim L-BFGS": ("lbfgs", {}, {}),
    "torch-sim L-BFGS, 100 pairs": ("lbfgs", {}, {"max_history": 100}),
    "torch-sim BFGS, alpha=40": ("bfgs", {"alpha": 40.0}, {}),
}
APART = 0.010  # eV
WORDS = ("optimizer", "fmax", "mean", "median", "most", "converged", "lower", "higher", "above lowest, meV", "CPU")


class Ends(NamedTuple):
    """Runs of S conformers to one fmax; of one that did not come there, calls are those of the whole run."""

    calls: np.ndarray  # (S,)
    converged: np.ndarray  # (S,) bool
    energies: np.ndarray  # (S,) eV
    seconds: float  # of CPU


@dataclass
class Conformers:
    """Conformers of one molecule on one potential."""

    molecule: molopt.Molecule
    x: np.ndarray  # (S, N, 3) Angstrom
    potential: Any  # a BatchedPotential
    cap: int  # steps

    def by_molopt(self, fmax: float, settings: dict[str, Any]) -> Ends:
        start = time.process_time()
        batch = molopt.relax_batch(
            self.molecule, positions=self.x, potential=self.potential, fmax=fmax, steps=self.cap, **settings
        ).collect()
        return Ends(batch.force_calls, batch.converged, batch.energies, time.process_time() - start)

    def by_torch_sim(self, name: str, targets: Sequence[float]) -> list[Ends]:
        """To each fmax, the smallest last."""
        import torch_sim as ts

        optimizer, of_start, of_step = TORCH_SIM[name]
        init, step = ts.OPTIM_REGISTRY[ts.Optimizer(optimizer)]
        model = in_torch_sim(self.potential)
        count = len(self.x)
        calls = np.full((len(targets), count), self.cap + 1)
        energies, converged = np.full(calls.shape, np.nan), np.zeros(calls.shape, dtype=bool)
        seconds, aboard = np.zeros(len(targets)), np.arange(count)
        start = time.process_time()
        atoms = [self.molecule.moved(positions).atoms() for positions in self.x]
        state = init(ts.initialize_state(atoms, model.device, model.dtype), model, **of_start)
        for call in range(1, self.cap + 2):
            now = time.process_time()
            seconds += (now - start) * (~converged[:, aboard]).mean(axis=1)
            start = now
            force, energy = ts.system_wise_max_force(state).numpy(), state.energy.numpy()
            for found, met, energies_there, fmax in zip(calls, converged, energies, targets, strict=True):
                fresh = ~met[aboard]
                energies_there[aboard[fresh]] = energy[fresh]
                new = aboard[fresh & (force < fmax)]
                found[new], met[new] = call, True
            done = converged[-1, aboard]
            if done.all():
                break
            if done.any():
                state, aboard = state[np.flatnonzero(~done).tolist()], aboard[~done]
            if call <= self.cap:
                state = step(state, model, **of_step)
        return [Ends(*row) for row in zip(calls, converged, energies, seconds.tolist(), strict=True)]


def in_torch_sim(potential: Any) -> Any:
    """The model of torch-sim that asks a batched function of molopt."""
    import torch
    from torch_sim.models.interface import ModelInterface

    class Function(ModelInterface):
        _device, _dtype, _compute_stress, _compute_forces = torch.device("cpu"), torch.float64, False, True

        def forward(self, state: Any, **_: Any) -> dict[str, torch.Tensor]:
            neutral = np.zeros(state.n_systems, dtype=int)
            parts = (state.positions, state.atomic_numbers, state.system_idx)
            answer = potential(*(part.detach().numpy().copy() for part in parts), neutral, neutral + 1)
            energies, forces = (torch.tensor(part, dtype=torch.float64) for part in answer)
            return {"energy": energies, "forces": forces}

    return Function()


def with_torch_sim() -> bool:
    """Whether torch-sim and its L-BFGS are there; says so where they are not."""
    try:
        from torch_sim.optimizers import lbfgs  # noqa: F401  # only whether it is there
    except ImportError as error:
        print(f"without torch-sim: pip install 'torch-sim-atomistic>=0.6' ({error})")
        return False
    return True


def compared(conformers: Conformers, optimizers: Sequence[str], targets: Sequence[float]) -> dict[str, list[Ends]]:
    """The ends of each optimizer to each fmax."""
    found = {}
    for name in optimizers:
        if name in TORCH_SIM:
            found[name] = conformers.by_torch_sim(name, targets)
        else:
            found[name] = [conformers.by_molopt(fmax, MOLOPT[name]) for fmax in targets]
    return found


def table(found: dict[str, list[Ends]], targets: Sequence[float]) -> str:
    lowest = np.min([ends.energies for each in found.values() for ends in each], axis=0)
    lines = [f"| {' | '.join(WORDS)} |", f"| {' | '.join('---' for _ in WORDS)} |"]
    for name, each in found.items():
        for fmax, ends, ours in zip(targets, each, next(iter(found.values())), strict=True):
            beside, count = ends.energies - ours.energies, len(ends.calls)
            cells = (
                name,
                f"{fmax:g}",
                f"{ends.calls.mean():.1f}",
                f"{np.median(ends.calls):.0f}",
                f"{ends.calls.max()}",
                f"{ends.converged.sum()} of {count}",
                f"{(beside < -APART).sum()}",
                f"{(beside > APART).sum()}",
                f"{1e3 * np.median(ends.energies - lowest):.2f}",
                f"{ends.seconds / ours.seconds:.2f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potential", choices=list(POTENTIALS), default="ani-2xt")
    parser.add_argument("--molecules", help="some of those of the potential")
    parser.add_argument("--smiles", help="of another molecule instead")
    parser.add_argument("--count", type=int, default=50, help="conformers of each")
    parser.add_argument("--fmax", default="0.05,0.01", help="eV/A, the smallest last")
    parser.add_argument("--optimizers", help=f"some of: {'; '.join([*MOLOPT, *TORCH_SIM])} (between ;)")
    parser.add_argument("--cap", type=int, default=1000, help="steps")
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    known, targets = MOLECULES[given.potential], [float(part) for part in given.fmax.split(",")]
    if given.smiles:
        known = {given.smiles: given.smiles}
    optimizers = given.optimizers.split(";") if given.optimizers else [*MOLOPT, *TORCH_SIM]
    if not with_torch_sim():
        optimizers = [name for name in optimizers if name not in TORCH_SIM]
    potential = POTENTIALS[given.potential]()
    ethanol = molopt.Molecule.from_smiles("CCO")
    molopt.relax_batch(
        ethanol, positions=[ethanol.positions], potential=potential
    ).collect()  # kernels compile at first
    for name in given.molecules.split(",") if given.molecules else known:
        molecule = molopt.Molecule.from_smiles(known[name], seed=given.seed)
        x = np.array([one.positions for one in molecule.conformers(given.count, seed=given.seed)])
        print(f"\n{name}, {len(molecule.numbers)} atoms, {len(x)} conformers, {given.potential}\n", flush=True)
        print(table(compared(Conformers(molecule, x, potential, given.cap), optimizers, targets), targets), flush=True)


if __name__ == "__main__":
    main()
