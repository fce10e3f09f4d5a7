"""Every update rule keeps the contract, and agrees with its paper or with the library that its docstring names."""

import inspect
import re
from dataclasses import fields
from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT

import molopt.rules
from molopt.errors import InputError
from molopt.optimizers import RuleOptimizer
from molopt.rules import (
    AdaBelief,
    Adadelta,
    Adagrad,
    Adam,
    AMSGrad,
    Apollo,
    GradientDescent,
    HeavyBall,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Observation,
    OptaxRule,
    Partition,
    PerAtomAdam,
    Prodigy,
    RAdam,
    RMSProp,
    Rule,
    TorchRule,
)
from molopt.rules.state import Layout, axes, choose, concatenate, from_plain, select, to_plain

RULES = [
    GradientDescent(lr=0.01),
    Momentum(lr=0.01),
    HeavyBall(lr=0.01),
    Nesterov(lr=0.01),
    Adagrad(lr=0.1),
    RMSProp(lr=0.01),
    Adadelta(lr=1.0),
    Adam(lr=0.03),
    Adam(lr=0.03, correction=False),
    PerAtomAdam(lr=0.03),
    PerAtomAdam(lr=0.03, correction=False),
    AMSGrad(lr=0.03),
    AMSGrad(lr=0.03, correction=False),
    NAdam(lr=0.03),
    RAdam(lr=0.03),
    AdaBelief(lr=0.03),
    Lion(lr=0.03),
    Apollo(lr=0.1),
    Prodigy(),
]


def named_rule(value):
    """The rule as the name of a test, pytest's own names for its other parameters."""
    return repr(value) if isinstance(value, Rule) else None


every_rule = pytest.mark.parametrize("rule", RULES, ids=repr)


def recorded(entries, steps=400, seed=0):
    """Gradients as a relaxation sees them: scales from 1e-3 to 1e2 eV/A, decay, oscillation and noise."""
    rng = np.random.default_rng(seed)
    scale, phase = 10 ** rng.uniform(-3, 2, entries), rng.uniform(0, 6, entries)
    t = np.arange(steps)[:, None]
    return scale * (
        np.exp(-t / 60) * np.cos(t / rng.uniform(1, 9, entries) + phase) + 0.1 * rng.normal(size=(steps, entries))
    )


