"""Force calls where each of them costs seconds: flexible molecules in Hartree-Fock, with and without a surrogate.

    python docs/benchmarks/dft.py run --out results.jsonl
    python docs/benchmarks/dft.py report results.jsonl

Three molecules that can bend to a hydrogen bond, in none of the sets that molopt is tuned or compared on, each from one
RDKit embedding. HF/3-21G (PySCF, every SCF from scratch) is relaxed until fmax first is 0.01 eV/A, by the default
without a surrogate, with MMFF94s and with GFN2-xTB as its surrogate, by Sella, geomeTRIC and ASE's BFGS. A run is one
line of the file, written as it ends; a run that is there already is not done again. `report` prints a Markdown table:
force calls, energies at the end in meV above the lowest end of that molecule, sums of calls and of the seconds in HF,
and what the surrogates cost. Needs `pip install "molopt[xtb,peers,pyscf]"`; one process, no more threads than
OMP_NUM_THREADS.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, ClassVar

from ase.calculators.calculator import Calculator, all_changes
from ase.units import Bohr, Hartree

import molopt
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import Counted

MOLECULES = {
    "2-methoxyethanol": "COCCO",
    "N2-methylglycinamide": "CNCC(N)=O",
    "3-methoxypropane-1,2-diol": "COCC(O)CO",
}
SEED = 1
BASIS = "3-21g"
METHOD = f"HF/{BASIS.upper()}"
REACHED = 0.01  # eV/A
CAP = 150  # steps
SURROGATES = {"default": None, "default + mmff94s": "mmff94s", "default + gfn2-xtb": "gfn2-xtb"}
OTHERS = {"sella": "sella", "geometric": "geometric", "bfgs (ASE)": "bfgs"}
OPTIMIZERS = (*SURROGATES, *OTHERS)
SUMMED = ("calls", "dft_seconds", "surrogate_calls", "surrogate_seconds")


class HartreeFock(Calculator):
    """Restricted Hartree-Fock of a neutral closed shell in PySCF: eV and eV/A, exact integrals."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        gto, scf = pyscf_parts()
        super().calculate(atoms, properties, system_changes)
        places = list(zip(self.atoms.get_chemical_symbols(), self.atoms.positions / Bohr, strict=True))
        field = scf.RHF(gto.M(atom=places, unit="Bohr", basis=BASIS, verbose=0))
        energy = field.run(conv_tol=1e-9, conv_tol_grad=1e-6).e_tot  # hartree
        if not field.converged:
            raise RuntimeError("the SCF did not converge")
        gradient = field.nuc_grad_method().kernel()  # (natoms, 3) hartree/bohr
        self.results = {"energy": energy * Hartree, "forces": -gradient * (Hartree / Bohr)}


def pyscf_parts() -> tuple[Any, Any]:
    try:
        from pyscf import gto, scf
    except ModuleNotFoundError:
        raise molopt.MissingExtra("pyscf", "PySCF") from None
    return gto, scf


def record(name: str, optimizer: str) -> dict[str, Any]:
    """One run, written down as plain values."""
    molecule = molopt.Molecule.from_smiles(MOLECULES[name], seed=SEED)
    atoms = molecule.atoms()
    atoms.calc = counted = Counted(HartreeFock())
    surrogate = None
    reason, began = "", time.perf_counter()
    try:
        if optimizer in SURROGATES:
            cheap = SURROGATES[optimizer] and molopt.potential(SURROGATES[optimizer], molecule)
            run = molopt.LBFGS(atoms, logfile=None, coordinates="internal", surrogate=cheap)
            surrogate = run.surrogate
        else:
            run = OptimizerSpec.of(OTHERS[optimizer]).make(atoms, logfile=None)
        run.run(fmax=REACHED, steps=CAP)
    except Exception as error:  # whatever a peer raises is the end of its run, not of the others
        reason = f"{type(error).__name__}: {error}"
    trace = counted.trace
    return {
        "molecule": name,
        "atoms": len(atoms),
        "method": METHOD,
        "optimizer": optimizer,
        "converged": trace[-1].fmax <= REACHED,
        "calls": counted.force_calls,
        "energy": trace[-1].energy,  # eV
        "seconds": round(time.perf_counter() - began, 1),
        "dft_seconds": round(counted.seconds, 1),
        "surrogate_calls": surrogate.calls if surrogate else 0,
        "surrogate_seconds": round(surrogate.seconds, 2) if surrogate else 0.0,
        "reason": reason,
        "energies": [call.energy for call in trace],
        "fmax": [call.fmax for call in trace],
        "positions": counted.atoms.positions.round(5).tolist(),  # at the last force call
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="do the runs that a file of results does not have yet")
    run.set_defaults(command=run_all)
    run.add_argument("--out", type=Path, required=True, help="results, one JSON object a line")
    report = commands.add_parser("report", help="one Markdown table of results")
    report.set_defaults(command=print_report)
    report.add_argument("results", type=Path)
    arguments = parser.parse_args()
    arguments.command(arguments)


def read(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Runs by molecule and optimizer."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return {(record["molecule"], record["optimizer"]): record for record in records}


def run_all(arguments: argparse.Namespace) -> None:
    there = read(arguments.out) if arguments.out.exists() else {}
    todo = [(name, optimizer) for name in MOLECULES for optimizer in OPTIMIZERS if (name, optimizer) not in there]
    with arguments.out.open("a") as file:
        for name, optimizer in todo:
            done = record(name, optimizer)
            print(json.dumps(done), file=file, flush=True)
            print(name, optimizer, done["calls"], done["energy"], done["dft_seconds"], done["reason"], flush=True)


def print_report(arguments: argparse.Namespace) -> None:
    runs = read(arguments.results)
    names = [name for name in MOLECULES if any(molecule == name for molecule, _ in runs)]
    atoms = {name: next(run["atoms"] for run in runs.values() if run["molecule"] == name) for name in names}
    heads = [f"{name} ({atoms[name]})" for name in names]
    print(f"{METHOD}, to fmax {REACHED} eV/A: force calls, and energy at the end in meV above the lowest\n")
    print_cells("optimizer", *heads, "calls", "s in HF", "surrogate calls", "s in surrogate")
    print_cells(*["---"] * (len(heads) + 5))
    lowest = {name: min(run["energy"] for run in runs.values() if run["molecule"] == name) for name in names}
    for optimizer in OPTIMIZERS:
        mine = [runs[name, optimizer] for name in names if (name, optimizer) in runs]
        if len(mine) == len(names):
            ends = [cell(run, lowest[run["molecule"]]) for run in mine]
            calls, seconds, asked, spent = (sum(run[part] for run in mine) for part in SUMMED)
            print_cells(optimizer, *ends, calls, f"{seconds:.0f}", asked or "", f"{spent:.1f}" if asked else "")
    for run in runs.values():
        if run["reason"]:
            print(f"\n- {run['molecule']}, {run['optimizer']}: {run['reason']}")


def cell(run: dict[str, Any], lowest: float) -> str:
    """Force calls, > where fmax was not reached, and meV above the lowest end."""
    return f"{'' if run['converged'] else '> '}{run['calls']}, {1e3 * (run['energy'] - lowest):.1f}"


def print_cells(*cells: Any) -> None:
    print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    main()
