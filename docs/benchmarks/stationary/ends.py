"""The runs: where each ends, after how many force calls, what it says of its end, and the truth."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem
from symmetric import bakers_five, symmetric
from truth import Truths

import molopt

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))
from starts import Start, starts  # noqa: E402  # its folder has to be on the path first

OURS = {"tuning": "tuning.smi", "reported": "reported.smi", "large": "large.smi"}
OTHERS = {"symmetric": symmetric, "baker-five": bakers_five}
SELLA_FMAX = 0.01  # eV/A, to which Sella's calls are counted
STEPS = 1000


class Wanted(NamedTuple):
    """A run; runs of equal keys are the same."""

    set: str
    molecule: str
    seed: int
    potential: str
    optimizer: str
    check: str  # none, auto, report; or sella: that optimizer, to fmax 0.01


def chosen(name: str, seeds: list[int], largest: int) -> Iterator[Start]:
    """The starts of a set with at most so many atoms; of a file of SMILES, larger ones are not embedded."""
    if name in OTHERS:
        yield from (Start(name, 0, molecule) for molecule in OTHERS[name]() if len(molecule) <= largest)
    elif name in OURS:
        for line in (HERE / OURS[name]).read_text().splitlines():
            if Chem.AddHs(Chem.MolFromSmiles(line.split()[0])).GetNumAtoms() <= largest:
                for seed in seeds:
                    yield Start(name, seed, molopt.Molecule.from_smiles(line, **({"seed": seed} if seed else {})))
    else:
        yield from (start for start in starts(name, seeds) if len(start.molecule) <= largest)


def records(start: Start, wanted: list[Wanted], folder: Path, judge: bool) -> list[dict[str, Any]]:
    """All runs from one start, each with its truth."""
    return [record(start.molecule, run, folder, judge) for run in wanted]


def record(molecule: molopt.Molecule, wanted: Wanted, folder: Path, judge: bool) -> dict[str, Any]:
    written = wanted._asdict() | {"atoms": len(molecule), "smiles": molecule.smiles if molecule.orders_known else ""}
    try:
        result = relaxed(molecule, wanted)
    except (molopt.InputError, molopt.PotentialFailed) as error:
        return written | {"ended": "not covered", "reason": " ".join(str(error).split())}
    except Exception as error:  # a fault of ours: one run is lost, and listed
        return written | {"ended": "crashed", "reason": " ".join(f"{type(error).__name__}: {error}".split())}
    written |= said(result)
    if judge and wanted.check != "sella" and result.ended not in ("failed", "exploded"):
        written["truth"] = Truths(molecule, wanted.potential, folder / "truth").of(result.atoms.positions)
    return written


def relaxed(molecule: molopt.Molecule, wanted: Wanted) -> molopt.Result:
    if wanted.check == "sella":
        return molopt.relax(molecule, "sella", wanted.potential, fmax=SELLA_FMAX, energy_left=None, steps=STEPS)
    checked: dict[str, Any] = {"check": None if wanted.check == "none" else wanted.check}
    if "check" not in inspect.signature(molopt.relax).parameters:
        if wanted.check != "none":
            raise SystemExit(f"this molopt has no check: run --check none, not {wanted.check}")
        checked = {}
    return molopt.relax(molecule, wanted.optimizer, wanted.potential, steps=STEPS, **checked)


def said(result: molopt.Result) -> dict[str, Any]:
    """What the run says of itself, in plain values."""
    verdict, curvature = getattr(result, "verdict", None), getattr(result, "curvature", None)
    return {
        "ended": result.ended if verdict is None else verdict.ended,
        "converged": result.converged,
        "reason": result.error or "",
        "called": "unchecked" if verdict is None else verdict.stationary,
        "verdict": "" if verdict is None else str(verdict),
        "kept": result.bonds_kept,
        "calls": result.force_calls,
        "energy": result.energy,  # eV
        "fmax": result.fmax,  # eV/A
        "left": None if result.energy_left is None else float(result.energy_left),  # eV
        "pushes": 0 if curvature is None else curvature.pushes,
        "check_calls": 0 if curvature is None else curvature.calls,
        "lowest": None if curvature is None else curvature.lowest,
        "bound": None if curvature is None else curvature.bound,
        "seconds": round(result.seconds, 2),
        "positions": result.atoms.positions.tolist(),
    }
