"""Thirty inorganic molecules as ideal polyhedra: bonds are sums of covalent radii, angles those of the polyhedron."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

TURN = 2 * np.pi
OCTAHEDRON = [(0, 0, 1), (0, 0, -1), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
SQUARE = OCTAHEDRON[2:]
SQUARE_PYRAMID = [OCTAHEDRON[0], *SQUARE]
TETRAHEDRON = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
TRIGONAL_BIPYRAMID = [(0, 0, 1), (0, 0, -1), *((np.cos(t), np.sin(t), 0) for t in TURN / 3 * np.arange(3))]
SEESAW = TRIGONAL_BIPYRAMID[:4]
MULTIPLE = 0.87  # of the sum of covalent radii, of a double bond to oxygen

Directions = Sequence[Sequence[float]]


class Part(NamedTuple):
    """Atoms at positions (n, 3), Angstrom."""

    symbols: list[str]
    positions: np.ndarray


def bond(one: str, other: str) -> float:
    return float(covalent_radii[atomic_numbers[one]] + covalent_radii[atomic_numbers[other]])


def unit(direction: Sequence[float]) -> np.ndarray:
    return np.array(direction, dtype=float) / np.linalg.norm(direction)


def across(direction: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors at right angles to a direction and to each other."""
    along = unit(direction)
    first = unit(np.cross(along, np.eye(3)[np.abs(along).argmin()]))
    return first, np.cross(along, first)


def cone(at: np.ndarray, direction: Sequence[float], count: int, length: float, tilt: float, turn: float = 0) -> list:
    """Points at a length from `at`, evenly about a direction and tilted off it by an angle in degrees."""
    first, second = across(direction)
    along, aside = length * np.cos(np.deg2rad(tilt)), length * np.sin(np.deg2rad(tilt))
    turns = turn + TURN / count * np.arange(count)
    return [at + along * unit(direction) + aside * (np.cos(t) * first + np.sin(t) * second) for t in turns]


def ligand(name: str, at: np.ndarray, direction: Sequence[float], turn: float = 0) -> Part:
    """An atom, or a group whose first atom is at `at` and whose others lie further along the direction."""
    hydrogens = {"NH3": 3, "CH3": 3, "OH2": 2}
    if name == "CO":
        return Part(["C", "O"], np.array([at, at + 1.15 * unit(direction)]))
    if name in hydrogens:
        count = hydrogens[name]
        ends = cone(at, direction, count, bond(name[0], "H"), 70 if count == 3 else 55, turn)
        return Part([name[0], *["H"] * count], np.array([at, *ends]))
    return Part([name], np.array([at]))


def around(centre: str, directions: Directions, ligands: Sequence[str], at: Sequence[float] = (0, 0, 0)) -> Part:
    """A centre with ligands in these directions; "=O" is a double bond."""
    parts = [Part([centre], np.array([at], dtype=float))]
    for n, (direction, name) in enumerate(zip(directions, ligands, strict=True)):
        plain = name.lstrip("=")
        first = plain if plain in atomic_numbers else plain[0]
        length = bond(centre, first) * (MULTIPLE if name.startswith("=") else 1)
        parts.append(ligand(plain, np.array(at) + length * unit(direction), direction, turn=0.3 * n))
    return joined(*parts)


def joined(*parts: Part) -> Part:
    return Part([s for part in parts for s in part.symbols], np.concatenate([part.positions for part in parts]))


def ring(count: int, height: float, turn: float = 0) -> Part:
    """A ring of CH in the plane z = height."""
    radius = 0.70 / np.sin(TURN / 2 / count)
    turns = turn + TURN / count * np.arange(count)
    points = [(r * np.cos(t), r * np.sin(t), height) for r in (radius, radius + 1.08) for t in turns]
    return Part(["C"] * count + ["H"] * count, np.array(points))


def with_hydrogens(symbols: str, positions: np.ndarray) -> Part:
    """A cage with a hydrogen outward at each atom."""
    cage = Part([*symbols], positions)
    outward = positions - positions.mean(axis=0)
    hydrogens = [p + bond(s, "H") * unit(o) for s, p, o in zip(symbols, positions, outward, strict=True)]
    return joined(cage, Part(["H"] * len(symbols), np.array(hydrogens)))


