"""The search for conformers: what it finds, that it is the same every time, and that nothing is lost silently."""

import numpy as np
import pytest
from ase.calculators.emt import EMT
from complexes import ferrocene
from threadpoolctl import threadpool_info, threadpool_limits

import molopt
from molopt import InputError, Molecule
from molopt.ensembles.crew import Crew
from molopt.ensembles.effort import KCAL, Effort
from molopt.ensembles.finding import conformers
from molopt.ensembles.jobs import Evaluate, Minimise, Polish, Relax
from molopt.ensembles.margins import FEW, Margins
from molopt.ensembles.minima import Minima, Origin
from molopt.ensembles.moves import Moves
from molopt.ensembles.routes import Fresh, Spread, below
from molopt.ensembles.shapes import Shapes
from molopt.ensembles.survey import Survey
from molopt.ensembles.workshop import Workshop, digest
from molopt.execution import SerialExecutor

GLYCOL = "OCCO"
SMALL = {"count": 40, "window": 4.0, "max_calls": 120, "conforge": False}


@pytest.fixture(scope="module")
def glycol():
    pytest.importorskip("tblite")
    return conformers(GLYCOL, refine="gfn2-xtb", **SMALL)


def test_butane_has_one_anti_and_two_gauche_conformers():
    ensemble = conformers("CCCC", count=30, conforge=False)
    assert [one.degeneracy for one in ensemble] == [1, 2]
    assert ensemble.relative == pytest.approx([0.0, 0.8], abs=0.1)  # MMFF94s
    assert {verdict.stationary for verdict in ensemble.verdicts} == {"minimum"}


def test_mirror_images_of_an_achiral_molecule_are_listed_where_they_are_to_be_kept():
    assert len(conformers("CCCC", count=30, conforge=False, mirror="keep")) == 3


def test_cyclohexane_has_a_chair_and_a_twist_boat():
    ensemble = conformers("C1CCCCC1", count=60, window=8.0, conforge=False)
    assert len(ensemble) == 2
    assert ensemble.relative[1] == pytest.approx(5.9, abs=0.4)  # MMFF94


@pytest.mark.parametrize("smiles", ["O", "C", "c1ccccc1", "[Na+]"])
def test_a_molecule_without_rotors_has_one_conformer(smiles):
    ensemble = conformers(smiles, potential="uff" if smiles == "[Na+]" else None, count=5, conforge=False)
    assert len(ensemble) == 1


def test_every_conformer_is_a_certified_minimum_of_the_potential_that_ranks(glycol):
    assert glycol.potential == "gfn2-xtb"
    assert len(glycol) >= 3
    for one in glycol:
        assert one.verdict.stationary == "minimum"
        assert one.fmax < 0.01
        again = molopt.check(glycol.molecule.with_positions(one.positions), "gfn2-xtb", frequencies=True)
        assert again.verdict.stationary == "minimum"


def test_the_lowest_conformer_of_glycol_has_the_hydrogen_bond(glycol):
    lowest = glycol[0].positions
    oxygens = np.flatnonzero(glycol.molecule.numbers == 8)
    hydrogens = [
        i for i, j in glycol.molecule.bonds[:, ::-1].tolist() if j in oxygens and glycol.molecule.numbers[i] == 1
    ]
    hydrogens += [
        j for i, j in glycol.molecule.bonds[:, ::-1].tolist() if i in oxygens and glycol.molecule.numbers[j] == 1
    ]
    between = np.linalg.norm(lowest[hydrogens][:, None] - lowest[oxygens], axis=2)
    assert np.sort(between, axis=None)[2] < 2.6  # A; the first two are bonds


def test_the_ensemble_does_not_depend_on_the_number_of_workers(glycol):
    other = conformers(GLYCOL, refine="gfn2-xtb", workers=2, **SMALL)
    assert np.array_equal(other.energies, glycol.energies)
    assert np.array_equal(other.positions, glycol.positions)
    assert other.force_calls == glycol.force_calls


def test_linear_algebra_has_one_thread_as_in_workers_and_then_as_many_as_before():
    def threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    during = []
    with threadpool_limits(2):
        before = threads()
        conformers("CC", count=5, conforge=False, on_round=lambda _: during.append(threads()))
        assert threads() == before
    assert before == {2}
    assert during[0] == {1}


def test_why_nothing_was_found_is_said_where_no_start_came_to_the_potential_that_ranks(monkeypatch):
    monkeypatch.setattr(Workshop, "changed", lambda *_: "rearranged: C0-C1 broken")
    with pytest.raises(InputError, match="no conformer was found: rearranged: C0-C1 broken"):
        conformers("CC", refine="mmff94", count=5, conforge=False)


