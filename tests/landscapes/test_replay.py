"""A rule that is fed gradients."""

import numpy as np

import molopt
from molopt.landscapes import surfaces
from molopt.landscapes.replay import replay
from molopt.landscapes.track import follow
from molopt.rules import Adam


def test_a_rule_fed_the_gradients_of_its_own_run_proposes_that_runs_steps_bit_for_bit():
    track = follow(surfaces.rosenbrock(), molopt.Adam, 100, lr=0.03, b1=0.9, b2=0.99, control=None)
    proposed = replay(Adam(lr=0.03, b1=0.9, b2=0.99), track.gradients[:-1]).displacements
    np.testing.assert_array_equal(track.x[:-1] + proposed, track.x[1:])


def test_memory_carries_over_from_one_stream_of_gradients_to_the_next():
    rule, gradients = Adam(lr=0.03), np.random.default_rng(1).normal(size=(40, 3))
    whole, first = replay(rule, gradients), replay(rule, gradients[:25])
    rest = replay(rule, gradients[25:], first.states[-1])
    np.testing.assert_array_equal(np.vstack([first.memory("v"), rest.memory("v")]), whole.memory("v"))
