"""What is said of the end of a run, in one vocabulary: results, records, tables, files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as st

from molopt import Molecule, relax
from molopt.comparison import Case, Criteria, cases, compare
from molopt.comparison.ends import end_of, softest
from molopt.errors import InputError
from molopt.fields import run_fields
from molopt.fitting.hessians import hessian
from molopt.molecules.writing import Structure, sdf_record
from molopt.optimizers.check_request import CheckRequest
from molopt.optimizers.estimate import Estimate
from molopt.optimizers.spec import OptimizerSpec
from molopt.potentials import potential
from molopt.record import Outcome
from molopt.report.table import HEADINGS, remarks, row
from molopt.run import Run
from molopt.stationary.curvature import Curvature
from molopt.stationary.verdict import ENDED, LOOKED_AT, MOLECULE, STATIONARY, WORDS, Verdict, left_text, short

DOCS = Path(__file__).parents[2] / "docs" / "guide" / "verdict.md"


def curvature(stationary, energy_left=2e-4, lowest=0.4):
    return Curvature(lowest, lowest / 10, np.zeros((3, 3)), lowest, 2, 1, energy_left, stationary)


class OnARidge(Run):
    """A run whose check found a ridge, and no way off it."""

    @property
    def curvature(self):
        return curvature("saddle", math.nan, -0.2)


def on_a_ridge(check):
    run = OnARidge(Molecule.from_smiles("O"), OptimizerSpec.of("default"), check=CheckRequest.of(check))
    run.go()
    return run.result()


def flat_ammonia():
    """Planar, which is the saddle of its inversion."""
    turns = np.arange(3) * 2 * math.pi / 3
    ring = 1.01 * np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
    return Molecule.from_smiles("N").with_positions(np.vstack([np.zeros(3), ring]))


# Words


@pytest.mark.parametrize("name", list(WORDS))
def test_a_verdict_takes_no_word_that_is_not_in_the_table(name):
    words = {"ended": "converged", "stationary": "minimum", "molecule": "kept"}
    with pytest.raises(ValueError, match=f"{name} must be one of .*, got 'fine'"):
        Verdict(**words | {name: "fine"})


def test_the_words_are_those_of_the_documentation():
    text = DOCS.read_text()
    for table in WORDS.values():
        for word, said in table.items():
            assert f"| {word} | {said.meaning} |" in text


@given(st.sampled_from(list(ENDED)), st.sampled_from(list(STATIONARY)), st.sampled_from(list(MOLECULE)), st.floats())
def test_a_verdict_is_one_line_without_a_number_for_what_is_not_known(ended, stationary, molecule, energy):
    said = str(Verdict(ended, stationary, molecule, energy_left=energy))
    assert said.startswith(f"{ended}, {stationary}, {molecule}")
    assert "\n" not in said
    known = stationary != "saddle" and math.isfinite(energy)
    assert ("meV left" in said) == known
    assert ("? meV left" in said) == (known and stationary not in LOOKED_AT)


@given(st.floats(-1e9, 1e9))
def test_energy_left_is_never_a_number_on_a_saddle_and_has_a_mark_where_nobody_looked(energy):
    assert left_text(energy, "saddle") == "-"
    assert left_text(energy, "unchecked") == left_text(energy, "minimum") + "?"


def test_one_word_says_a_saddle_before_anything_else():
    assert short("unconverged", "saddle") == "saddle"
    assert [short(ended, "unchecked") for ended in ENDED if ended != "converged"] == [
        ended for ended in ENDED if ended != "converged"
    ]


# Results


def test_a_run_that_does_not_look_is_unchecked_and_its_energy_left_says_so():
    result = relax(Molecule.from_smiles("CCO"), check=None)
    assert result.verdict == Verdict("converged", "unchecked", "kept", "", float(result.energy_left))
    assert (result.converged, result.ended, result.curvature) == (True, "converged", None)
    assert "unchecked" in str(result.energy_left)
    assert result.as_dict()["verdict"] == json.loads(json.dumps(result.verdict.as_dict()))


def test_a_run_whose_steps_are_used_up_is_not_stationary():
    result = relax(Molecule.from_smiles("CCO"), steps=1, check=None)
    assert str(result.verdict).startswith("unconverged, not stationary, kept")


@pytest.mark.parametrize(("check", "ended"), [("report", "converged"), ("auto", "unconverged")])
def test_a_saddle_has_no_energy_left_and_is_not_converged_where_it_was_to_be_left(check, ended):
    result = on_a_ridge(check)
    assert (result.verdict.ended, result.verdict.stationary) == (ended, "saddle")
    assert result.converged == (ended == "converged")
    assert math.isnan(float(result.energy_left))
    assert result.verdict.energy_left is None
    assert result.as_dict()["energy_left"]["energy"] is None
    assert result.verdict.why == "lowest curvature -0.2 of the model's, -0.02 eV/A^2"
    json.dumps(result.as_dict(), allow_nan=False)


def test_optimizers_that_cannot_look_say_so():
    result = relax(Molecule.from_smiles("CCO"), "bfgs", check="auto")
    assert str(result.verdict).endswith("bfgs does not look at curvature")
    assert result.converged


def test_the_verdict_of_periodic_atoms_does_not_know_the_molecule():
    atoms = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.5]], cell=[6, 6, 6], pbc=True)
    atoms.calc = EMT()
    verdict = relax(atoms).verdict
    assert (verdict.molecule, verdict.stationary) == ("unknown", "unchecked")


# Energy left


def test_energy_left_is_that_of_the_true_curvature_where_it_was_seen():
    model = Estimate(1e-3, {"bonds": 4e-4, "torsions": 6e-4}, ())
    seen = model.corrected(curvature("minimum"))
    assert (float(seen), seen.stationary) == (2e-4, "minimum")
    assert sum(seen.shares.values()) == pytest.approx(2e-4)
    assert math.isnan(float(model.corrected(curvature("saddle", math.nan))))
    unseen = model.corrected(curvature("unchecked", math.nan))
    assert (float(unseen), unseen.stationary) == (1e-3, "unchecked")


# Tables and files


def test_a_line_of_the_table_has_a_question_mark_where_nobody_looked():
    assert row("", Outcome.of(relax(Molecule.from_smiles("CCO"), check=None))).split()[-2].endswith("?")
    line = row("ethane", Outcome.of(on_a_ridge("report")))
    assert line.split()[1] == "saddle"
    assert line.split()[-2] == "-"
    assert len(line) == len(HEADINGS) == 80


def test_what_became_of_the_molecule_is_a_remark():
    outcome = Outcome("converged", identity="dissociated", why="C0-C1 broken; fragments CH3, CH3")
    assert remarks(outcome) == ["dissociated: C0-C1 broken; fragments CH3, CH3"]
    assert remarks(Outcome("converged", identity="kept")) == []


def test_fields_of_an_sdf_record_leave_out_what_is_not_known():
    outcome = Outcome("unconverged", stationary="saddle", identity="kept", why="two\nlines", stiffness=-0.25)
    fields = run_fields(outcome, "uff", "", {})
    assert fields == {
        "ended": "unconverged",
        "stationary": "saddle",
        "identity": "kept",
        "why": "two lines",
        "lowest_curvature_eV_per_A2": -0.25,
        "force_calls": 0,
        "potential": "uff",
    }
    molecule = Molecule.from_smiles("C")
    text = sdf_record(Structure(molecule, molecule.atoms(), fields))
    assert ">  <stationary>  (1) \nsaddle\n" in text


# Ends of a comparison


def outcome_at(molecule, fmax=0.01, floor=None, above=0.0):
    known = {} if floor is None else {"floor": floor, "floor_energy": 0.0}
    return Outcome("converged", energy=above, fmax=fmax, end=molecule.positions, **known)


def test_a_comparison_says_what_each_end_is_though_no_run_looked():
    (record,) = compare(cases([flat_ammonia()], ["mmff94"], ["fire"]))
    outcome = record.outcome
    assert (outcome.stationary, outcome.end_stationary, outcome.end_is) == ("unchecked", "saddle", "saddle")
    assert outcome.end_stiffness < -0.1
    (record,) = compare(cases([Molecule.from_smiles("N")], ["mmff94"], ["bfgs"]))
    assert record.outcome.end_is == "minimum"
    assert record.outcome.force_calls == len(record.outcome.energies)  # none of the look is counted


def test_an_end_is_what_its_floor_is_and_one_far_above_it_is_no_minimum():
    relaxed = relax(Molecule.from_smiles("CCO"), fmax=1e-3, check=None).molecule
    assert end_of(relaxed, "mmff94", outcome_at(relaxed), 0.05).stationary == "minimum"
    there = relaxed.positions
    assert end_of(relaxed, "mmff94", outcome_at(relaxed, floor=there, above=1e-3), 0.05).stationary == "minimum"
    assert end_of(relaxed, "mmff94", outcome_at(relaxed, floor=there, above=0.1), 0.05).stationary == "not stationary"
    assert end_of(relaxed, "mmff94", outcome_at(relaxed, fmax=0.2), 0.05).stationary == "not stationary"


def test_ends_in_potentials_of_others_stay_unchecked_unless_relaxing_on_went_further_down():
    methane = Molecule.from_smiles("C")
    there = methane.positions
    assert end_of(methane, "a.b:c", outcome_at(methane, floor=there), 0.05).stationary == "unchecked"
    assert end_of(methane, "a.b:c", outcome_at(methane, floor=there, above=0.1), 0.05).stationary == "not stationary"


def test_ends_of_large_molecules_and_in_xtb_are_seen_too():
    eicosane = relax(Molecule.from_smiles("C" * 20), fmax=1e-3, check=None).molecule
    assert end_of(eicosane, "mmff94", outcome_at(eicosane), 0.05).stationary == "minimum"
    water = relax(Molecule.from_smiles("O"), potential="gfn2-xtb", fmax=1e-3, check=None).molecule
    assert end_of(water, "gfn2-xtb", outcome_at(water), 0.05).stationary == "minimum"
    ammonia = relax(flat_ammonia(), potential="gfn2-xtb", check=None).molecule  # stops as it began, planar
    assert end_of(ammonia, "gfn2-xtb", outcome_at(ammonia), 0.05).stationary == "saddle"


@pytest.mark.parametrize("smiles", ["O", "C#C", "[Na+]"])
def test_the_lowest_curvature_leaves_out_rigid_motions(smiles):
    molecule = relax(Molecule.from_smiles(smiles), potential="uff", fmax=1e-3, check=None).molecule
    atoms = molecule.atoms()
    atoms.calc = potential("uff", molecule)
    assert softest(hessian(atoms), atoms.positions) > 0.1


# Names


def test_a_check_is_part_of_the_name_of_an_optimizer():
    chosen = OptimizerSpec.of("default?check=auto")
    assert chosen.check == CheckRequest("auto")
    assert OptimizerSpec.of(str(chosen)) == chosen
    assert chosen.abbreviated == "default?check=auto"
    assert str(OptimizerSpec.of("default?check=none")) == str(OptimizerSpec.of("default"))
    assert relax(Molecule.from_smiles("CO"), "default?check=none").curvature is None  # the name decides
    with pytest.raises(InputError, match="needs internal coordinates"):
        OptimizerSpec.of("adam?check=auto")
    with pytest.raises(InputError, match='check must be "auto"'):
        OptimizerSpec.of("default?check=yes")


def test_a_comparison_runs_an_optimizer_with_a_check_beside_the_same_without():
    plain, checked = compare(cases([Molecule.named("aladip")], ["mmff94"], ["default", "default?check=auto"]))
    assert plain.outcome.stationary == "unchecked"
    assert checked.outcome.verdict.stationary == "minimum"
    assert checked.outcome.stiffness > 0
    assert Case(Molecule.named("aladip"), "mmff94", "default").plan(Criteria()).optimizer == plain.plan.optimizer