def test_a_molecule_of_which_all_is_set_aside_at_the_end_is_a_failure_with_the_reason(monkeypatch):
    def inverted(job, shop):
        return polish(job, shop) | {"changed": ["inverted: centre C1"] * len(job.positions)}

    polish = Polish.done_in
    monkeypatch.setattr(Polish, "done_in", inverted)
    with pytest.raises(InputError, match="no conformer was found: inverted: centre C1"):
        conformers("CCCC", refine="mmff94", count=5, conforge=False)


def test_a_geometry_that_the_cheap_potential_destroys_is_tried_on_the_one_that_ranks(monkeypatch):
    def changed(job, shop):
        return minimise(job, shop) | {"changed": ["rearranged: O2-H3 broken"] * len(job.positions)}

    minimise = Minimise.done_in
    monkeypatch.setattr(Minimise, "done_in", changed)
    ensemble = conformers(Molecule.from_smiles("OCCO"), refine="mmff94", count=5, conforge=False)
    assert ensemble[0].source == "given"


def test_moves_are_made_of_few_minima_where_the_survey_has_no_more():
    ensemble = conformers("CCCO", refine="mmff94", count=1, conforge=False)
    assert len(ensemble) == 5
    assert any(one.source == "turn" for one in ensemble)


def test_another_seed_leads_to_the_same_minima(glycol):
    other = conformers(GLYCOL, refine="gfn2-xtb", seed=8, **SMALL)
    assert other.energies[:3] == pytest.approx(glycol.energies[:3], abs=1e-4)


def test_a_search_that_was_killed_goes_on_where_it_was(glycol, tmp_path):
    class Killed(Exception):
        pass

    rounds = []

    def kill(round_):
        rounds.append(round_)
        if len(rounds) == 2:
            raise Killed

    journal = tmp_path / "search.journal"
    with pytest.raises(Killed):
        conformers(GLYCOL, refine="gfn2-xtb", journal=journal, on_round=kill, **SMALL)
    done = []
    resumed = conformers(GLYCOL, refine="gfn2-xtb", journal=journal, on_round=done.append, **SMALL)
    assert np.array_equal(resumed.positions, glycol.positions)
    assert done[:2] == rounds


def test_force_calls_stay_within_the_budget_but_for_certifying(glycol):
    assert glycol.force_calls["gfn2-xtb"] <= 1.3 * SMALL["max_calls"]
    assert "budget" in glycol.stopped or "nothing new" in glycol.stopped


def test_the_isomer_that_was_searched_is_named_where_a_smiles_leaves_stereo_open():
    ensemble = conformers("CC(O)CF", count=10, conforge=False)
    assert ensemble.notes[-1] == (
        f"its SMILES leaves centre C1 open: the isomer {ensemble.molecule.smiles} was searched, and no other"
    )
    assert not conformers("C[C@H](O)CF", count=10, conforge=False).notes


def test_a_budget_holds_without_another_potential_too():
    ensemble = conformers(GLYCOL, "mmff94", count=400, max_calls=300, conforge=False)
    assert ensemble.force_calls["mmff94"] <= 360
    assert "budget" in ensemble.stopped


def test_early_stops_lose_nothing_here_and_say_what_they_spared(glycol):
    slow = conformers(GLYCOL, refine="gfn2-xtb", early_stops=False, **SMALL)
    assert slow.energies[:3] == pytest.approx(glycol.energies[:3], abs=1e-4)
    assert any("would have been given up" in note for note in slow.notes)


def test_a_zwitterion_that_moves_its_proton_is_not_passed_off_as_a_conformer():
    pytest.importorskip("tblite")
    zwitterion = "[NH3+]CC(=O)[O-]"
    with pytest.raises(InputError, match="rearranged"):
        conformers(zwitterion, refine="gfn2-xtb", count=10, max_calls=60, conforge=False)
    ensemble = conformers(zwitterion, refine="gfn2-xtb?solvent=water", count=10, max_calls=80, conforge=False)
    assert ensemble[0].verdict.molecule == "kept"


def test_a_complex_that_no_force_field_knows_is_searched_from_its_geometry_on_the_potential_that_ranks():
    pytest.importorskip("tblite")
    ensemble = conformers(Molecule.from_atoms(ferrocene()), refine="gfn2-xtb", count=8, conforge=False)
    assert ensemble.potential == "gfn2-xtb"
    assert set(ensemble.force_calls) == {"gfn2-xtb"}
    assert "given" in ensemble.generated
    with pytest.raises(InputError, match="UFF has no parameters"):
        conformers(Molecule.from_atoms(ferrocene()), count=8)


