"""`molopt.LBFGS` in quacc: its jobs and its runner take any optimizer class of ASE.

    pip install quacc 'molopt[xtb]'
    python in_quacc.py

Arguments of `molopt.LBFGS` go into `optimizer_kwargs`. Prints the steps and the energy of a job of quacc with its
default, ASE's BFGS, and with `molopt.LBFGS` looking whether the end is a minimum.
"""

import molopt

WAYS = {
    "BFGS of ASE": {"fmax": 0.01},
    "molopt.LBFGS": {"fmax": 0.01, "optimizer": molopt.LBFGS, "optimizer_kwargs": {"check": "auto"}},
}


def main() -> None:
    from quacc.recipes.tblite.core import relax_job

    atoms = molopt.Molecule.from_smiles("NCC(=O)OC", seed=1).atoms()
    for name, parameters in WAYS.items():
        found = relax_job(atoms, opt_params=parameters, verbosity=0)
        print(f"{name}: {len(found['trajectory']) - 1} steps, {found['results']['energy']:.4f} eV")


if __name__ == "__main__":
    main()
