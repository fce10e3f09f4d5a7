"""Step counts that others published for Baker's and Birkholz and Schlegel's molecules, beside those of a study.

    python docs/benchmarks/published_steps.py STUDY --set birkholz-schlegel --optimizers pyberny,sella,default

The published ones are in the wheel of pyberny (`pip install "molopt[peers]"`): those of the papers (A. B. Birkholz,
H. B. Schlegel, Theor. Chem. Acc. 135, 84 (2016), Table 1, standard; A. Shajan et al., ChemRxiv 2023-7r7qn-v4, ASE with
Berny) and pyberny's own, under the papers' HF or DFT and under GFN2-xTB. Sums are over the molecules that all columns
have.
"""

import argparse
from pathlib import Path

from molopt.comparison.study import Study
from molopt.molecules.published import PUBLISHED
from molopt.optimizers.spec import OptimizerSpec

COLUMNS = {"paper_steps": "paper", "pyberny_steps": "pyberny, PySCF", "xtb_gfn2_steps": "pyberny, GFN2-xTB"}


def main() -> None:
    from berny.benchmarks import load_reference

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--set", default="birkholz-schlegel", choices=PUBLISHED)
    parser.add_argument("--optimizers", default="pyberny,sella,default,bfgs")
    arguments = parser.parse_args()
    names = {str(OptimizerSpec.of(name)): name for name in arguments.optimizers.split(",")}
    rows = {
        name: [said.get(column) for column in COLUMNS]
        for name, said in load_reference(PUBLISHED[arguments.set]).items()
    }
    with Study.open(arguments.study) as study:
        counts = {
            (record.plan.molecule, names[record.plan.optimizer]): record.outcome.force_calls
            for record in study.store.records()
            if record.plan.source == arguments.set and record.plan.seed == 0
            and record.plan.optimizer in names and record.outcome.converged
        }  # fmt: skip
    table = {
        name: [*row, *(counts.get((name, optimizer)) for optimizer in names.values())] for name, row in rows.items()
    }
    print("|".join(["", " molecule ", *(f" {head} " for head in (*COLUMNS.values(), *names.values())), ""]))
    print("|---" * (1 + len(COLUMNS) + len(names)) + "|")
    for name, row in table.items():
        print("|".join(["", f" {name} ", *(f" {'-' if value is None else value} " for value in row), ""]))
    whole = [row for row in table.values() if None not in row]
    sums = [sum(column) for column in zip(*whole, strict=True)]
    print("|".join(["", f" sum of {len(whole)} ", *(f" {value} " for value in sums), ""]))


if __name__ == "__main__":
    main()
