"""Which run a restart file is of: its atoms, its potential, its optimizer, and where it began."""

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple, Self

import numpy as np
from ase import Atoms

from molopt.coordinates.topology import Topology, covalent_bonds
from molopt.molecules import Molecule
from molopt.molecules.annotation import restore
from molopt.molecules.identity import configuration
from molopt.optimizers.json_arrays import checked
from molopt.potentials import Counted
from molopt.rules.partition import Array

NEAR = 0.1  # Angstrom, root mean square: a start that was written with few digits, or shaken a little
WINDING = 2.0  # times as long as from start to end may the way over a frame of the run be; of most it is
PLANAR = 0.3  # volume that unit vectors to four neighbours span, of 3.1 in a tetrahedron: below, no side is known
LONGEST = 200  # characters of a file that are shown in an error
TECHNICAL = frozenset(
    ("command", "label", "directory", "prefix", "txt", "logfile", "verbosity", "nproc", "threads", "atoms", "cache_api")
)  # parameters of calculators that do not change the forces


class Place(NamedTuple):
    """Where atoms are: all images of a band, the atoms of a cell filter."""

    positions: Array  # (n, 3) Angstrom, of all images; (N, 1) entries of what has no atoms
    cells: Array  # (images, 3, 3) Angstrom

    @classmethod
    def of(cls, target: Any) -> Self:
        images = images_of(target)
        if not images:
            return cls(target.__ase_optimizable__().get_x().reshape(-1, 1), np.zeros((0, 3, 3)))
        return cls(np.concatenate([atoms.positions for atoms in images]), np.array([atoms.cell[:] for atoms in images]))

    @classmethod
    def from_plain(cls, plain: Any, name: str, like: "Place") -> Self:
        """What a file holds of it; ValueError where it is of other atoms, or not finite."""
        parts = zip(cls._fields, like, strict=True)
        return cls(*(checked(plain[part], f"{name}.{part}", old, old.shape, -1e6, 1e6) for part, old in parts))

    def apart(self, other: "Place") -> float:
        """Root mean square distance of atoms, or of cell vectors where these are farther apart; Angstrom."""
        gaps = [(here - there).reshape(-1, here.shape[-1]) for here, there in zip(self, other, strict=True)]
        return max(float(np.sqrt((gap**2).sum(axis=1).mean())) if gap.size else 0.0 for gap in gaps)

    def restore(self, target: Any) -> None:
        """Put the target there, to the last bit."""
        images = images_of(target)
        if not images:
            target.__ase_optimizable__().set_x(self.positions.ravel())
            return
        ends = np.cumsum([len(atoms) for atoms in images])[:-1]
        for atoms, positions, cell in zip(images, np.split(self.positions, ends), self.cells, strict=True):
            if not np.array_equal(atoms.cell[:], cell):
                atoms.set_cell(cell, apply_constraint=False)
            atoms.set_positions(positions, apply_constraint=False)  # it would move them by a rounding


def images_of(target: Any) -> list[Atoms]:
    """The `ase.Atoms` of what ASE can optimize: of a filter, of a band; none of a function without atoms."""
    if isinstance(target, Atoms):
        return [target]
    images = getattr(target, "images", None)
    if images is not None:
        return list(images)
    inner = getattr(target, "atoms", None)
    return [] if inner is None else images_of(inner)


def identity(optimizer: Any) -> dict[str, Any]:
    """What tells this run from others, in plain values."""
    target, recipe = optimizer.atoms, optimizer.recipe
    bonds = known_bonds(optimizer)
    return {
        "kind": "Atoms" if isinstance(target, Atoms) else type(target).__name__,
        "images": [described(atoms) for atoms in images_of(target)],
        "direction": repr(optimizer.direction),
        "control": repr(optimizer.control),
        "coordinates": optimizer.sees,
        "model": optimizer.model,
        "optimizer": type(optimizer).__name__,
        "stiffness": float(optimizer.stiffness),
        "surrogate": None if optimizer.surrogate is None else str(optimizer.surrogate.name),
        "bond orders": None if recipe is None else recipe.model.known is not None,
        "bonds": None if bonds is None else ordered(bonds),
    }


def described(atoms: Atoms) -> dict[str, Any]:
    return {
        "elements": atoms.numbers.tolist(),
        "periodic": atoms.pbc.tolist(),
        "constraints": sorted((constraint_of(constraint) for constraint in atoms.constraints), key=repr),
        "charge": stated_charge(atoms),
        "multiplicity": stated_multiplicity(atoms),
        "potential": potential_of(atoms.calc),
    }


