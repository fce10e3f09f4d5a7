"""Mistakes that type checkers find: one on each line that says so."""

import numpy as np
from ase import Atoms

import molopt
from molopt import LBFGS, Adam, relax, relax_batch
from molopt.rules import Rule

relax("CCO", fmx=0.01)  # wrong
relax("CCO", fmax="tight")  # wrong
relax(17)  # wrong
print(relax("CCO").energi)  # wrong
len(relax("CCO").energy)  # wrong
molopt.relaxed("CCO")  # wrong
molopt.rules.Adam(learning_rate=0.1)  # wrong
LBFGS(Atoms("H2"), memry=5)  # wrong
Adam(Atoms("H2"), learning_rate=0.1)  # wrong
Adam(Atoms("H2"), lr="fast")  # wrong
relax_batch([1, 2])  # wrong
relax("CCO", optimizer=Rule)  # wrong
molopt.scan("CCCC", (0, 1, 2, 3), np.linspace(0, 360, 13), fmax=None)  # wrong
molopt.conformers("OCCO", count="many")  # wrong
print(molopt.read("x.sdf").name)  # wrong
