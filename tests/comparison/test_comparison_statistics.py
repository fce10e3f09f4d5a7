"""Figures of a study: who solved what, how much faster, in which basin; and how pages show it."""

import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from molopt.comparison.basins import basins
from molopt.comparison.counts import to_floor, to_stop
from molopt.comparison.problems import converged_to_lowest, cost, lowest
from molopt.comparison.profiles import profiles
from molopt.comparison.ranking import above_best
from molopt.comparison.ratios import ratio
from molopt.comparison.summaries import summaries
from molopt.drawing.colours import linear, on_dark
from molopt.molecules import Molecule
from molopt.optimizers.registry import optimizer_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.record import Outcome, Plan, Record
from molopt.relaxation import relax
from molopt.report.contents import letters
from molopt.report.figures import (
    descent_figure,
    ending_figure,
    forest_figure,
    legend_figure,
    own_time_figure,
    profile_figure,
    sweep_figure,
)
from molopt.report.figures.descent import thinned
from molopt.report.labels import LOOKS, looks
from molopt.report.study import ends_of
from molopt.report.summary import tables
from molopt.stationary.verdict import ENDED

WATER = Molecule.from_smiles("O", name="water")
LIMIT = 100
SVG = "{http://www.w3.org/2000/svg}"


def record(optimizer, calls=10, ended="converged", place=0, seed=0, molecule=WATER, potential="mmff94", **outcome):
    """A run with these numbers, its molecule and geometry real."""
    plan = Plan(
        source="set",
        molecule=molecule.name,
        place=place,
        seed=seed,
        smiles=molecule.smiles,
        charge=molecule.charge,
        spin=molecule.spin,
        numbers=molecule.numbers.tolist(),
        bonds=molecule.bonds.tolist(),
        start=molecule.positions.tolist(),
        potential=potential,
        optimizer=optimizer,
        tuned=False,
        fmax_limit=0.01,
        energy_left_limit=None,
        step_limit=LIMIT,
        versions={},
    )
    return Record(plan, Outcome(ended, force_calls=calls, **outcome))


def relaxed(molecule, optimizer="default", **plan):
    """A real run, whose floor is its end."""
    result = relax(molecule, optimizer, fmax=0.001, energy_left=None, steps=300)
    return record(
        result.optimizer,
        result.force_calls,
        result.ended,
        molecule=molecule,
        energy=result.energy,
        fmax=result.fmax,
        energy_left=float(result.energy_left),
        steps=result.steps,
        step_seconds=result.optimizer_seconds / result.steps,
        energies=[call.energy for call in result.trace],
        forces=[call.fmax for call in result.trace],
        end=result.atoms.positions,
        floor_energy=result.energy,
        floor=result.atoms.positions,
        **plan,
    )


# Cost and profiles


def test_a_run_that_did_not_converge_counts_as_the_step_limit_or_as_its_calls_if_those_are_more():
    assert cost(record("a", 7)) == 7
    assert [cost(record("a", 7, ended)) for ended in ENDED if ended != "converged"] == [LIMIT] * (len(ENDED) - 1)
    assert cost(record("a", LIMIT + 1, "unconverged")) == LIMIT + 1


def test_a_performance_profile_is_the_one_worked_out_by_hand():
    calls = {"a": (10, 20, 30, 40), "b": (20, 10, 15, 40)}
    runs = [record(name, count, place=place) for name, counts in calls.items() for place, count in enumerate(counts)]
    runs[7] = record("b", 40, "unconverged", place=3)
    found = profiles(runs)
    assert found["a"].ratios.tolist() == [1, 1, 2, 2]
    assert found["b"].ratios.tolist() == [1, 1, 2, math.inf]
    assert [found["b"].at(tau) for tau in (1, 1.9, 2, math.inf)] == [0.5, 0.5, 0.75, 0.75]


def test_a_problem_that_nobody_solved_is_solved_by_nobody():
    found = profiles([record("a", 10, "failed"), record("b", 0, "crashed")])
    assert found["a"].ratios.tolist() == found["b"].ratios.tolist() == [math.inf]