def bridged(metal: str, bridge: str, end: str) -> Part:
    """Two tetrahedra that share an edge: M2 (bridge)2 (end)4."""
    length = bond(metal, bridge[0])
    half, aside = length * np.cos(np.deg2rad(45)), length * np.sin(np.deg2rad(45))
    metals = Part([metal] * 2, np.array([(half, 0, 0), (-half, 0, 0)]))
    bridges = [ligand(bridge, np.array([0, s * aside, 0]), (0, s, 0)) for s in (1, -1)]
    ends = []
    for s in (1, -1):
        for up in (1, -1):
            direction = (s * 0.5, 0, up * 0.87)
            at = np.array([s * half, 0, 0]) + bond(metal, end[0] if end == "CH3" else end) * unit(direction)
            ends.append(ligand(end, at, direction))
    return joined(metals, *bridges, *ends)


def pentaborane() -> Part:
    """B5H9: a square pyramid, hydrogens over the edges of its base."""
    base = 1.27 * np.array(SQUARE, dtype=float)
    cage = with_hydrogens("BBBBB", np.array([*base, (0, 0, 1.1)]))
    middles = [(base[n] + base[n - 1]) / 2 for n in range(4)]
    return joined(cage, Part(["H"] * 4, np.array([m + 0.5 * unit(m) - (0, 0, 0.9) for m in middles])))


def phosphorus_oxide() -> Part:
    """P4O6: oxygen over the edges of a tetrahedron."""
    corners = 1.7 * np.array([unit(d) for d in TETRAHEDRON])
    pairs = [(corners[i] + corners[j]) / 2 for i in range(4) for j in range(i)]
    return joined(Part(["P"] * 4, corners), Part(["O"] * 6, np.array([1.8 * p for p in pairs])))


def phosphorus_sulfide() -> Part:
    """P4S3: a triangle, three bridges, and an apex."""
    turns = TURN / 3 * np.arange(3)
    base, bridges = (np.array([(r * np.cos(t), r * np.sin(t), z) for t in turns]) for r, z in ((1.25, 0), (1.8, 2.0)))
    return joined(Part(["P"] * 3, base), Part(["S"] * 3, bridges), Part(["P"], np.array([(0, 0, 3.0)])))


def methyllithium() -> Part:
    """Li4(CH3)4: a tetrahedron with a methyl over each face."""
    corners = 1.5 * np.array([unit(d) for d in TETRAHEDRON])
    methyls = [ligand("CH3", -1.9 * unit(d), -np.array(d), turn=np.pi / 6) for d in TETRAHEDRON]
    return joined(Part(["Li"] * 4, corners), *methyls)


def carborane() -> Part:
    """1,2-C2B10H12: an icosahedron."""
    golden = (1 + 5**0.5) / 2
    points = np.array([p for a in (1, -1) for b in (golden, -golden) for p in ((0, a, b), (a, b, 0), (b, 0, a))])
    carbon = np.argsort(np.linalg.norm(points - points[0], axis=1), kind="stable")[:2]
    symbols = "".join("C" if n in carbon else "B" for n in range(12))
    return with_hydrogens(symbols, 0.88 * points)


def decacarbonyl() -> Part:
    """Mn2(CO)10: two square pyramids of carbonyls, staggered."""
    turned = [(np.cos(t), np.sin(t), 0) for t in TURN / 4 * np.arange(4) + TURN / 8]
    upper = around("Mn", SQUARE_PYRAMID, ["CO"] * 5, at=(0, 0, 1.45))
    lower = around("Mn", [(0, 0, -1), *turned], ["CO"] * 5, at=(0, 0, -1.45))
    return joined(upper, lower)


def zeise() -> Part:
    """PtCl3(C2H4)-: ethylene across the square."""
    metal = around("Pt", SQUARE[1:], ["Cl"] * 3)
    height = 2.1
    carbon = [(height, 0, s * 0.70) for s in (1, -1)]
    hydrogen = [(height + 0.2, t * 0.92, s * 1.25) for s in (1, -1) for t in (1, -1)]
    return joined(metal, Part(["C"] * 2 + ["H"] * 4, np.array(carbon + hydrogen)))


