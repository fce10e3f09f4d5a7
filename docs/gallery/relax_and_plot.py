"""Relax a molecule and look at the run.

From a SMILES to a certified minimum on MMFF94. The figure has the energy above the floor of the basin and fmax at
each force call; the criteria are dashed.
"""

from pathlib import Path

import molopt

paracetamol = molopt.Molecule.from_smiles("CC(=O)Nc1ccc(O)cc1", name="paracetamol", seed=7)
result = molopt.relax(paracetamol, potential="mmff94", fmax=0.01)
print(f"{result.verdict}: {result.force_calls} force calls, {result.energy:.4f} eV")
result.plot(Path(__file__).with_suffix(".png"))
