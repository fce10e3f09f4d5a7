"""A landscape that is switched."""

import numpy as np
import pytest

import molopt
from molopt.landscapes.experiments import switched_landscape
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import follow


@pytest.fixture(scope="module")
def finding():
    return switched_landscape.EXPERIMENT.run()


def test_every_figure_is_as_theory_says(finding):
    for outcome in finding.outcomes.values():
        assert sum(number.holds is not None for number in outcome.numbers) >= 10
        assert outcome.holds, outcome.verdict


@pytest.mark.parametrize(("calls", "b1", "b2"), [(1, 0.9, 0.999), (20, 0.9, 0.98), (100, 0.99, 0.999)])
def test_behind_a_slope_adam_goes_as_far_on_a_flat_floor_as_memory_carries_it(calls, b1, b2):
    end = calls - 0.5
    edge = Surface("edge", lambda x: -min(x[0], end), lambda x: np.where(x < end, -1.0, 0.0), [0.0])
    steps = calls + int(30 / (1 - b1))
    track = follow(edge, molopt.Adam, steps, lr=1.0, b1=b1, b2=b2, eps=0.0, control=None)
    assert track.x[-1, 0] - calls == pytest.approx(switched_landscape.carried(calls, b1, b2)[0], rel=1e-6)


def test_long_slopes_carry_it_b1_by_1_minus_b1():
    assert switched_landscape.carried(100_000_000, 0.9, 1 - 1e-9)[0] == pytest.approx(9, rel=1e-5)


@pytest.mark.parametrize("start", [0.0, 1e-3], ids=["bottom", "beside"])
def test_adam_switched_at_the_bottom_of_a_spring_is_thrown_out_of_it_and_reset_is_not(start):
    lr, calls = 0.02, 1000
    here = Surface(
        "slope, then spring",
        lambda x: 0.0,
        lambda x: x if switched[0] else np.array([-1.0]),
        [start - calls * lr],
    )
    switched = [False]
    made = molopt.Adam(here, lr=lr, b1=0.9, b2=0.999, control=None, logfile=None)
    made.run(fmax=0.0, steps=calls)
    switched[0] = True
    here.seen.clear()
    made.run(fmax=0.0, steps=500)
    thrown = np.abs([x for x, _, _ in here.seen]).max()
    spring = Surface("spring", lambda x: 0.5 * float(x @ x), lambda x: x, [start])
    reset = np.abs(follow(spring, molopt.Adam, 500, lr=lr, b1=0.9, b2=0.999, control=None).x).max()
    assert thrown > 6.5 * lr  # b1 / (1 - b1) = 9 steps of lr, less what the valley takes back
    assert reset < lr