def test_a_problem_that_an_optimizer_was_not_run_on_is_left_out_for_all():
    found = profiles([record("a"), record("b"), record("a", place=1)])
    assert len(found["a"].ratios) == len(found["b"].ratios) == 1


def test_molecules_of_one_name_are_two_problems():
    assert len(profiles([record("a"), record("a", place=1)])["a"].ratios) == 2


def test_in_the_stricter_sense_a_run_must_end_within_1_mev_of_the_lowest():
    runs = [
        record("low", energy=-5.0),
        record("near", energy=-4.9992),
        record("plateau", energy=-4.99, floor_energy=-5.0),
        record("slow", ended="unconverged", energy=-5.0),
        record("hole", ended="failed", energy=-900.0),
        record("broken", energy=-7.0, bonds_kept=False),
    ]
    assert converged_to_lowest(runs) == [True, True, False, False, False, False]
    assert lowest([*runs, record("floor", energy=-4.0, floor_energy=-5.5)]) == -5.5
    assert profiles(runs, converged_to_lowest)["plateau"].at(math.inf) == 0


# Ratios


def test_a_ratio_is_averaged_over_the_seeds_of_a_molecule_then_over_molecules():
    runs = [record("a", count, place=0, seed=seed) for seed, count in enumerate((20, 80))] + [record("a", 5, place=1)]
    others = [record("b", 10, place=place, seed=seed) for place, seed in ((0, 0), (0, 1), (1, 0), (2, 0))]
    # Molecule 0: sqrt(2 * 8) = 4; molecule 1: 1/2.
    assert ratio(runs, others).mean == pytest.approx(math.sqrt(4 * 0.5))
    assert ratio(runs, others).molecules == 2


def test_a_failure_counts_as_the_step_limit_in_a_ratio():
    assert ratio([record("a", 3, "crashed")], [record("b", 10)]).mean == pytest.approx(LIMIT / 10)


def test_an_optimizer_beside_its_equal_has_ratio_1_and_no_doubt():
    runs = [record("a", 10 + place, place=place) for place in range(5)]
    equals = [record("b", 10 + place, place=place) for place in range(5)]
    assert ratio(runs, equals) == (1, 1, 1, 5)


def test_the_interval_is_the_same_each_time_and_missing_for_one_molecule():
    runs = [record("a", 10 + 3 * place, place=place) for place in range(5)]
    others = [record("b", 20, place=place) for place in range(5)]
    assert ratio(runs, others) == ratio(runs, others)
    assert math.isnan(ratio(runs[:1], others).low)


def test_the_interval_holds_the_true_ratio_about_19_times_in_20():
    draws = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        counts = np.rint(1000 * np.exp(draws.normal(math.log(2), 0.5, size=40))).astype(int)
        runs = [record("a", int(count), place=place) for place, count in enumerate(counts)]
        others = [record("b", 1000, place=place) for place in range(40)]
        found = ratio(runs, others)
        covered += found.low <= 2 <= found.high
    assert covered >= 86  # 95 expected; four standard deviations below


def test_a_summary_counts_what_failed_and_who_ended_lower_and_higher():
    runs = [
        record("bfgs?maxstep=0.2&alpha=70.0", energy=-5.0, energy_left=0.002, step_seconds=0.01),
        record("bfgs?maxstep=0.2&alpha=70.0", 3, "crashed", place=1),
        record("x", energy=-5.01, energy_left=0.004, step_seconds=0.02, floor_energy=-5.02),
        record("x", place=1, energy=-3.0),
    ]
    first, second = summaries(runs, "bfgs?maxstep=0.2&alpha=70.0")
    assert (first.maxstep, first.failures, first.ended["crashed"], first.ratio.mean) == (0.2, 1, 1, 1)
    assert (second.maxstep, second.failures, second.lower, second.higher) == (None, 0, 1, 0)
    assert second.own_time == pytest.approx(0.02)
    assert second.above_floor == pytest.approx(0.01)
    costs, _, ends = tables([first, second], "bfgs?maxstep=0.2&alpha=70.0")
    cells = {
        heading.text: cell
        for table in (costs, ends)
        for heading, cell in zip(table.headings, table.rows[0], strict=True)
    }
    assert cells["failed"] == ("1: 1 crashed", 1)
    assert cells["lowest basin"] == ("-", None)