def acetylacetonate() -> Part:
    """Zn(acac)2: two chelate rings at right angles."""
    rings = []
    for along, aside in (((1, 0, 0), (0, 1, 0)), ((-1, 0, 0), (0, 0, 1))):
        x, y = np.array(along), np.array(aside)
        rings.append(Part(["C", "H"], np.array([3.35 * x, 4.43 * x])))
        for s in (1, -1):
            rings.append(Part(["O", "C"], np.array([1.38 * x + s * 1.45 * y, 2.65 * x + s * 1.23 * y])))
            rings.append(ligand("CH3", 3.4 * x + s * 2.53 * y, 0.5 * x + s * 0.87 * y))
    return joined(Part(["Zn"], np.zeros((1, 3))), *rings)


TO_TUNE = {
    "GeCl4": (around("Ge", TETRAHEDRON, ["Cl"] * 4), 0),
    "CrO2Cl2": (around("Cr", TETRAHEDRON, ["=O", "=O", "Cl", "Cl"]), 0),
    "SF6": (around("S", OCTAHEDRON, ["F"] * 6), 0),
    "PF5": (around("P", TRIGONAL_BIPYRAMID, ["F"] * 5), 0),
    "SF4": (around("S", SEESAW, ["F"] * 4), 0),
    "cisplatin": (around("Pt", SQUARE, ["NH3", "NH3", "Cl", "Cl"]), 0),
    "Ni(CO)4": (around("Ni", TETRAHEDRON, ["CO"] * 4), 0),
    "Cr(CO)6": (around("Cr", OCTAHEDRON, ["CO"] * 6), 0),
    "Co(NH3)6_3+": (around("Co", OCTAHEDRON, ["NH3"] * 6), 3),
    "Cr(C6H6)2": (joined(Part(["Cr"], np.zeros((1, 3))), ring(6, 1.61), ring(6, -1.61)), 0),
    "CpMn(CO)3": (
        joined(around("Mn", cone(np.zeros(3), (0, 0, -1), 3, 1.0, 55), ["CO"] * 3), ring(5, 1.77)),
        0,
    ),
    "B5H9": (pentaborane(), 0),
    "P4O6": (phosphorus_oxide(), 0),
    "Al2Cl6": (bridged("Al", "Cl", "Cl"), 0),
    "Li4(CH3)4": (methyllithium(), 0),
}
TO_REPORT = {
    "TiCl4": (around("Ti", TETRAHEDRON, ["Cl"] * 4), 0),
    "VOCl3": (around("V", TETRAHEDRON, ["=O", "Cl", "Cl", "Cl"]), 0),
    "PCl6_-": (around("P", OCTAHEDRON, ["Cl"] * 6), -1),
    "IF5": (around("I", SQUARE_PYRAMID, ["F"] * 5), 0),
    "XeF4": (around("Xe", SQUARE, ["F"] * 4), 0),
    "PtCl4_2-": (around("Pt", SQUARE, ["Cl"] * 4), -2),
    "Fe(CO)5": (around("Fe", TRIGONAL_BIPYRAMID, ["CO"] * 5), 0),
    "Mn2(CO)10": (decacarbonyl(), 0),
    "Zn(OH2)6_2+": (around("Zn", OCTAHEDRON, ["OH2"] * 6), 2),
    "ferrocene": (joined(Part(["Fe"], np.zeros((1, 3))), ring(5, 1.66), ring(5, -1.66, turn=0.2)), 0),
    "PtCl3(C2H4)_-": (zeise(), -1),
    "C2B10H12": (carborane(), 0),
    "P4S3": (phosphorus_sulfide(), 0),
    "Al2(CH3)6": (bridged("Al", "CH3", "CH3"), 0),
    "Zn(acac)2": (acetylacetonate(), 0),
}


def ideal(name: str) -> Atoms:
    """The ideal geometry; charge, spin, name and set ("tune" or "report") in its info."""
    (symbols, positions), charge = (TO_TUNE | TO_REPORT)[name]
    said = {"name": name, "charge": charge, "spin": 1, "set": "tune" if name in TO_TUNE else "report"}
    return Atoms(symbols, positions, info=said)