def test_fragments_are_turned_and_shifted_against_each_other():
    ensemble = conformers("O.CO", count=40, conforge=False)
    assert ensemble.generated["pose"] > 0
    oxygens = np.flatnonzero(ensemble.molecule.numbers == 8)
    assert np.linalg.norm(np.diff(ensemble[0].positions[oxygens], axis=0)) < 3.2  # A: a hydrogen bond


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"target": 5}, "a SMILES or the path of a file, got 5"),
        ({"target": "C1CC"}, "unclosed ring"),
        ({"target": "CC", "count": 0}, "count must be"),
        ({"target": "CC", "count": 2.5}, "whole number"),
        ({"target": "CC", "window": -1}, "window"),
        ({"target": "CC", "threshold": 0}, "threshold"),
        ({"target": "CC", "temperature": 0}, "temperature"),
        ({"target": "CC", "mirror": "left"}, "mirror"),
        ({"target": "CC", "max_calls": 0}, "max_calls"),
        ({"target": "CC", "until_no_new": -3}, "until_no_new"),
        ({"target": "CC", "refine": "gfn3"}, "not a potential"),
        ({"target": "CC", "refine": "gfn2-xtb?solvent=watr"}, "water"),
        ({"target": "CC", "workers": 0}, "workers"),
        ({"target": "CC", "until_no_new": 0}, "until_no_new"),
        ({"target": Molecule.from_smiles("CC"), "seed": -1}, "seed must be"),
        ({"target": "CC", "potential": "gfn2-xtb?charge=1&multiplicity=2"}, "says charge 1, the molecule has 0"),
        ({"target": "CC", "potential": EMT(), "journal": "search.journal"}, "a journal cannot tell calculators apart"),
    ],
)
def test_bad_arguments_are_said_before_anything_is_done(arguments, said):
    with pytest.raises(InputError, match=said):
        conformers(**arguments)


def test_good_and_turings_estimate():
    molecule = Molecule.from_smiles("CCCC")
    shapes, moves = Shapes(molecule), Moves(molecule)
    survey = Survey(molecule, Crew(SerialExecutor().outcomes), moves, shapes, Effort(10), np.random.default_rng(1))
    assert survey.unseen() is None
    survey.embedded = {0: 5, 1: 2, 2: 1, 3: 1, 4: 1}  # of ten, three led where no other did
    share, error = survey.unseen()
    assert share == pytest.approx(0.3)
    assert error == pytest.approx(np.sqrt(3 * 0.7 + 2) / 10)


def test_margins_are_what_relaxations_have_gained_and_a_half():
    margins = Margins()
    for gain in np.linspace(0.1, 1.0, FEW):
        margins.learn(np.array([gain + 1.0, gain, 0.0]) * KCAL)
    assert margins.now()[:2] / KCAL == pytest.approx([1.5, 0.5])


def test_a_relaxation_is_given_up_only_above_ceiling_and_margin():
    job = Relax(
        np.zeros((1, 3)), np.zeros((1, 3)), 0.0, ceiling=1.0, margins=np.array([2.0, 0.5]), stop=True, fmax=0.05
    )
    assert job.given_up(np.array([9.0, 3.1])) == 2
    assert job.given_up(np.array([9.0, 2.9])) == 0
    assert job.given_up(np.array([9.0, 2.9, 1.6])) == 3
    assert job.given_up(np.array([9.0])) == 0


def test_the_first_force_call_of_a_relaxation_is_not_made_twice():
    molecule = Molecule.from_smiles("CCO")
    shop = Workshop(molecule, "mmff94s", "mmff94")
    start = shop(Minimise(molecule.positions[None], 0.05))["positions"][0]
    point = shop(Evaluate(start))
    answer = shop(Relax(start, point["forces"], point["energy"], np.inf, np.ones(1), True, 1e-3))
    alone = molopt.relax(
        molecule.with_positions(start), potential="mmff94", fmax=1e-3, energy_left=None, surrogate=None, check=None
    )
    assert answer["calls"] == alone.force_calls - 1
    assert answer["energy"] == pytest.approx(alone.energy, abs=1e-9)


def test_jobs_are_told_apart_to_the_last_bit():
    x = np.zeros((1, 2, 3))
    y = x.copy()
    y[0, 1, 2] = 5e-324
    assert digest(Minimise(x, 0.05)) != digest(Minimise(y, 0.05))
    assert digest(Minimise(x, 0.05)) == digest(Minimise(x.copy(), 0.05))


def test_minima_count_how_often_they_were_found():
    molecule = Molecule.from_smiles("CCCC")
    minima = Minima(Shapes(molecule), 0.25, 0.15)
    for energy in (0.0, 0.001):
        minima.add(molecule.positions, energy, Origin("etkdg", 1), 5)
    assert (len(minima), minima.seen, minima.lowest) == (1, [2], 0.0)


def test_what_is_believed_moves_from_what_is_assumed_to_what_is_seen():
    fresh, spread = Fresh(touched=True), Spread(5.0, 1.0)
    assert fresh.share(0.1) < fresh.share(2.0)
    for _ in range(100):
        fresh.see(0.1, True)
        spread.see(2.0)
    assert fresh.share(0.1) > 0.9
    assert spread.mean == pytest.approx(2.0, abs=0.2)
    assert below(0.0, 1.0, [0.0]) == pytest.approx(0.5)
