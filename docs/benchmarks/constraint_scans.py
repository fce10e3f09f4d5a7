"""Scans of a dihedral whose points all begin at one start, against scans in steps of one degree.

    python docs/benchmarks/constraint_scans.py > scans.md

The reference goes from degree to degree (or by --step), once up and once down, each point from its neighbour; the lower
energy of the two counts. A point 30, 60, ... degrees away begins at the minimum instead, with FixInternals at its
target.
"""

import argparse
from typing import NamedTuple

from ase import Atoms
from ase.constraints import FixInternals

import molopt

SCANS = {  # SMILES, and the atoms of the dihedral
    "pentane": ("CCCCC", (0, 1, 2, 3)),
    "2-methylbiphenyl": ("Cc1ccccc1-c1ccccc1", (1, 6, 7, 8)),
}
BAR = 1.0  # meV
TIGHT = {"fmax": 0.002, "energy_left": 1e-4}


class Scan(NamedTuple):
    """One molecule under one potential."""

    molecule: molopt.Molecule
    dihedral: tuple[int, ...]
    potential: str

    def point(self, start: Atoms, degrees: float, **how: float) -> molopt.Result:
        """Relax a start with the dihedral at so many degrees."""
        atoms = start.copy()
        atoms.calc = None
        atoms.set_constraint(FixInternals(dihedrals_deg=[[float(degrees), list(self.dihedral)]]))
        return molopt.relax(atoms, potential=self.potential, check=None, **how)

    def neighbours(self, start: Atoms, first: int, step: int) -> dict[int, molopt.Result]:
        """A scan in steps of so many degrees, up or down, once round."""
        found: dict[int, molopt.Result] = {}
        for degrees in range(first, first + step * (360 // abs(step)) + step, step):
            end = self.point(start, degrees, **TIGHT)
            found[degrees % 360] = end
            start = end.atoms
        return found

    def others(self, atoms: Atoms) -> dict[str, float]:
        """One torsion, in degrees, about each bond to which something that can turn is attached, but for that held."""
        mol = self.molecule.to_rdkit()
        found = {}
        for bond in mol.GetBonds():
            b, c = bond.GetBeginAtom(), bond.GetEndAtom()
            pair = {b.GetIdx(), c.GetIdx()}
            if bond.IsInRing() or min(b.GetDegree(), c.GetDegree()) == 1 or pair == set(self.dihedral[1:3]):
                continue
            a = min(n.GetIdx() for n in b.GetNeighbors() if n.GetIdx() != c.GetIdx())
            d = min(n.GetIdx() for n in c.GetNeighbors() if n.GetIdx() != b.GetIdx())
            found[f"{a}-{b.GetIdx()}-{c.GetIdx()}-{d}"] = atoms.get_dihedral(a, b.GetIdx(), c.GetIdx(), d)
        return found


def table(name: str, potential: str, step: int) -> None:
    smiles, dihedral = SCANS[name]
    molecule = molopt.Molecule.from_smiles(smiles)
    scan = Scan(molecule, dihedral, potential)
    start = molopt.relax(molecule, potential=potential, check=None, **TIGHT)
    here = start.atoms.get_dihedral(*dihedral)
    ways = [scan.neighbours(start.atoms, step * round(here / step), signed) for signed in (step, -step)]
    calls, runs = sum(end.force_calls for way in ways for end in way.values()), 2 * (360 // step + 1)
    print(f"\n### {name}, {potential}\n")
    print(f"Start: the minimum, {here:.1f} degrees. The reference took {calls} force calls in {runs} runs.\n")
    print(
        "| degrees | reference, meV | up - down | point - reference | force calls, unchecked | converged | bonds kept |"
    )
    print("|---" * 7 + "|")
    notes = []
    for degrees in range(0, 360, 30):
        up, down = (way[degrees] for way in ways)
        best = min(up, down, key=lambda end: end.energy)
        end = scan.point(start.atoms, degrees, fmax=0.01)
        off = 1e3 * (end.energy - best.energy)
        print(
            f"| {degrees} | {1e3 * (best.energy - start.energy):.2f} | {1e3 * (up.energy - down.energy):+.2f} "
            f"| {off:+.2f} | {end.force_calls} | {end.converged} | {end.bonds_kept} |"
        )
        if abs(off) > BAR:
            notes.append(note(scan, degrees, best, end))
    print("\n" + "\n".join(notes or ["All points are within 1 meV."]), flush=True)


def note(scan: Scan, degrees: int, best: molopt.Result, end: molopt.Result) -> str:
    """Why a point is off: not tight enough, or another minimum of what is free."""
    tighter = scan.point(end.atoms, degrees, fmax=1e-3, energy_left=1e-5)
    ours, theirs = scan.others(tighter.atoms), scan.others(best.atoms)
    turned = [
        f"{key} {theirs[key]:.0f} -> {ours[key]:.0f}"
        for key in ours
        if abs((ours[key] - theirs[key] + 180) % 360 - 180) > 5
    ]
    off = 1e3 * (tighter.energy - best.energy)
    return f"- {degrees}: relaxed to 1 meV/A it is {off:+.2f} meV off; other torsions {', '.join(turned) or 'agree'}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", default=",".join(SCANS))
    parser.add_argument("--potentials", default="mmff94,gfn2-xtb")
    parser.add_argument("--step", type=int, default=1, choices=(1, 2, 5, 10, 30), help="degrees, of the reference")
    arguments = parser.parse_args()
    for potential in arguments.potentials.split(","):
        for name in arguments.molecules.split(","):
            table(name, potential, arguments.step)


if __name__ == "__main__":
    main()
