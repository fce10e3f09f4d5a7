"""Comparisons: the same start and potential for all, nobody starts warm, failures are results."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from molopt.comparison import DEFAULT_OPTIMIZERS, Case, above_best, cases, compare
from molopt.molecules import Molecule
from molopt.optimizers.registry import optimizer_names
from molopt.optimizers.spec import OptimizerSpec
from molopt.report.figure import draw
from molopt.report.labels import LOOKS, label, look
from molopt.report.table import comparison_table, remarks

FRAGILE = "trouble:Raising"  # gives up at its third force call


@pytest.fixture(scope="module")
def ethanol():
    return Molecule.from_smiles("CCO", name="ethanol")


def test_all_optimizers_start_at_the_same_geometry_and_force(ethanol):
    records = list(compare(cases([ethanol], ["mmff94"]), steps=5))
    assert len(records) == len(DEFAULT_OPTIMIZERS)
    assert len({(record.outcome.energies[0], record.outcome.forces[0]) for record in records}) == 1


def test_no_run_starts_from_what_another_left_behind(ethanol):
    pytest.importorskip("tblite", reason="pip install 'molopt[xtb]'")
    alone = list(compare([Case(ethanol, "gfn2-xtb", "bfgs")], steps=3))
    after = list(compare(cases([ethanol], ["gfn2-xtb"], ["adam", "bfgs"]), steps=3))
    assert alone[-1].outcome.energy == after[-1].outcome.energy


def test_molecules_are_drawn_when_their_turn_comes(ethanol):
    def endless():
        while True:
            yield ethanol

    assert next(compare(cases(endless(), ["uff"], ["adam"]))).outcome.converged


def test_the_best_is_the_lowest_end_of_the_runs_that_did_not_fail(ethanol):
    records = list(compare(cases([ethanol], ["uff"], ["adam", "bfgs"])))
    above = above_best(records)
    assert min(above) == 0
    assert np.ptp(above) == pytest.approx(abs(records[0].outcome.energy - records[1].outcome.energy))
    failed = next(compare([Case(ethanol, FRAGILE, "adam")]))
    assert failed.outcome.error.endswith("gave up")
    assert np.isnan(above_best([failed, *records])[0])


def test_a_failed_run_is_a_row_and_a_line_with_its_reason_and_the_figure_is_still_drawn(ethanol, tmp_path):
    records = list(compare(cases([ethanol], ["uff", FRAGILE], ["adam", "bfgs"])))
    table = comparison_table(records[2:])
    assert [cell.plain for cell in table.columns[1].cells] == ["failed", "failed"]
    assert "gave up" in remarks(records[2].outcome)[0]
    draw(records, tmp_path / "figure.png", 0.05)
    draw(records[2:], tmp_path / "failed.png", 0.05)
    assert (tmp_path / "failed.png").stat().st_size > 0


def test_every_optimizer_has_a_colour_of_its_own():
    assert set(LOOKS) == set(optimizer_names())
    colours = np.array([to_rgb(entry.colour) for entry in LOOKS.values()])
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    # Shades closer than a tenth of the range of a channel cannot be told apart in a thin line.
    assert apart[np.triu_indices(len(colours), 1)].min() > 0.1


def test_an_optimizer_keeps_its_colour_whatever_its_arguments():
    plain, changed = str(OptimizerSpec.of("adam")), str(OptimizerSpec.of("adam?lr=0.01"))
    assert look(plain).colour == look(changed, variant=1).colour
    assert look(plain).dashes != look(changed, variant=1).dashes


def test_labels_name_arguments_that_are_not_the_defaults_and_mark_those_of_ase():
    assert [label(str(OptimizerSpec.of(name))) for name in ("adam", "adam?b1=0.8", "fire", "fire?dt=0.2")] == [
        "adam",
        "adam?b1=0.8",
        "fire (ASE)",
        "fire?dt=0.2 (ASE)",
    ]