# Counts on the way


def tight(optimizer, forces, energies, ended="converged", limit=0.001, **plan):
    """A run to a tight criterion, with what it kept of each force call."""
    found = record(optimizer, len(forces), ended, forces=forces, energies=energies, **plan)
    return replace(found, plan=replace(found.plan, fmax_limit=limit))


def test_one_run_tells_when_it_would_have_met_a_looser_criterion_and_when_it_was_down():
    run = tight("a", [0.5, 0.009, 0.02, 0.0005], [0.0, -1.0, -2.0, -2.0005])
    assert (run.stop_calls, run.floor_calls) == (2, 3)
    assert (run.values()["stop_calls"], run.values()["floor_calls"]) == (2, 3)


def test_a_run_that_was_not_to_go_that_far_has_no_count_and_one_that_failed_counts_as_the_limit():
    loose = tight("a", [0.5, 0.04], [0.0, -1.0], limit=0.05)
    assert math.isnan(to_stop(loose).calls)
    assert math.isnan(to_floor(loose).calls)
    failed = tight("a", [0.5, 0.04], [0.0, -1.0], ended="unconverged")
    assert to_stop(failed) == to_floor(failed) == (LIMIT, True)
    late = tight("a", [0.5, 0.04], [0.0, -1.0], ended="timed out")
    assert math.isnan(to_stop(late).calls)
    assert not to_stop(late).missed
    assert to_stop(tight("a", [], [], ended="crashed")) == (LIMIT, True)


def test_counts_of_an_optimizer_are_beside_the_reference_and_its_energies_at_their_end():
    reference = [tight("b", [0.5] * 9 + [0.005, 0.0009], [0.0] * 9 + [-1.0, -1.0], place=place) for place in range(2)]
    runs = [
        tight("a", [0.5, 0.005, 0.02, 0.0009], [0.0, -0.5, -1.0, -1.0], place=0),
        tight("a", [0.5] * 4 + [0.005, 0.0009], [0.0] * 4 + [-1.0, -1.0], place=1),
    ]
    _, found = summaries([*reference, *runs], "b")
    assert found.to_stop.ratio == pytest.approx(math.sqrt(0.2 * 0.5))
    assert found.to_floor.ratio == pytest.approx(math.sqrt(0.3 * 0.5))
    assert (found.to_stop.worst, found.to_stop.missed) == (pytest.approx(0.5), 0)
    assert (found.lower_at_stop, found.higher_at_stop) == (0, 1)
    assert found.above_at_stop == pytest.approx(0.25)
    assert (found.same_basin, math.isnan(found.to_stop.same)) == (0, True)  # no floors, no basins
    assert [table.title for table in tables([found], "b")] == ["Force calls and time", "Force calls on the way", "Ends"]
    loose = [tight(name, [0.5, 0.04], [0.0, -1.0], limit=0.05) for name in "ab"]
    assert [table.title for table in tables(summaries(loose, "b"), "b")] == ["Force calls and time", "Ends"]


def test_ratios_of_the_same_basin_leave_out_starts_that_ended_elsewhere(butanes):
    plus, anti, _, methyl = butanes
    one, other = (
        replace(run, plan=replace(run.plan, fmax_limit=0.001, optimizer=name))
        for run, name in ((anti, "a"), (methyl, "b"))
    )
    assert one.stop_calls
    _, found = summaries([other, one], "b")
    assert found.same_basin == 1
    assert found.to_stop.same == found.to_stop.ratio == pytest.approx(one.stop_calls / other.stop_calls)
    elsewhere = replace(plus, plan=replace(plus.plan, fmax_limit=0.001, optimizer="a"))
    _, found = summaries([other, elsewhere], "b")
    assert (found.same_basin, math.isnan(found.to_stop.same)) == (0, True)


# Basins


