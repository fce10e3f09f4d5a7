"""At a constant rate a rule that scales by the mean square gradient swings in stiff vibrations, as far as foretold."""

import numpy as np
import pytest

import molopt
from molopt.optimizers.registry import RULES
from molopt.rules import Adam, NAdam, Observation, RMSProp

LR, B2 = 0.01, 0.98


def swings(rule, stiffness, steps=2000, last=200):
    """Positions (last,) in a harmonic well, once all is forgotten of the way to it."""
    x, taken, state, path = np.ones(1), np.zeros(1), None, []
    for _ in range(steps):
        seen = Observation.single(stiffness * x, taken)
        taken, state = rule.update(seen, rule.init(seen) if state is None else state)
        x = x + taken
        path.append(x[0])
    return np.array(path[-last:])


def foretold(own, memory, b1):
    """The amplitude where a step has the shares `own` of the gradient and `memory` of its mean, forgetting with b1."""
    return LR * (own + memory * (1 - b1) / (1 + b1)) / 2


@pytest.mark.parametrize("stiffness", [1.0, 100.0])
@pytest.mark.parametrize(
    ("rule", "own", "memory"),
    [
        (RMSProp(LR, b2=B2), 1.0, 0.0),
        (Adam(LR, b2=B2), 0.0, 1.0),
        (Adam(LR, b1=0.5, b2=B2), 0.0, 1.0),
        (NAdam(LR, b2=B2), 0.43, 0.57),  # 1 - mu and mu: Dozat's schedule is at mu = 0.57 after 2,000 updates
        (NAdam(LR, b2=B2, momentum_decay=1.0), 0.1, 0.9),
        (NAdam(LR, b1=0.97, b2=B2, momentum_decay=1.0), 0.03, 0.97),
    ],
    ids=repr,
)
def test_a_vibration_swings_as_far_as_foretold_whatever_its_stiffness(rule, own, memory, stiffness):
    path = swings(rule, stiffness)
    amplitude = foretold(own, memory, getattr(rule, "b1", 0.0))
    assert path.std() == pytest.approx(amplitude, rel=0.2)
    assert np.mean(path[1:] * path[:-1] < 0) > 0.85  # two calls a period


def test_nadam_as_tuned_swings_an_eighth_as_far_as_with_dozats_schedule_and_relaxes_in_half_the_calls():
    tuned = NAdam(**RULES["nadam"].tuned("cartesian"))
    assert swings(NAdam(tuned.lr, b2=B2), 100.0).std() > 8 * swings(tuned, 100.0).std()
    molecule, steps = molopt.Molecule.named("aladip"), []
    for arguments in ({}, {"b1": 0.9, "b2": 0.999, "momentum_decay": 0.004}):
        atoms = molecule.atoms()
        atoms.calc = molopt.potential("mmff94", molecule)
        optimizer = molopt.NAdam(atoms, logfile=None, **arguments)
        optimizer.run(fmax=0.01, steps=900)
        steps.append(optimizer.nsteps)
    assert steps[0] < 0.5 * steps[1]
