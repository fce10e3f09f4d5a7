"""The conformers of a drug and their populations.

A search on MMFF94s; every conformer is a certified minimum.
"""

from pathlib import Path

import molopt

ibuprofen = molopt.Molecule.from_smiles("CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O", name="ibuprofen", seed=7)
ensemble = molopt.conformers(ibuprofen, "mmff94s", window=3.0, conforge=False)
print(f"{len(ensemble)} conformers within 3 kcal/mol; the lowest holds {ensemble.populations[0]:.0%}")
ensemble.plot(Path(__file__).with_suffix(".png"))
