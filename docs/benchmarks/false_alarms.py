"""What `molopt diagnose` says of runs on `molecules/`: of the default's it should say nothing.

python docs/benchmarks/false_alarms.py                                   # the default, all molecules, MMFF94
python docs/benchmarks/false_alarms.py --optimizers bfgs,fire --largest 70
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import molopt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--optimizers", default="default", help="separated by commas")
    parser.add_argument("--largest", type=int, default=1000, help="atoms of a molecule at most")
    parser.add_argument("--steps", type=int, default=300, help="of a run at most")
    asked = parser.parse_args()
    molecules = [molopt.Molecule.named(name) for name in molopt.shipped_names()]
    molecules = [molecule for molecule in molecules if len(molecule) <= asked.largest]
    for optimizer in asked.optimizers.split(","):
        patterns: Counter[str] = Counter()
        runs = 0
        for molecule in molecules:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "run.traj"
                result = molopt.relax(molecule, optimizer, trajectory=path, steps=asked.steps)
                advice = molopt.diagnose(path).advice
            patterns.update(one.pattern for one in advice)
            runs += bool(advice)
            for one in advice:
                print(f"  {molecule.name}, {result.force_calls} calls, {result.verdict.short}: {one}", flush=True)
        said = ", ".join(f"{pattern} {count}" for pattern, count in patterns.most_common()) or "none"
        print(f"{optimizer}: {runs} of {len(molecules)} runs show a pattern: {said}", flush=True)


if __name__ == "__main__":
    main()