@pytest.fixture(scope="module")
def butanes():
    """Relaxed butane: anti, both gauche, and anti with a methyl group turned by 120 degrees."""
    butane = Molecule.from_smiles("CCCC", name="butane")

    def turned(chain, methyl=0.0):
        mol = butane.to_rdkit()
        conformer = mol.GetConformer()
        hydrogen = next(atom.GetIdx() for atom in mol.GetAtomWithIdx(0).GetNeighbors() if atom.GetAtomicNum() == 1)
        rdMolTransforms.SetDihedralDeg(conformer, 0, 1, 2, 3, chain)
        angle = rdMolTransforms.GetDihedralDeg(conformer, 2, 1, 0, hydrogen)
        rdMolTransforms.SetDihedralDeg(conformer, 2, 1, 0, hydrogen, angle + methyl)
        return butane.with_positions(conformer.GetPositions())

    return [relaxed(turned(*angles)) for angles in ((65,), (180,), (-65,), (180, 120))]


def test_gauche_and_its_mirror_image_and_anti_are_three_basins_and_a_turned_methyl_is_none(butanes):
    plus, anti, minus, methyl = basins(butanes)
    assert anti == methyl == (0, 0)
    assert {plus, minus} == {(1, 0), (1, 1)}


def test_an_end_in_the_mirror_image_of_the_lowest_is_lowest_in_the_table_and_by_its_letter(butanes):
    """The share of lowest ends and the letters of basins were of two definitions: 100 % in basin B."""
    plus, _, minus, _ = (
        replace(run, plan=replace(run.plan, optimizer=name)) for run, name in zip(butanes, "abcd", strict=True)
    )
    ends = ends_of([plus, minus])
    assert {letters(end.basin) for end in ends.values()} == {"A", "A-2"}
    assert [summary.lowest_basin for summary in summaries([plus, minus], "a")] == [1, 1]


def test_a_run_counts_as_in_the_lowest_basin_exactly_where_its_letter_is_an_a(butanes):
    runs = [replace(run, plan=replace(run.plan, optimizer=name)) for run, name in zip(butanes, "abcd", strict=True)]
    ends = ends_of(runs)
    shares = {summary.optimizer: summary.lowest_basin for summary in summaries(runs, "a")}
    assert shares == {"a": 0, "b": 1, "c": 0, "d": 1}
    assert {run.plan.optimizer: letters(ends[run.key].basin)[0] == "A" for run in runs} == shares


def test_a_run_that_broke_bonds_and_fell_low_is_beside_none_of_the_others(butanes):
    anti = butanes[1]
    low = replace(anti, outcome=replace(anti.outcome, energy=-99.0, floor_energy=-99.0, identity="rearranged"))
    assert np.isnan(above_best([anti, low])[1])
    assert above_best([anti, low])[0] == 0
    assert above_best([low]) == [0]
    both = [anti, replace(low, plan=replace(low.plan, optimizer="x"))]
    assert {end.lowest for end in ends_of(both).values()} == {anti.outcome.floor_energy}


def test_a_run_with_its_atoms_numbered_along_another_symmetry_is_in_the_same_basin(butanes):
    anti = butanes[1]
    backwards = anti.outcome.floor[[3, 2, 1, 0, *range(11, 14), *range(9, 11), *range(7, 9), *range(4, 7)]]
    other = record("x", floor=backwards @ [[0, 1, 0], [0, 0, 1], [1, 0, 0]], floor_energy=anti.outcome.floor_energy)
    assert basins([anti, Record(anti.plan, other.outcome)]) == [(0, 0), (0, 0)]


def test_a_turned_hydroxyl_is_another_basin_though_its_heavy_atoms_are_where_they_were():
    ethanol = Molecule.from_smiles("CCO", name="ethanol")
    mol = ethanol.to_rdkit()
    hydroxyl = next(atom.GetIdx() for atom in mol.GetAtomWithIdx(2).GetNeighbors() if atom.GetAtomicNum() == 1)
    starts = []
    for angle in (180, 60, -60):
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(), 0, 1, 2, hydroxyl, angle)
        starts.append(ethanol.with_positions(mol.GetConformer().GetPositions()))
    assert len(set(basins([relaxed(start) for start in starts]))) == 3