def stated_charge(atoms: Atoms) -> float:
    """What the atoms say of their charge, without a guess from their bonds."""
    charge = atoms.info.get("charge")
    if isinstance(charge, Real):
        return float(charge)
    return float(np.round(atoms.get_initial_charges().sum())) if atoms.has("initial_charges") else 0.0


def stated_multiplicity(atoms: Atoms) -> float:
    """What the atoms say of it, else the lowest that their electrons can have."""
    spin = atoms.info.get("spin")
    if isinstance(spin, Real):
        return float(spin)
    if atoms.has("initial_magmoms") and atoms.get_initial_magnetic_moments().any():
        return 1.0 + float(np.round(abs(atoms.get_initial_magnetic_moments().sum())))
    return 1.0 + (float(atoms.numbers.sum()) - stated_charge(atoms)) % 2


def constraint_of(constraint: Any) -> Any:
    """A constraint in plain values; its name alone where it has no others."""
    try:
        return plain(constraint.todict())
    except (NotImplementedError, AttributeError, TypeError):  # a user's own may have no todict, or an unwritten one
        return {"name": type(constraint).__name__}


def potential_of(calculator: Any) -> dict[str, Any] | None:
    """The name of a calculator and those of its parameters that are plain values; None where there is none yet."""
    while isinstance(calculator, Counted):
        calculator = calculator.calculator
    if calculator is None:
        return None
    parameters = getattr(calculator, "parameters", None)
    found = {}
    for name, value in parameters.items() if isinstance(parameters, Mapping) else ():
        try:
            found[str(name)] = plain(value)
        except TypeError:
            found[str(name)] = None  # an object, which cannot be compared
    name = str(getattr(calculator, "name", type(calculator).__name__))
    return {"class": type(calculator).__name__, "name": name, "parameters": found}


