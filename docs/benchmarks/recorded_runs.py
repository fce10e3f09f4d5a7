"""Record the runs of tests/support/recorded_runs.json anew, and print how they differ from the recorded ones.

    python docs/benchmarks/recorded_runs.py              # prints differences
    python docs/benchmarks/recorded_runs.py --write      # and keeps the new outcomes
    python docs/benchmarks/recorded_runs.py --shaken     # from starts turned, and moved at random

To be kept, a run must not be chaotic: a start moved by 1e-9 A, and a turned one where the optimizer does not see
Cartesian axes, must leave its force calls within one; in internal coordinates one moved by 5e-4 A too (`--noise
5e-4`), but for starts that are symmetric or under constraints.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
import recorded

TURN = Rotation.from_euler("xyz", (0.4, 1.1, -0.7)).as_matrix()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the new outcomes")
    parser.add_argument("--shaken", action="store_true", help="from starts that differ by next to nothing")
    parser.add_argument("--noise", type=float, default=1e-9, help="of shaken starts, Angstrom")
    parser.add_argument("--only", default="", help="runs that contain this text")
    given = parser.parse_args()
    starts, runs = recorded.read()
    differing, slowest, new = 0, ("", 0.0), []
    for run in runs:
        if given.only not in str(run):
            new.append(run)
            continue
        start = time.process_time()
        outcomes = shaken(run, starts, given.noise) if given.shaken else [run.rerun(starts)]
        spent = time.process_time() - start
        slowest = max(slowest, (str(run), spent), key=lambda entry: entry[1])
        said = [line for outcome in outcomes for line in run.outcome.differences(outcome)]
        differing += bool(said)
        if said:
            print(f"{run}: {'; '.join(said)}", flush=True)
        new.append(replace(run, outcome=outcomes[0]))
    print(f"{differing} of {len(runs)} runs differ; the slowest, {slowest[0]}, took {slowest[1]:.1f} s of CPU")
    if given.write and not given.shaken:
        recorded.write(starts, new)


def shaken(run: recorded.Recorded, starts: dict[str, recorded.Start], noise: float) -> list[recorded.Outcome]:
    """The outcomes of starts that differ from the recorded one by noise, and by a rotation."""
    outcomes = [run.rerun(starts, noise=noise)]
    internal = run.optimizer.split("?")[0] in ("default", "lbfgs") or "/" in run.optimizer
    fixed = run.start in starts and (starts[run.start].constraints or starts[run.start].cell)
    return [*outcomes, run.rerun(starts, turn=TURN)] if internal and not fixed else outcomes


if __name__ == "__main__":
    main()
