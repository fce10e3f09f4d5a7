"""A molecule: what is bonded to what, its charge and multiplicity, and one geometry."""

import logging
import os
import random
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike
from rdkit import Chem, rdBase

from molopt.errors import InputError
from molopt.molecules.acceptance import accepted, smiles_of
from molopt.molecules.annotation import annotate, atoms_in, bonds_in
from molopt.molecules.checks import check_geometry, check_spin
from molopt.molecules.electrons import charge_of, contradiction, lowest_spin, name_of, spin_of, told
from molopt.molecules.embedding import embedded, embedded_first
from molopt.molecules.perception import bonds_of, by_distance
from molopt.molecules.sdf import sdf_text
from molopt.molecules.shipped import shipped_path
from molopt.molecules.smiles import parse_smiles
from molopt.molecules.writing import Structure, write
from molopt.spelling import tidied

if TYPE_CHECKING:
    from molopt.drawing.viewing import Viewer
    from molopt.molecules.single import Described

log = logging.getLogger("molopt")

SEED = 7


class Molecule:
    """Bonds, charge, multiplicity, a name, and one geometry with every hydrogen in it. It does not change.

    Make one with `of`, which takes whatever describes one, or with `from_smiles`, `from_rdkit`, `from_atoms` or
    `named`; read files of many with `molopt.read`, and write one with `write`.

    Attributes
    ----------
    name : str
    numbers : (natoms,) array of int
    positions : (natoms, 3) array
        Angstrom; a copy.
    bonds : (nbonds, 2) array of int
        Indices of bonded atoms, counted from 0.
    charge : int
        In units of e.
    spin : int
        The multiplicity 2S + 1; 1 + the number of radical electrons unless it was given.
    orders_known : bool
        False where bonds were guessed from distances alone: MMFF94 refuses such a molecule, UFF takes it.
    doubt : str
        Why bonds that were perceived may be wrong; empty where nothing speaks against them, or they were given.
    contradiction : str
        Which sources of the charge contradict each other; empty where they agree.
    smiles : str
        Canonical, with the stereo of the geometry.

    Examples
    --------
    >>> molecule = Molecule.from_smiles("C[C@H](N)C(=O)O", name="alanine")
    >>> len(molecule), molecule.charge, molecule.spin, molecule.smiles
    (13, 0, 1, 'C[C@H](N)C(=O)O')
    >>> atoms = molecule.atoms()
    >>> sorted(atoms.info)
    ['bonded', 'bonds', 'charge', 'name', 'spin']
    >>> Molecule.from_atoms(atoms).smiles == molecule.smiles
    True
    """

    def __init__(
        self,
        mol: Chem.Mol,
        name: str,
        charge: int,
        spin: int,
        orders_known: bool = True,
        doubt: str = "",
        contradiction: str = "",
    ) -> None:
        self._mol = mol
        self._name = name
        self._charge = charge
        self._spin = spin
        self._orders_known = orders_known
        self._doubt = doubt
        self._contradiction = contradiction
        if orders_known and np.isfinite(self.positions).all():
            with rdBase.BlockLogs():
                Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)

    @classmethod
    def of(
        cls, target: "Described", charge: int | None = None, spin: int | None = None, seed: int = SEED
    ) -> "Molecule":
        """The one molecule that a SMILES, a path, an RDKit molecule or `ase.Atoms` describe; a Molecule as it is.

        Parameters
        ----------
        target : Molecule, ase.Atoms, rdkit.Chem.Mol, str or Path
            A str is what `molopt.read` takes, the name of a shipped molecule among it. An RDKit molecule without a 3D
            conformer is embedded, and gets the hydrogens that it lacks, unlike with `from_rdkit`.
        charge, spin, seed
            As `molopt.read` takes them.

        Raises
        ------
        InputError
            It is none of these, names several molecules, or is not a molecule.

        Examples
        --------
        >>> Molecule.of("CCO ethanol"), Molecule.of(Chem.MolFromSmiles("O")).smiles
        (<Molecule ethanol: 9 atoms, charge 0, spin 1>, 'O')
        """
        from molopt.molecules.single import single  # which needs this class

        return single(target, charge, spin, seed).molecule

    @classmethod
    def from_smiles(
        cls,
        smiles: str,
        seed: int = SEED,
        name: str | None = None,
        charge: int | None = None,
        spin: int | None = None,
    ) -> Self:
        """The molecule of a SMILES, with hydrogens, embedded by ETKDGv3.

        Parameters
        ----------
        smiles : str
            May be followed by a blank and a name.
        seed : int
            Of the embedding: one seed, one geometry.
        name : str, optional
            By default the name that follows the SMILES, else the formula.
        charge, spin : int, optional
            By default what the SMILES says. Another charge is an error, another multiplicity is not.

        Raises
        ------
        InputError
            The SMILES cannot be parsed (the message shows where) or embedded.

        References
        ----------
        S. Wang, J. Witek, G. A. Landrum, S. Riniker, J. Chem. Inf. Model. 60, 2044 (2020).
        """
        mol = parse_smiles(smiles)
        found = mol.GetProp("_Name") if mol.HasProp("_Name") else ""
        name = name or found
        whole = embedded_first(Chem.AddHs(mol), seed, name or smiles.strip())
        return cls.from_rdkit(whole, name=name, charge=charge, spin=spin)

    @classmethod
    def from_rdkit(
        cls,
        mol: Chem.Mol,
        conformer: int = -1,
        name: str | None = None,
        charge: int | None = None,
        spin: int | None = None,
    ) -> Self:
        """A copy of one conformer of an RDKit molecule.

        Parameters
        ----------
        mol : rdkit.Chem.Mol
            With explicit hydrogens and at least one 3D conformer; it is sanitized if it was not.
        conformer : int
            The conformer's id; -1 is the first.
        name : str, optional
            By default the property `_Name`, else the formula.
        charge, spin : int, optional
            By default the sum of formal charges, and 1 + the number of radical electrons.

        Raises
        ------
        InputError
            There is no such conformer or it is a drawing, valences are impossible, hydrogens are missing, atoms are
            dummies, lie on one spot or nowhere, the charge is not that of the formal charges, or the multiplicity
            cannot be.
        """
        mol, name = accepted(mol, conformer, name)
        formal = Chem.GetFormalCharge(mol)
        if charge is not None:
            check_formal(mol, charge, name)
        if spin is None:
            spin = 1 + sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
        check_spin([atom.GetAtomicNum() for atom in mol.GetAtoms()], formal, spin, name)
        return cls(mol, name, formal, spin)

    @classmethod
    def from_atoms(cls, atoms: Atoms, known: dict[str, int] | None = None) -> Self:
        """The molecule that `ase.Atoms` describe: from `atoms.info` where a Molecule wrote it, else perceived.

        See `molopt.molecules.electrons` and `molopt.molecules.perception` for what is taken where nothing is given;
        every guess is logged by the logger "molopt". The charge is what the calculator was told, else that of
        `atoms.info`, else the sum of initial charges; where these contradict each other, the log warns, and bond orders
        are not known.

        Parameters
        ----------
        atoms : ase.Atoms
        known : dict, optional
            The charge and the multiplicity that will be computed with; by default what the calculator of the atoms was
            told.

        Raises
        ------
        InputError
            There are no atoms, they are periodic, lie on one spot or nowhere; charge, multiplicity and formal
            charges contradict each other.
        """
        name = name_of(atoms)
        if len(atoms) == 0:
            raise InputError("there are no atoms to make a molecule from")
        check_geometry(atoms.numbers.tolist(), atoms.positions, name)
        known = told(atoms.calc, atoms) if known is None else known
        contradicted = contradiction(atoms, known)
        charge = charge_of(atoms, known)
        if contradicted:
            log.warning("%s: %s; using charge %d and no bond orders", name, contradicted, charge)
            spin = known.get("multiplicity", lowest_spin(int(atoms.numbers.sum()) - charge))
        else:
            spin = spin_of(atoms, charge, known)
        mol, orders_known, doubt = bonds_of(atoms, charge, spin, agreed=not contradicted)
        if orders_known:
            mol, name = accepted(mol, -1, name)
            check_formal(mol, charge, name)
        return cls(mol, name, charge, spin, orders_known, doubt, contradicted)

    @classmethod
    def from_distances(cls, atoms: Atoms) -> Self:
        """What `ase.Atoms` say through distances alone: no bond orders, no charge, the lowest multiplicity."""
        mol, _, doubt = by_distance(atoms)
        return cls(mol, name_of(atoms), 0, lowest_spin(int(atoms.numbers.sum())), orders_known=False, doubt=doubt)

    @classmethod
    def named(cls, name: str) -> Self:
        """One of the molecules that come with molopt, as `molopt molecules` lists them."""
        path = shipped_path(name)
        with rdBase.BlockLogs():
            mol = Chem.MolFromMolFile(str(path), removeHs=False)
        return cls.from_rdkit(mol, name=path.stem)

    @property
    def name(self) -> str:
        return self._name

    @property
    def charge(self) -> int:
        return self._charge

    @property
    def spin(self) -> int:
        return self._spin

    @property
    def orders_known(self) -> bool:
        return self._orders_known

    @property
    def doubt(self) -> str:
        return self._doubt

    @property
    def contradiction(self) -> str:
        return self._contradiction

    @property
    def numbers(self) -> np.ndarray:
        return self._numbers.copy()

    @cached_property
    def _numbers(self) -> np.ndarray:
        return np.array([atom.GetAtomicNum() for atom in atoms_in(self._mol)])

    @property
    def positions(self) -> np.ndarray:
        return self._mol.GetConformer().GetPositions()

    @property
    def bonds(self) -> np.ndarray:
        return self._bonds.copy()

    @cached_property
    def _bonds(self) -> np.ndarray:
        pairs = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds_in(self._mol)]
        return np.array(pairs, dtype=int).reshape(-1, 2)

    @property
    def smiles(self) -> str:
        return smiles_of(self._mol)

    @cached_property
    def graph(self) -> bytes:
        """Atoms, bonds, stereo, charge and multiplicity without the geometry: conformers have the same."""
        known = (self._charge, self._spin, self._orders_known)
        return Chem.Mol(self._mol, True).ToBinary() + repr(known).encode()

    def __len__(self) -> int:
        return self._mol.GetNumAtoms()

    def __repr__(self) -> str:
        return f"<Molecule {self._name}: {len(self)} atoms, charge {self._charge}, spin {self._spin}>"

    def to_rdkit(self) -> Chem.Mol:
        """A copy of the RDKit molecule, with its one conformer and the stereo of that geometry."""
        return Chem.Mol(self._mol)

    def atoms(self) -> Atoms:
        """New `ase.Atoms` whose info holds name, charge, spin and bonds, as data that files keep."""
        atoms = Atoms(self._numbers, self.positions)
        atoms.info.update(name=self._name, charge=self._charge, spin=self._spin)
        atoms.info.update(self.annotation())
        return atoms

    def annotation(self) -> dict[str, Any]:
        """The bonds as plain data for `atoms.info`, from which `from_atoms` makes the same molecule."""
        said = annotate(self._mol, self._orders_known)
        return said | {"doubt": self._doubt} if self._doubt else said

    def with_positions(self, positions: ArrayLike) -> Self:
        """The same molecule at other positions, (natoms, 3) in Angstrom."""
        positions = np.array(positions, dtype=float)
        if positions.shape != (len(self), 3):
            raise InputError(f"{self._name} needs positions of shape ({len(self)}, 3), got {positions.shape}")
        mol = Chem.Mol(self._mol)
        mol.GetConformer().SetPositions(positions)
        return self.like(mol)

    def moved(self, positions: ArrayLike, bonds_kept: bool | None = True) -> Self:
        """The molecule at the end (natoms, 3) of a run.

        Where the run did not keep the bonds, as where a proton moved, or they were in doubt, those that are there are
        perceived; charge, multiplicity and name stay.
        """
        there = self.with_positions(positions)
        if (bonds_kept and not self._doubt) or not np.isfinite(there.positions).all():
            return there
        info = {"name": self._name, "charge": self._charge, "spin": self._spin}
        atoms = Atoms(self.numbers, there.positions, info=info)
        try:
            return type(self).from_atoms(atoms)
        except InputError as error:
            log.warning("%s: no bond orders at the end of the run: %s", self._name, error)
            mol, _, doubt = by_distance(atoms)
            return type(self)(mol, self._name, self._charge, self._spin, orders_known=False, doubt=doubt)

    def renamed(self, name: str) -> Self:
        """The same molecule under another name.

        >>> Molecule.from_smiles("CCO").renamed("ethanol")
        <Molecule ethanol: 9 atoms, charge 0, spin 1>
        """
        known = (self._charge, self._spin, self._orders_known, self._doubt, self._contradiction)
        return type(self)(Chem.Mol(self._mol), tidied(name), *known)

    def like(self, mol: Chem.Mol) -> Self:
        """What is known of this molecule, of another geometry of it."""
        known = (self._name, self._charge, self._spin, self._orders_known, self._doubt, self._contradiction)
        return type(self)(mol, *known)

    def conformers(self, count: int, seed: int = SEED) -> Iterator[Self]:
        """`count` other embeddings of this molecule, one at a time, with the stereo of this one.

        The first are the same for every count. Each is made when it is asked for.

        >>> butane = Molecule.from_smiles("CCCC")
        >>> [len(conformer) for conformer in butane.conformers(2, seed=1)]
        [14, 14]
        """
        seeds = random.Random(seed)
        for _ in range(count):
            mol = embedded(Chem.Mol(self._mol), seeds.randrange(2**31), self._name)
            yield self.like(mol)

    def to_sdf(self, further: Mapping[str, str] | None = None) -> str:
        """One SDF record: its title the name, with data fields for charge and spin, and `further` ones."""
        return sdf_text(self._mol, self._name, self._charge, self._spin, self._orders_known, further)

    def to_svg(self) -> str:
        """The structural formula, for an HTML page, light or dark; empty where the molecule is too large to draw."""
        from molopt.molecules.drawing import structure_svg

        return structure_svg(self._mol, self._name)

    def view(self) -> "Viewer":
        """The geometry in 3D, in a notebook; chemiscope must be installed."""
        from molopt.drawing.viewing import viewed

        return viewed([self.atoms()])

    def _repr_html_(self) -> str:
        from molopt.molecules.drawing import html_of

        return html_of(self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the geometry as the ending of the path says: .sdf, .xyz, .extxyz, .pdb or .traj."""
        write(path, [Structure(self, self.atoms())])

    def __getstate__(self) -> dict[str, Any]:
        kept = int(Chem.PropertyPickleOptions.AllProps) | int(Chem.PropertyPickleOptions.CoordsAsDouble)
        known = {name: vars(self)[name] for name in vars(self) if name not in ("_numbers", "_bonds", "graph")}
        return known | {"_mol": self._mol.ToBinary(kept)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_mol": Chem.Mol(state["_mol"])})


def check_formal(mol: Chem.Mol, charge: int, name: str) -> None:
    """Raise InputError unless the formal charges add up to the charge."""
    formal = Chem.GetFormalCharge(mol)
    if charge != formal:
        raise InputError(f"{name}: charge {charge} contradicts its formal charges, which add up to {formal}")
