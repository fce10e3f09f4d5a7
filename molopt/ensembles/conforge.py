"""CONFORGE, the conformer generator of CDPKit, as a source of seeds."""

import numpy as np
from rdkit import Chem

from molopt.ensembles.seeds import Seed, apart
from molopt.errors import InputError, MissingExtra
from molopt.molecules.identity import configuration
from molopt.molecules.molecule import Molecule

WINDOW = 20.0  # kcal/mol above its lowest, by its force field; far, since relaxing changes the order
RMSD = 0.3  # A, between two that it gives
SAMPLED = 5  # geometries of a macrocycle for each conformer asked for; its own 2,000 take 48 s for a ring of 15


def conforge_seeds(molecule: Molecule, count: int) -> list[Seed]:
    """At most `count` conformers by CONFORGE, the lowest first, with the bonds and stereo of the molecule.

    One seed without positions says why there are none.

    Raises
    ------
    MissingExtra
        CDPKit is not installed.
    InputError
        The count is not at least 1.

    References
    ----------
    T. Seidel, C. Permann, O. Wieder, S. M. Kohlbacher, T. Langer, J. Chem. Inf. Model. 63, 5549 (2023).
    """
    if count < 1:
        raise InputError(f"the number of conformers by CONFORGE must be at least 1, got {count}")
    try:
        from CDPL import Base, ConfGen
        from CDPL import Chem as cdpl
    except ImportError:
        raise MissingExtra("conforge", "CONFORGE") from None
    read = cdpl.BasicMolecule()
    text = Chem.MolToMolBlock(molecule.to_rdkit()) + "\n$$$$\n"
    try:
        cdpl.SDFMoleculeReader(Base.StringIOStream(text)).read(read)
        ConfGen.prepareForConformerGeneration(read)
    except Base.Exception as error:
        return [Seed("conforge", 0, None, f"CDPKit cannot read it: {error}")]
    generator = ConfGen.ConformerGenerator()
    settings = generator.settings
    settings.maxNumOutputConformers = count
    settings.maxNumSampledConformers = SAMPLED * count
    settings.energyWindow = WINDOW
    settings.minRMSD = RMSD
    settings.sampleHetAtomHydrogens = True
    ended = generator.generate(read)
    names = {getattr(ConfGen.ReturnCode, name): name for name in dir(ConfGen.ReturnCode) if name.isupper()}
    if ended != ConfGen.ReturnCode.SUCCESS:
        said = names.get(ended, str(ended)).lower().replace("_", " ")
        return [Seed("conforge", 0, None, f"CONFORGE: {said}")]
    generator.setConformers(read)
    found = []
    wanted = configuration(molecule)
    for number in range(cdpl.getNumConformations(read)):
        positions = np.array([cdpl.getConformer3DCoordinates(atom, number).toArray() for atom in read.atoms])
        seed = Seed("conforge", number, apart(molecule, positions))
        if configuration(molecule.with_positions(positions)) != wanted:
            seed = Seed("conforge", number, None, "CONFORGE's geometry has another configuration")
        found.append(seed)
    return found