def plain(value: Any) -> Any:
    """A value as JSON holds it; TypeError where it cannot."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    raise TypeError(f"{type(value).__name__} is not a plain value")


def known_bonds(optimizer: Any) -> Array | None:
    """(nb, 2) those of the coordinates, else by what the atoms carry or by distance; None of what is not a molecule."""
    atoms = optimizer.atoms
    if optimizer.recipe is not None:
        return optimizer.recipe.bonds
    if not isinstance(atoms, Atoms) or atoms.pbc.any() or len(atoms) < 2:
        return None
    known = restore(atoms)
    if known is None:
        return covalent_bonds(atoms.numbers, atoms.positions)
    return ordered(np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in known[0].GetBonds()]))


def ordered(bonds: Any) -> Array:
    bonds = np.sort(np.asarray(bonds, dtype=int).reshape(-1, 2), axis=1)
    return bonds[np.lexsort((bonds[:, 1], bonds[:, 0]))]


def check_run(optimizer: Any, run: dict[str, Any]) -> None:
    """Raise ValueError, which says why, unless this optimizer has the atoms, potential and rule of the run of a file.

    `run` is what `identity` wrote when the run began.
    """
    ours = identity(optimizer)
    if run["kind"] != ours["kind"] or len(run["images"]) != len(ours["images"]):
        raise ValueError(
            f"it is of {said(run['kind'])}, {len(run['images'])} geometries, this is {ours['kind']}, "
            f"{len(ours['images'])}"
        )
    for theirs, here in zip(run["images"], ours["images"], strict=True):
        check_atoms(theirs, here)
    for name in ("direction", "control", "coordinates", "model", "optimizer", "stiffness", "surrogate"):
        if run[name] != ours[name]:
            raise ValueError(f"it was written by {said(run[name])}, this is {said(ours[name])} ({name})")


def check_place(
    optimizer: Any, run: dict[str, Any], start: Place, now: Place, came: Place, bonds: Array | None
) -> None:
    """Raise ValueError unless the atoms are where the run began, where it is `now`, or between.

    `came` is where the last step came from, `bonds` (nb, 2) those of the run now, where it has internal coordinates.
    """
    here = Place.of(optimizer.atoms)
    if known_bonds(optimizer) is not None:
        check_molecule(optimizer, run, here, start, now, bonds)
    there, back = here.apart(start), here.apart(now)
    if min(there, back, here.apart(came)) > NEAR and there + back > WINDING * start.apart(now):
        raise ValueError(
            f"these atoms are {there:.2g} A (root mean square) from where its run began and {back:.2g} A from where it "
            "is, as another start or another conformer would be: give one of the two"
        )


def check_atoms(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    elements = theirs["elements"]
    if len(elements) != len(ours["elements"]):
        raise ValueError(f"it is of {len(elements)} atoms, these are {len(ours['elements'])}")
    for atom, (there, here) in enumerate(zip(elements, ours["elements"], strict=True)):
        if there != here:
            raise ValueError(f"atom {atom}, counted from 0, is of element {said(there)} there and {here} here")
    for name in ("periodic", "charge", "multiplicity"):
        if theirs[name] != ours[name]:
            raise ValueError(f"{name} is {said(theirs[name])} there and {said(ours[name])} here")
    if not alike(theirs["constraints"], ours["constraints"]):
        raise ValueError(f"constraints are {said(theirs['constraints'])} there and {said(ours['constraints'])} here")
    there, here = theirs["potential"], ours["potential"]
    if there is None or here is None:
        return
    for name in ("name", "class"):
        if there[name] != here[name]:
            raise ValueError(f"the potential is {said(there[name])} there and {said(here[name])} here")
    for name in sorted((there["parameters"].keys() | here["parameters"].keys()) - TECHNICAL):
        values = [side["parameters"].get(name, "not set") for side in (there, here)]
        if not alike(*values):
            where = f"{said(values[0])} there and {said(values[1])} here"
            raise ValueError(f"the potential, {said(here['name'])}, has the parameter {said(name)} {where}")


def alike(one: Any, other: Any) -> bool:
    """Whether two plain values are equal; None, inside them too, is a value that is not known (yet)."""
    if one is None or other is None:
        return True
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def check_molecule(
    optimizer: Any, run: dict[str, Any], here: Place, start: Place, now: Place, bonds: Array | None
) -> None:
    """Bonds, their orders and the handedness must be those of the start, or of the last geometry."""
    known = None if optimizer.recipe is None else optimizer.recipe.model.known is not None
    if run["bond orders"] != known:
        told = "knew bond orders, of these atoms they are not known" if run["bond orders"] else "knew no bond orders"
        raise ValueError(f"its run {told}: give the atoms and their info as they were when it began")
    atoms, ours = optimizer.atoms, ordered(known_bonds(optimizer))
    began = ordered(checked(run["bonds"], "bonds", ours, (None, 2), 0, len(atoms) - 1))
    restored = restore(atoms)
    same = any(np.array_equal(ours, ordered(part)) for part in (began, bonds) if part is not None)
    if not same and (restored is not None or min(here.apart(start), here.apart(now)) > NEAR):
        pairs = {tuple(pair) for pair in ours.tolist()} ^ {tuple(pair) for pair in began.tolist()}
        i, j = min(pairs)
        raise ValueError(f"its bonds differ: atoms {i} and {j} are bonded only {said_where((i, j), ours)}")
    topology = Topology(atoms.numbers, began)
    if not any(agree(sides(topology, here), sides(topology, place)) for place in (start, now)):
        centre = int(np.flatnonzero(sides(topology, here) * sides(topology, now) < 0)[0])
        raise ValueError(
            f"the neighbours of atom {centre}, counted from 0, have the opposite handedness there: it is the file "
            "of an isomer, or of another start"
        )
    molecule = None if restored is None else Molecule(restored[0], "", 0, 1, restored[1])
    if optimizer.recipe is not None:
        molecule = optimizer.recipe.molecule
    if molecule is not None and molecule.orders_known:
        stereo = configuration(molecule.with_positions(here.positions))
        if not any(configuration(molecule.with_positions(place.positions)) == stereo for place in (start, now)):
            raise ValueError("cis and trans, or R and S, differ there: it is the file of an isomer")


def said_where(pair: tuple[int, int], ours: Array) -> str:
    return "here" if (ours == pair).all(axis=1).any() else "there"


def sides(topology: Topology, place: Place) -> Array:
    """(N,) 1 or -1, the handedness of atoms with four neighbours in the order of their indices; 0 where it has none."""
    found = np.zeros(len(topology.numbers), dtype=int)
    centres = np.array([atom for atom, near in enumerate(topology.neighbours) if len(near) == 4], dtype=int)
    if len(centres):
        ends = place.positions[np.array([topology.neighbours[atom] for atom in centres])]  # (n, 4, 3)
        arms = ends - place.positions[centres, None]
        arms /= np.maximum(np.linalg.norm(arms, axis=2, keepdims=True), 1e-9)
        volume = np.linalg.det(arms[:, :3] - arms[:, 3:])
        found[centres] = np.where(np.abs(volume) > PLANAR, np.sign(volume), 0)
    return found


def agree(some: Array, others: Array) -> bool:
    return not (some * others < 0).any()


def said(value: Any) -> str:
    """What a file holds, fit for a line of an error."""
    text = str(value).encode("unicode_escape").decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