def observe(gradient, taken, sizes):
    return Observation(gradient, taken, Partition(sizes), Partition([3] * (sum(sizes) // 3)), np)


def follow(rule, gradients, sizes, recorded_steps=None):
    """The displacements along a recorded stream of gradients, and the last state.

    What the rule sees as taken is what it proposed, unless the steps are recorded too.
    """
    taken, path = np.zeros_like(gradients[0]), []
    state = rule.init(observe(gradients[0], taken, sizes))
    for t, gradient in enumerate(gradients):
        displacement, state = rule.update(observe(gradient, taken, sizes), state)
        taken = displacement if recorded_steps is None else recorded_steps[t]
        path.append(displacement)
    return np.array(path), state


def assert_agree(ours, theirs):
    """To 1e-12 of the largest entry: what reordered float64 arithmetic leaves, and no difference of equations does."""
    assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max()


# Cross-checks


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (GradientDescent(lr=0.01), "SGD", {"lr": 0.01}),
        (HeavyBall(lr=0.01, b1=0.8), "SGD", {"lr": 0.01, "momentum": 0.8}),
        (Nesterov(lr=0.01, b1=0.8), "SGD", {"lr": 0.01, "momentum": 0.8, "nesterov": True}),
        (Adagrad(lr=0.1), "Adagrad", {"lr": 0.1}),
        (Adagrad(lr=0.1, eps=1e-3), "Adagrad", {"lr": 0.1, "eps": 1e-3}),
        (RMSProp(lr=0.01), "RMSprop", {"lr": 0.01, "alpha": 0.9}),
        (RMSProp(lr=0.01, b2=0.99, eps=1e-3), "RMSprop", {"lr": 0.01, "eps": 1e-3}),
        (Adadelta(lr=1.0), "Adadelta", {"lr": 1.0}),
        (Adadelta(lr=0.5, rho=0.95, eps=1e-3), "Adadelta", {"lr": 0.5, "rho": 0.95, "eps": 1e-3}),
        (Adam(lr=0.03), "Adam", {"lr": 0.03}),
        (Adam(lr=0.03, b1=0.8, b2=0.99, eps=1e-3), "Adam", {"lr": 0.03, "betas": (0.8, 0.99), "eps": 1e-3}),
        (AMSGrad(lr=0.03), "Adam", {"lr": 0.03, "amsgrad": True}),
        (
            AMSGrad(lr=0.03, b1=0.8, b2=0.9, eps=1e-3),
            "Adam",
            {"lr": 0.03, "betas": (0.8, 0.9), "eps": 1e-3, "amsgrad": True},
        ),
        (NAdam(lr=0.03), "NAdam", {"lr": 0.03}),
        (
            NAdam(lr=0.03, b1=0.8, b2=0.99, eps=1e-3, momentum_decay=0.05),
            "NAdam",
            {"lr": 0.03, "betas": (0.8, 0.99), "eps": 1e-3, "momentum_decay": 0.05},
        ),
        (RAdam(lr=0.03), "RAdam", {"lr": 0.03}),
        (RAdam(lr=0.03, b1=0.8, b2=0.99, eps=1e-3), "RAdam", {"lr": 0.03, "betas": (0.8, 0.99), "eps": 1e-3}),
        (RAdam(lr=0.03, b2=0.6), "RAdam", {"lr": 0.03, "betas": (0.9, 0.6)}),
    ],
    ids=named_rule,
)
def test_rule_agrees_with_torch(ours, name, options):
    torch = pytest.importorskip("torch", reason="checked against torch: pip install 'molopt[torch]'")
    gradients = recorded(12)
    assert_agree(
        follow(ours, gradients, [12])[0], follow(TorchRule(getattr(torch.optim, name), **options), gradients, [12])[0]
    )


@pytest.mark.parametrize(
    ("ours", "make"),
    [
        (Momentum(lr=0.01), lambda o: o.chain(o.ema(0.9, debias=False), o.scale(-0.01))),
        (Momentum(lr=0.01, b1=0.5), lambda o: o.chain(o.ema(0.5, debias=False), o.scale(-0.01))),
        (AdaBelief(lr=0.03), lambda o: o.adabelief(0.03)),
        (
            AdaBelief(lr=0.03, b1=0.8, b2=0.99, eps=1e-3),
            lambda o: o.adabelief(0.03, 0.8, 0.99, eps=1e-3, eps_root=1e-3),
        ),
        (Lion(lr=0.03), lambda o: o.lion(0.03, weight_decay=0)),
        (Lion(lr=0.03, b1=0.5, b2=0.9), lambda o: o.lion(0.03, b1=0.5, b2=0.9, weight_decay=0)),
    ],
    ids=named_rule,
)
def test_rule_agrees_with_optax(ours, make):
    optax = pytest.importorskip("optax", reason="checked against optax: pip install 'molopt[optax]'")
    gradients = recorded(12)
    assert_agree(follow(ours, gradients, [12])[0], follow(OptaxRule(make(optax)), gradients, [12])[0])


@pytest.mark.parametrize("correction", [True, False])
def test_per_atom_adam_is_its_equation_atom_by_atom(correction):
    rule = PerAtomAdam(lr=0.03, b1=0.8, b2=0.99, eps=1e-3, correction=correction)
    gradients = recorded(12)
    m, v, expected = np.zeros((4, 3)), np.zeros(4), []
    for t, gradient in enumerate(gradients, start=1):
        step = np.zeros((4, 3))
        for a, g in enumerate(gradient.reshape(4, 3)):
            m[a] = 0.8 * m[a] + 0.2 * g
            v[a] = 0.99 * v[a] + 0.01 * np.linalg.norm(g) ** 2
            m_hat, v_hat = (m[a] / (1 - 0.8**t), v[a] / (1 - 0.99**t)) if correction else (m[a], v[a])
            step[a] = -0.03 * m_hat / (np.sqrt(v_hat) + 1e-3)
        expected.append(step.ravel())
    assert_agree(follow(rule, gradients, [12])[0], np.array(expected))


def test_amsgrad_without_correction_is_the_papers_algorithm():
    gradients = recorded(12)
    m, v, largest, expected = np.zeros(12), np.zeros(12), np.zeros(12), []
    for g in gradients:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        largest = np.maximum(largest, v)
        expected.append(-0.03 * m / np.sqrt(largest))
    assert_agree(follow(AMSGrad(lr=0.03, eps=0, correction=False), gradients, [12])[0], np.array(expected))


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_apollo_is_algorithm_1_of_its_paper_with_the_step_really_taken(share):
    lr, b1, eps, sigma = 0.1, 0.9, 1e-4, 1.0
    gradients = recorded(12)
    m, d, B, expected = np.zeros(12), np.zeros(12), np.zeros(12), []
    # Apollo learns from its own steps, which makes a loop: recorded steps keep rounding from growing in it.
    for t, g in enumerate(gradients):
        new = b1 * (1 - b1**t) / (1 - b1 ** (t + 1)) * m + (1 - b1) / (1 - b1 ** (t + 1)) * g
        alpha = (d @ (new - m) + d @ np.diag(B) @ d) / (np.linalg.norm(d, 4) + eps) ** 4
        m, B = new, B - alpha * d**2
        direction = m / np.maximum(np.abs(B), sigma)
        expected.append(-lr * direction)
        d = share * direction
    assert_agree(follow(Apollo(lr, b1, eps, sigma), gradients, [12], share * np.array(expected))[0], np.array(expected))


def test_apollo_learns_nothing_from_a_rejected_step():
    rule = Apollo(lr=0.1)
    _, state = follow(rule, recorded(12), [12])
    _, after = rule.update(observe(recorded(12, seed=1)[0], np.zeros(12), [12]), state)
    np.testing.assert_array_equal(after.B, state.B)


def test_apollo_depends_on_lr_and_sigma_only_by_their_quotient():
    gradients = recorded(12)
    one = follow(Apollo(lr=0.1, eps=0, sigma=1.0), gradients, [12])[0]
    other = follow(Apollo(lr=0.4, eps=0, sigma=4.0), gradients, [12])[0]
    np.testing.assert_array_equal(one, other)  # powers of two: not a bit is rounded differently


# The contract


@every_rule
def test_two_systems_in_a_batch_give_the_bits_of_each_alone(rule):
    small, large = recorded(9), recorded(300, seed=1)
    batch, _ = follow(rule, np.hstack([small, large]), [9, 300])
    np.testing.assert_array_equal(batch[:, :9], follow(rule, small, [9])[0])
    np.testing.assert_array_equal(batch[:, 9:], follow(rule, large, [300])[0])


@every_rule
def test_rule_needs_only_the_array_api_standard(rule):
    gradients = recorded(12, steps=30)
    expected, _ = follow(rule, gradients, [12])
    taken = array_api_strict.zeros(12, dtype=array_api_strict.float64)
    whole, triples = Partition([12], array_api_strict), Partition([3] * 4, array_api_strict)
    state, path = None, []
    for gradient in gradients:
        seen = Observation(array_api_strict.asarray(gradient), taken, whole, triples, array_api_strict)
        taken, state = rule.update(seen, rule.init(seen) if state is None else state)
        path.append(np.asarray(taken))
    assert_agree(np.array(path), expected)  # the standard does not fix the order of a sum


@every_rule
def test_state_declares_its_axes_and_has_their_lengths(rule):
    state = follow(rule, recorded(12, steps=2), [3, 9])[1]
    lengths = {"entry": (12,), "system": (2,)}
    assert [value.shape for value in state] == [lengths[axis] for axis in axes(type(state)).values()]


@every_rule
def test_state_survives_the_way_through_plain_arrays_bit_for_bit(rule):
    gradients, later = recorded(12), recorded(12, seed=1)[0]
    state = follow(rule, gradients, [12])[1]
    seen = observe(later, np.zeros(12), [12])
    plain = {name: array.tolist() for name, array in to_plain(state).items()}
    again = from_plain(rule.init(seen), plain)
    assert type(again) is type(state)
    np.testing.assert_array_equal(rule.update(seen, again)[0], rule.update(seen, state)[0])


@every_rule
def test_states_of_two_systems_can_be_mixed(rule):
    sizes, gradients = [3, 9], recorded(12)
    fresh = rule.init(observe(gradients[0], np.zeros(12), sizes))
    state = follow(rule, gradients, sizes)[1]
    mixed = choose(Layout(Partition(sizes), Partition(sizes)), np.array([True, False]), fresh, state)
    seen = observe(recorded(12, seed=1)[0], np.zeros(12), sizes)
    displacement = rule.update(seen, mixed)[0]
    np.testing.assert_array_equal(displacement[:3], rule.update(seen, fresh)[0][:3])
    np.testing.assert_array_equal(displacement[3:], rule.update(seen, state)[0][3:])


@pytest.mark.parametrize("sizes", [[12], [3, 9], [4, 4, 4], [5, 0, 7]])
def test_a_partition_does_the_same_on_any_array_namespace(sizes):
    ours, theirs = Partition(sizes), Partition(sizes, array_api_strict)
    values, each = np.random.default_rng(0).normal(size=12), np.arange(1.0, 1.0 + len(sizes))
    strict = array_api_strict.asarray(values)
    np.testing.assert_allclose(np.asarray(theirs.sum(strict)), ours.sum(values), rtol=1e-14)
    np.testing.assert_array_equal(np.asarray(theirs.max(strict)), ours.max(values))
    np.testing.assert_array_equal(np.asarray(theirs.spread(array_api_strict.asarray(each))), ours.spread(each))


@every_rule
@pytest.mark.parametrize("xp", [np, array_api_strict], ids=["numpy", "strict"])
def test_systems_leave_and_enter_without_a_change_to_the_others(rule, xp):
    def of(sizes):
        return Layout(Partition(sizes, xp), Partition(sizes, xp))

    gradients = recorded(18)
    state = follow(rule, gradients, [3, 9, 6])[1]
    state = type(state)(*map(xp.asarray, state))
    parts = [select(of([3, 9, 6]), [system], state) for system in range(3)]
    fewer = select(of([3, 9, 6]), [0, 2], state)
    for one, other in zip(fewer, concatenate([parts[0], parts[2]], xp), strict=True):
        assert bool(xp.all(one == other))
    mixed = choose(of([3, 6]), xp.asarray([True, False]), concatenate([parts[0], parts[2]], xp), fewer)
    for one, other in zip(mixed, fewer, strict=True):
        assert bool(xp.all(one == other))


@every_rule
def test_rule_is_pure(rule):
    gradients = recorded(12, steps=3)
    taken = np.zeros(12)
    state = rule.init(observe(gradients[0], taken, [12]))
    for array in (gradients, taken, *state):
        array.setflags(write=False)
    seen = observe(gradients[0], taken, [12])
    first, second = rule.update(seen, state), rule.update(seen, state)
    np.testing.assert_array_equal(first[0], second[0])
    for one, other in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", [r for r in RULES if not isinstance(r, Adadelta)], ids=repr)
def test_without_eps_an_atom_that_never_had_a_gradient_stays(rule):
    if hasattr(rule, "eps"):
        rule = type(rule)(**{field.name: getattr(rule, field.name) for field in fields(rule)} | {"eps": 0})
    gradients = recorded(12, steps=20)
    gradients[:, 3:6] = 0
    path, _ = follow(rule, gradients, [12])
    assert (path[:, 3:6] == 0).all()
    assert (path[:, :3] != 0).all()


# What a user may give


@pytest.mark.parametrize("rule", [type(rule) for rule in RULES], ids=lambda kind: kind.__name__)
def test_learning_rate_must_be_given_and_positive(rule):
    if rule is not Prodigy:  # which finds it
        with pytest.raises(TypeError, match="lr"):
            rule()
    for lr in (0, -0.1, float("nan"), float("inf"), "0.1", True):
        with pytest.raises(InputError, match=r"lr must be .*got"):
            rule(lr=lr)


@pytest.mark.parametrize(
    ("rule", "wrong", "message"),
    [
        (Adam, {"b1": 1}, "b1 must be at least 0 and less than 1, got 1"),
        (RMSProp, {"b2": -0.1}, "b2 must be at least 0 and less than 1, got -0.1"),
        (Adadelta, {"rho": 1.5}, "rho must be at least 0 and less than 1, got 1.5"),
        (Adadelta, {"eps": 0}, "eps must be positive, got 0"),
        (Adagrad, {"eps": -1e-9}, "eps must be zero or positive, got -1e-09"),
        (NAdam, {"momentum_decay": -1}, "momentum_decay must be zero or positive, got -1"),
        (Apollo, {"sigma": 0}, "sigma must be positive, got 0"),
    ],
)
def test_a_wrong_hyper_parameter_is_named_with_what_is_allowed(rule, wrong, message):
    with pytest.raises(InputError) as error:
        rule(lr=0.1, **wrong)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda seen, state: -seen.gradient, r"it returned an array of shape \(9,\)"),
        (lambda seen, state: (-seen.gradient, state, 1), "it returned a tuple of 3"),
        (lambda seen, state: None, "it returned None"),
        (lambda seen, state: (-seen.gradient[:3], state), r"its displacement is an array of shape \(3,\)"),
        (lambda seen, state: (list(-seen.gradient), state), "its displacement is a list of 9"),
        (lambda seen, state: (seen.gradient > 0, state), r"its displacement is an array of shape \(9,\) of kind bool"),
    ],
    ids=["displacement alone", "three", "None", "too short", "a list", "no numbers"],
)
def test_a_rule_that_answers_something_else_is_told_what_update_must_return(answer, said):
    class Mine(Rule):
        def update(self, seen, state):
            return answer(seen, state)

    atoms = molecule("H2O", calculator=EMT())
    with pytest.raises(InputError) as error:
        RuleOptimizer(atoms, rule=Mine(), logfile=None).run(steps=2)
    wanted = r"update of the rule Mine must return \(displacement, state\), the first an array of shape \(9,\); "
    assert re.fullmatch(wanted + said, str(error.value))


