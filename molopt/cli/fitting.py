"""What `molopt fit-stiffness` does, once its options are read."""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from molopt import __version__, read
from molopt.cli.files import require_absent
from molopt.cli.terminal import say
from molopt.errors import InputError, PotentialFailed
from molopt.fitting import Sample, fitted, held_out_error, samples_of
from molopt.molecules import Molecule

FEWEST = 10  # molecules


def carry_out(
    molecules: str,
    *,
    potential: str,
    out: str,
    workers: int,
    seed: int,
    held_out: int,
    curve: bool,
    overwrite: bool,
) -> None:
    """Compute the Hessians, print the held-out error, fit and write."""
    path = Path(out)
    require_absent([path], overwrite)
    listed = list(read(molecules, seed=seed))
    if len(listed) < FEWEST:
        raise InputError(f"{molecules} has {len(listed)} molecules, at least {FEWEST} are needed to fit and to test")
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(partial(hessians, method=potential), listed))
    for molecule, one in zip(listed, found, strict=True):
        if isinstance(one, str):
            say(f"left out: {molecule.name}: {one}", err=True)
    samples = [one for one in found if not isinstance(one, str)]
    if len(samples) < FEWEST:
        raise InputError(f"{potential} gave Hessians of {len(samples)} molecules, at least {FEWEST} are needed")
    tests = samples[::held_out]
    training = [one for n, one in enumerate(samples) if n % held_out]
    sizes = [size for size in (10, 20, 40, 80, 160) if size < len(training)] if curve else []
    say(f"{'molecules':>9}  held-out error, {len(tests)} others")
    for size in [*sizes, len(training)]:
        table = fitted([sample for one in training[:size] for sample in one])
        say(f"{size:>9}  {held_out_error([sample for one in tests for sample in one], table):.3f}")
    constants = fitted([sample for one in samples for sample in one])
    about = {
        "potential": potential,
        "molecules": len(samples),
        "molopt": __version__,
        "units": "eV/A^2 for lengths, eV/rad^2 for angles",
    }
    path.write_text(written(about | {"constants": constants}), encoding="utf-8")
    say(f"{sum(len(rows) for rows in constants.values())} classes from {len(samples)} molecules in {path}")


def hessians(molecule: Molecule, method: str) -> list[Sample] | str:
    """Both Hessians of a molecule, or why there are none."""
    try:
        return samples_of(molecule, method)
    except (InputError, PotentialFailed, RuntimeError) as error:  # calculators raise RuntimeError of their own
        return " ".join(str(error).split())


def written(data: dict) -> str:
    """JSON with one class a line."""
    head = {key: value for key, value in data.items() if key != "constants"}
    kinds = [
        f"  {json.dumps(kind)}: {{\n"
        + ",\n".join(f"   {json.dumps(group)}: {json.dumps(row)}" for group, row in rows.items())
        + "\n  }"
        for kind, rows in data["constants"].items()
    ]
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    return "{\n" + ",\n".join([*lines, ' "constants": {\n' + ",\n".join(kinds) + "\n }"]) + "\n}\n"
