"""`molopt.LBFGS` in janus-core: its geometry optimization takes any optimizer class of ASE.

    pip install janus-core 'molopt[xtb]'
    python in_janus.py

The command `janus geomopt --optimizer` takes names of `ase.optimize` only; the class goes in from Python, and its
arguments into `opt_kwargs`. `filter_class=None`, as a molecule has no cell to relax. Prints the steps of janus's
default, ASE's LBFGS, and of `molopt.LBFGS`.
"""

import ase.optimize

import molopt


def main() -> None:
    from janus_core.calculations.geom_opt import GeomOpt

    molecule = molopt.Molecule.from_smiles("NCC(=O)OC", seed=1)
    for optimizer in (ase.optimize.LBFGS, molopt.LBFGS):
        atoms = molecule.atoms()
        atoms.calc = molopt.potential("gfn2-xtb", molecule)  # or arch="mace_off" and the like, of janus
        run = GeomOpt(atoms, fmax=0.01, optimizer=optimizer, filter_class=None, opt_kwargs={"logfile": None})
        run.run()
        print(f"{optimizer.__module__}: {run.dyn.nsteps} steps, {atoms.get_potential_energy():.4f} eV")


if __name__ == "__main__":
    main()
