"""A molecule as it is drawn on paper."""

import re
from typing import TYPE_CHECKING

from rdkit import Chem, rdBase
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from molopt.drawing.svg import INK, inline
from molopt.drawing.text import one_line
from molopt.notebook import beside, html_facts

if TYPE_CHECKING:
    from molopt.molecules.molecule import Molecule

WIDTH, HEIGHT = 210, 140  # points
MOST = 100  # heavy atoms; more cannot be made out in so small a drawing
BLACK = "#000000"
FILL = re.compile(r"fill='(#[0-9a-f]{6})'")
HEXADECIMAL = re.compile(r"#[0-9A-Fa-f]{6}")


def html_of(molecule: "Molecule") -> str:
    """What a notebook shows of it."""
    facts = {
        "formula": CalcMolFormula(molecule.to_rdkit()),
        "atoms": str(len(molecule)),
        "charge": str(molecule.charge),
        "multiplicity": str(molecule.spin),
        "SMILES": molecule.smiles,
        "in doubt": molecule.contradiction or molecule.doubt,
    }
    return beside(html_facts(molecule.name, facts), molecule.to_svg())


def structure_svg(mol: Chem.Mol, name: str) -> str:
    """The structural formula as inline SVG, light or dark as its page is; empty where there is none to draw.

    Hydrogens are left out as far as a formula can say them. Elements, bonds, charges, radicals and stereo are drawn,
    and nothing else that a file may have said of its atoms.

    Parameters
    ----------
    mol : rdkit.Chem.Mol
        As of `Molecule.to_rdkit`; it stays as it is.
    name : str
        For those who cannot see the drawing.
    """
    if mol.GetNumHeavyAtoms() > MOST:
        return ""
    try:
        with rdBase.BlockLogs():
            flat = without_hydrogens(without_notes(mol))
            rdDepictor.Compute2DCoords(flat)
            drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
            rdMolDraw2D.UpdateDrawerParamsFromJSON(drawer, '{"clearBackground": false}')
            rdMolDraw2D.PrepareAndDrawMolecule(drawer, flat)
    except (RuntimeError, ValueError):  # how RDKit says that it cannot
        return ""
    drawer.FinishDrawing()
    colours = HEXADECIMAL.sub(lambda found: INK if found[0] == BLACK else found[0].lower(), drawer.GetDrawingText())
    styled = FILL.sub(r"style='fill:\1'", colours).replace("iso-8859-1", "utf-8")
    return inline(re.sub(r" class='[^']*'", "", styled), {}, "formula", one_line(name))


def without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """The molecule with as few hydrogens as a formula shows; all of them where orders or valences are not known."""
    try:
        return Chem.RemoveHs(mol)
    except ValueError:
        return mol


def without_notes(mol: Chem.Mol) -> Chem.Mol:
    """A copy without what files may attach to atoms and bonds, which RDKit would draw: labels, notes, numbers."""
    plain = Chem.Mol(mol)
    plain.RemoveAllConformers()
    parts: list[Chem.Mol | Chem.Atom | Chem.Bond] = [plain, *plain.GetAtoms(), *plain.GetBonds()]
    for part in parts:
        for name in part.GetPropNames(includePrivate=True, includeComputed=False):
            part.ClearProp(name)
    for atom in plain.GetAtoms():
        atom.SetAtomMapNum(0)
    return plain
