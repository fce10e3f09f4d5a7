"""Runs recorded before the code was rebuilt go as they went: force calls, energy and verdict."""

from dataclasses import replace

import pytest
import recorded

STARTS, RUNS = recorded.read()


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_a_recorded_run_goes_as_it_went(run):
    assert run.outcome.differences(run.rerun(STARTS)) == []


def test_both_kinds_of_run_are_recorded_with_every_potential():
    checked = [run for run in RUNS if run.arguments["check"] == "auto"]
    unchecked = [run for run in RUNS if run.arguments["check"] is None]
    assert min(len(checked), len(unchecked)) >= 40
    for potential in ("mmff94", "mmff94s", "uff", "gfn2-xtb"):
        assert any(run.potential == potential for run in checked), potential
        assert any(run.potential == potential for run in unchecked), potential


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"force_calls": 7}, ["5 -> 7 force calls"]),
        ({"energy": -1.01}, ["-1.000000 -> -1.010000 eV"]),
        ({"verdict": ["converged", "saddle", "kept"]}, ["converged, minimum, kept -> converged, saddle, kept"]),
        ({"force_calls": 6, "energy": -1.0001, "fmax": 0.03}, []),
    ],
)
def test_a_run_that_goes_otherwise_is_noticed(changed, said):
    outcome = recorded.Outcome(5, -1.0, 0.02, ["converged", "minimum", "kept"])
    assert outcome.differences(replace(outcome, **changed)) == said