def test_a_run_without_floor_or_with_broken_bonds_has_no_basin(butanes):
    anti = butanes[1]
    broken = record("x", floor=anti.outcome.floor, floor_energy=-9.0, bonds_kept=False).outcome
    lost = record("x", ended="timed out").outcome
    assert basins([Record(anti.plan, broken), Record(anti.plan, lost), anti]) == [None, None, (0, 0)]
    assert basins([]) == []


def test_basins_of_two_molecules_are_not_compared(butanes):
    with pytest.raises(ValueError, match="of one molecule"):
        basins([butanes[0], record("a", place=1)])


# Colours


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_can_be_seen_on_white_and_its_twin_on_black():
    for name, look in LOOKS.items():
        assert contrast(look.colour, "#ffffff") > 2, name  # as Okabe and Ito's own orange
        assert contrast(on_dark(look.colour), "#111111") > 3, name


# Of linear RGB, G. M. Machado et al., IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("shown", [str, on_dark], ids=["on white", "on black"])
def test_the_usual_optimizers_differ_in_colour_or_in_dashes_to_every_eye(kind, shown):
    usual = "default adam momentum adam/internal bfgs lbfgs fire fire2 sella geometric pyberny"
    drawn = list(looks(usual.split()).values())
    seen = [np.clip(BLINDNESS[kind] @ linear(shown(look.colour)), 0, 1) ** (1 / 2.2) for look in drawn]
    for one, look in enumerate(drawn):
        for other in range(one):
            if look.dashes == drawn[other].dashes:
                assert np.linalg.norm(seen[one] - seen[other]) > 0.15, (look, drawn[other])


# Pictures

HOSTILE = ("<script>alert(1)</script>", "$x_1$", "&", '"><b>', "日本 😀", "a\x00\x0bb\ud800", "\n", "_", "]]>", "%s{x}")


@pytest.fixture(scope="module")
def study():
    """Real runs of two hostile names, and each way to end."""
    names = [str(OptimizerSpec.of(name)) for name in ("default", "adam", "adam?lr=0.1", "bfgs", "fire")]
    runs = []
    for place, name in enumerate(HOSTILE[:2]):
        molecule = Molecule.from_smiles("CCO", name=name)
        runs += [relaxed(molecule, optimizer, place=place) for optimizer in names]
        runs.append(record("sella", 0, "crashed", molecule=molecule, place=place))
        runs.append(record("geometric", 5, "failed", molecule=molecule, place=place, energies=[1.0, 0.5]))
    return runs


@pytest.fixture(scope="module")
def pictures(study):
    drawn, reference = looks(run.plan.optimizer for run in study), str(OptimizerSpec.of("bfgs"))
    return {
        "profile": profile_figure(study, drawn),
        "strict": profile_figure(study, drawn, converged_to_lowest, prefix="strict"),
        "descent": descent_figure(study[:7], drawn, HOSTILE[0]),
        "second": descent_figure(study[7:], drawn, HOSTILE[1], prefix="second"),
        "ending": ending_figure(study, drawn),
        "own time": own_time_figure(study, drawn),
        "forest": forest_figure(summaries(study, reference), drawn, reference),
        "sweep": sweep_figure(study, drawn, "lr"),
        "legend": legend_figure(drawn),
    }


def test_figures_are_elements_that_scale_and_refer_to_nothing_outside(pictures):
    for picture in pictures.values():
        root = ElementTree.fromstring(picture)
        assert root.tag == f"{SVG}svg"
        assert "viewBox" in root.attrib
        assert not {"width", "height"} & set(root.attrib)
        assert picture.count("http") == 1  # the namespace
        assert not {element.tag for element in root.iter()} & {f"{SVG}{name}" for name in ("style", "script", "image")}


def test_ids_are_unique_in_a_page_of_all_figures_and_each_reference_is_met(pictures):
    ids = [element.get("id") for text in pictures.values() for element in ElementTree.fromstring(text).iter()]
    ids = [found for found in ids if found is not None]
    assert len(ids) == len(set(ids)) > 0
    referred = {found for text in pictures.values() for found in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)}
    assert {"".join(pair) for pair in referred} == set(ids)