@pytest.mark.parametrize("state", [None, {"m": 0.0}, np.zeros(9), (1.0, 2.0)], ids=["None", "dict", "array", "tuple"])
@pytest.mark.parametrize("method", ["init", "update"])
def test_a_state_that_could_not_go_into_a_file_is_refused(method, state):
    class Mine(Rule):
        def init(self, seen):
            return state if method == "init" else super().init(seen)

        def update(self, seen, known):
            return -0.01 * seen.gradient, state

    with pytest.raises(
        InputError, match=f"{method} of the rule Mine must give a state, a NamedTuple of arrays .*; it gave"
    ):
        RuleOptimizer(molecule("H2O", calculator=EMT()), rule=Mine(), logfile=None).run(steps=2)


def test_no_rule_has_weight_decay():
    assert not [field.name for rule in RULES for field in fields(rule) if "weight" in field.name or field.name == "wd"]


def test_every_public_rule_is_tested_here():
    public = {getattr(molopt.rules, name) for name in molopt.rules.__all__}
    rules = {kind for kind in public if inspect.isclass(kind) and issubclass(kind, Rule)}
    assert {type(rule) for rule in RULES} == rules - {Rule, TorchRule, OptaxRule}
    assert all(a < b for a, b in pairwise(molopt.rules.__all__))
