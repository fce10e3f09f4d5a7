"""The search on a force field: what starts it makes, and how what it keeps is certified."""

import numpy as np
import pytest

from molopt import Molecule, check, relax
from molopt.ensembles.certifying import Certify
from molopt.ensembles.finding import conformers
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.offspring import Around, children
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.tried import Tried
from molopt.ensembles.workshop import Workshop

BUTANE = Molecule.from_smiles("CCCC")
HEXANE = Molecule.from_smiles("CCCCCC")


def settled(molecule: Molecule, positions: np.ndarray) -> np.ndarray:
    """Relaxed without a look at the curvature: what has the symmetry of a saddle stays on it."""
    started = molecule.with_positions(positions)
    run = relax(started, potential="mmff94s", fmax=1e-3, energy_left=None, surrogate=None, check=None)
    return run.atoms.positions


def test_a_geometry_is_certified_by_its_hessian_or_not_at_all():
    rested = settled(BUTANE, BUTANE.positions)
    disturbed = rested + 0.05 * np.random.default_rng(1).normal(size=rested.shape)
    answer = Workshop(BUTANE, "mmff94s")(Certify(np.array([rested, disturbed]), 0.01))
    assert answer["stationary"] == ["minimum", "not stationary"]
    assert answer["ended"] == ["converged", "unconverged"]
    assert (answer["calls"] > 3 * len(BUTANE)).all()


def test_a_saddle_is_not_certified():
    ethane = Molecule.from_smiles("CC")
    atoms = ethane.atoms()
    atoms.positions = settled(ethane, ethane.positions)
    atoms.set_dihedral(2, 0, 1, 5, 0.0, indices=[5, 6, 7])
    answer = Workshop(ethane, "mmff94s")(Certify(atoms.positions[None], fmax=10.0))
    assert answer["stationary"] == ["saddle"]
    assert "1 imaginary mode" in answer["why"][0]


def test_other_potentials_are_left_to_the_run_that_looks_at_few_directions():
    pytest.importorskip("tblite")
    answer = Workshop(BUTANE, "gfn2-xtb")(Certify(BUTANE.positions[None], 0.01))
    assert (answer["stationary"], answer["calls"].tolist()) == (["unchecked"], [0])


def test_every_conformer_on_a_force_field_is_a_minimum_by_its_frequencies():
    ensemble = conformers("OCCCO", "mmff94s", count=60, conforge=False)
    assert len(ensemble) > 5
    for one in ensemble:
        found = check(ensemble.molecule.with_positions(one.positions), "mmff94s", frequencies=True)
        assert found.verdict.stationary == "minimum"
        assert one.fmax <= 0.01


def test_neighbours_of_low_minima_are_made_once_and_unlike_all_before():
    moves, shapes = Moves(HEXANE), Shapes(HEXANE)
    minima, known = Minima(shapes, 0.25, 0.15), Tried(moves, shapes, 25.0)
    minima.add(HEXANE.positions, 0.0, Origin("given"), 1)
    known.add(HEXANE.positions)
    around = Around(minima, moves, known)
    made = [*around.made(3, 6.0), *around.made(100, 6.0)]
    assert 3 < len(made) <= len(list(moves.neighbours(HEXANE.positions)))
    assert around.made(100, 6.0) == []
    alone = Tried(moves, shapes, 25.0)
    for child in made:
        assert child.positions not in alone
        alone.add(child.positions)


def test_no_child_is_like_one_before():
    moves, shapes = Moves(BUTANE), Shapes(BUTANE)
    minima, known = Minima(shapes, 0.25, 0.15), Tried(moves, shapes, 60.0)
    minima.add(BUTANE.positions, 0.0, Origin("given"), 1)
    rng = np.random.default_rng(1)
    first = children(minima, moves, 20, 1.5, rng, known)
    assert 0 < len(first) < 7  # of 360 degrees, each takes 60 and more
    assert len(children(minima, moves, 20, 1.5, rng)) == 20


def test_no_more_starts_are_made_than_were_asked_for():
    found = conformers(Molecule.from_smiles("CCCCO", seed=1), "mmff94s", count=20, given=False)
    assert sum(found.generated.values()) <= 20