def test_a_picture_drawn_twice_is_the_same_to_the_byte(study, pictures):
    assert profile_figure(study, looks(run.plan.optimizer for run in study)) == pictures["profile"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_from_input_are_text(study, name):
    picture = descent_figure(study[:7], looks(run.plan.optimizer for run in study), name)
    root = ElementTree.fromstring(picture)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    expected = re.sub("[\x00\x0b\ud800]", "�", name.replace("\x0b", " ")).strip()
    assert not expected or expected in texts
    assert not any(element.tag.endswith(("script", "b")) for element in root.iter())


def test_a_line_says_on_hover_whose_it_is_and_a_marker_whose_molecule(pictures):
    titles = [element.text for element in ElementTree.fromstring(pictures["descent"]).iter(f"{SVG}title")]
    assert any(re.fullmatch(r"bfgs \(ASE\): converged, \d+ force calls, .*", title) for title in titles)
    assert any(title.startswith("geometric: failed") for title in titles)
    titles = [element.text for element in ElementTree.fromstring(pictures["ending"]).iter(f"{SVG}title")]
    assert any(title.startswith(f"adam, {HOSTILE[0]}, start 0: ") for title in titles)
    assert any("adam?lr=0.1: best on" in element for element in pictures["profile"].split("<title>"))


def test_energy_left_has_a_panel_an_optimizer_with_its_own_runs(pictures):
    heads, whose = [], {"default": set(), "adam": set(), "adam?lr=0.1": set(), "bfgs (ASE)": set(), "fire (ASE)": set()}
    said = []
    elements = list(ElementTree.fromstring(pictures["ending"]).iter())
    for element in elements:  # of a panel its markers, then its title
        if element.tag == f"{SVG}title":
            said.append(element.text)
        elif element.text in whose:
            heads.append(element.text)
            whose[element.text] = {title.split(", ")[0] for title in said}
            said = []
    assert heads == list(whose)
    assert whose == {head: {head} for head in heads}
    assert [element.text for element in elements].count("fmax (eV/Å)") == 4  # columns


def test_axes_and_text_have_the_colour_of_the_page_and_nothing_is_painted_behind(pictures):
    for picture in pictures.values():
        assert "#123456" not in picture
        assert "fill:currentColor" in picture
        assert not re.search("#fff|white", picture)


def test_a_study_of_nothing_but_failures_is_drawn():
    runs = [record(name, 0, "crashed", place=place) for name in ("sella", "adam?lr=0.1") for place in (0, 1)]
    drawn = looks(["sella", "adam?lr=0.1"])
    for figure in (profile_figure, descent_figure, ending_figure, own_time_figure):
        ElementTree.fromstring(figure(runs, drawn))
    ElementTree.fromstring(forest_figure(summaries(runs, "sella"), drawn, "sella"))
    ElementTree.fromstring(sweep_figure(runs, drawn, "lr"))
    assert "2 of 2 runs failed" in sweep_figure(runs, drawn, "lr")


def test_thinning_keeps_the_spikes_and_the_ends_of_10_000_force_calls():
    values = np.geomspace(1e4, 1e-2, 10_000)
    values[5000] = 1e5
    calls, kept = thinned(values)
    assert len(kept) <= 62
    assert kept.max() == 1e5
    assert (calls[0], calls[-1]) == (1, 10_000)


def test_600_runs_of_1000_force_calls_are_less_than_2_mb_of_descents():
    draws = np.random.default_rng(0)
    names = [str(OptimizerSpec.of(name)) for name in optimizer_names()[:10]]
    runs = []
    for name in names:
        energies = np.geomspace(1, 1e-5, 1000) * np.exp(draws.normal(0, 0.3, 1000))
        runs.append(record(name, 1000, energy=energies[-1], energies=energies))
    assert 60 * len(descent_figure(runs, looks(names), "tetradecylphosphocholine", prefix="descent59")) < 2e6
