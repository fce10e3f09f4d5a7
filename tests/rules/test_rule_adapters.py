"""Optimizers of torch and optax as rules: the same steps, pure, and refused in one clear line where they cannot."""

import subprocess
import sys

import numpy as np
import pytest

from molopt.errors import InputError, MissingExtra
from molopt.rules import Adam, Observation, OptaxRule, Partition, TorchRule, adapters
from molopt.rules.state import Layout, axes, choose, from_plain, to_plain

TORCH = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5}),
    ("ASGD", {"lambd": 0.0}),  # no pull towards zero, which a rule does not see
    ("Rprop", {}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adadelta", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {"weight_decay": 0}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {}),
]
OPTAX = {
    "sgd": lambda o: o.sgd(0.01, momentum=0.9),
    "adam": lambda o: o.adam(0.01),
    "lion": lambda o: o.lion(0.01, weight_decay=0),
    "yogi": lambda o: o.yogi(0.01),
    "amsgrad": lambda o: o.amsgrad(0.01),
    "rprop": lambda o: o.rprop(0.01),
    "schedule": lambda o: o.adam(o.exponential_decay(0.01, 10, 0.9)),
    "clipped": lambda o: o.chain(o.clip_by_global_norm(1.0), o.rmsprop(0.01)),
}
every_torch = pytest.mark.parametrize(("name", "options"), TORCH, ids=str)
every_optax = pytest.mark.parametrize("make", OPTAX.values(), ids=OPTAX.keys())


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="TorchRule needs torch: pip install 'molopt[torch]'")


@pytest.fixture
def optax():
    return pytest.importorskip("optax", reason="OptaxRule needs optax: pip install 'molopt[optax]'")


def recorded(entries=4, steps=50):
    rng = np.random.default_rng(0)
    return rng.normal(size=(steps, entries)) * 10.0 ** np.linspace(-3, 2, entries)


def follow(rule, gradients, state=None):
    state, path = rule.init(Observation.single(gradients[0])) if state is None else state, []
    for gradient in gradients:
        displacement, state = rule.update(Observation.single(gradient), state)
        path.append(displacement)
    return np.array(path), state


def check_that_states_are_data(rule):
    """Pure, declared, mixable, and through plain arrays without losing a bit."""
    first, later = np.split(recorded(), 2)
    fresh = rule.init(Observation.single(first[0]))
    _, state = follow(rule, first)
    for array in (*fresh, *state):
        array.setflags(write=False)
    expected, _ = follow(rule, later, state)
    np.testing.assert_array_equal(follow(rule, later, state)[0], expected)

    lengths = {"entry": (4,), "system": (1,)}
    assert [value.shape for value in state] == [lengths[axis] for axis in axes(type(state)).values()]

    plain = {name: array.tolist() for name, array in to_plain(state).items()}
    np.testing.assert_array_equal(follow(rule, later, from_plain(fresh, plain))[0], expected)

    for chosen, other in ((True, fresh), (False, fresh)):
        mixed = choose(Layout(Partition([4]), Partition([4])), np.array([chosen]), state, other)
        np.testing.assert_array_equal(follow(rule, later, mixed)[0], expected if chosen else follow(rule, later)[0])


@every_torch
def test_torch_rule_takes_the_steps_of_the_optimizer(torch, name, options):
    kind, gradients = getattr(torch.optim, name), recorded()
    torch.set_default_dtype(torch.float64)
    try:
        x = torch.zeros(4, requires_grad=True)
        optimizer, path = kind([x], lr=0.01, **options), []
        for gradient in gradients:
            x.grad = torch.tensor(gradient)
            optimizer.step()
            path.append(x.detach().numpy().copy())
    finally:
        torch.set_default_dtype(torch.float32)
    steps = np.diff(np.vstack([np.zeros(4), path]), axis=0)
    ours, _ = follow(TorchRule(kind, lr=0.01, **options), gradients)
    np.testing.assert_allclose(ours, steps, atol=1e-14 * np.abs(path).max())  # rounding of the positions


@every_torch
def test_the_state_of_a_torch_rule_is_data(torch, name, options):
    check_that_states_are_data(TorchRule(getattr(torch.optim, name), lr=0.01, **options))


@every_optax
def test_optax_rule_takes_the_steps_of_the_transformation(optax, make):
    jax = pytest.importorskip("jax")
    gradients = recorded()
    with adapters.jax_in_double(jax):
        transformation = make(optax)
        update, state, path = jax.jit(transformation.update), transformation.init(jax.numpy.zeros(4)), []
        for gradient in gradients:
            step, state = update(jax.numpy.asarray(gradient), state, jax.numpy.zeros(4))
            path.append(np.asarray(step))
    ours, _ = follow(OptaxRule(make(optax)), gradients)
    np.testing.assert_allclose(ours, path, atol=1e-14 * np.abs(path).max())  # jax may compile the two differently


@every_optax
def test_the_state_of_an_optax_rule_is_data(optax, make):
    check_that_states_are_data(OptaxRule(make(optax)))


def test_weight_decay_does_nothing_because_the_optimizers_never_see_a_position(torch, optax):
    gradients = recorded()
    decayed, _ = follow(TorchRule(torch.optim.AdamW, lr=0.01, weight_decay=0.5), gradients)
    np.testing.assert_array_equal(decayed, follow(TorchRule(torch.optim.Adam, lr=0.01), gradients)[0])
    decayed, _ = follow(OptaxRule(optax.lion(0.01, weight_decay=0.5)), gradients)
    np.testing.assert_array_equal(decayed, follow(OptaxRule(optax.lion(0.01, weight_decay=0)), gradients)[0])


def test_the_precision_of_torch_and_jax_elsewhere_is_left_alone(torch, optax):
    jax = pytest.importorskip("jax")
    before = torch.zeros(1).dtype, jax.numpy.zeros(1).dtype  # Sella sets that of jax
    for rule in (TorchRule(torch.optim.NAdam, lr=0.01), OptaxRule(optax.adam(0.01))):
        assert follow(rule, recorded())[0].dtype == np.float64
    assert (torch.zeros(1).dtype, jax.numpy.zeros(1).dtype) == before


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("LBFGS", {}, "LBFGS cannot be a rule: it evaluates energies by a closure"),
        ("Muon", {}, "Muon cannot be a rule: .*2D"),
        ("SparseAdam", {}, "SparseAdam cannot be a rule: .*dense gradients"),
        ("Adam", {"memory": 3}, "Adam cannot be a rule: .*'memory'"),
        ("Adam", {"betas": (2, 0)}, "Adam cannot be a rule: .*beta"),
    ],
)
def test_torch_optimizers_that_need_more_than_gradients_are_refused(torch, name, options, message):
    if not hasattr(torch.optim, name):
        pytest.skip(f"this torch has no {name}")
    with pytest.raises(InputError, match=message):
        TorchRule(getattr(torch.optim, name), lr=0.01, **options)


def test_a_torch_optimizer_that_remembers_outside_its_state_is_refused(torch):
    class Counting(torch.optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            self.param_groups[0]["lr"] *= 0.99

    with pytest.raises(InputError, match="Counting cannot be a rule: it keeps memory outside its state"):
        TorchRule(Counting, lr=0.01)


@pytest.mark.parametrize("wrong", ["Adam", Adam], ids=["name", "rule"])
def test_torch_rule_wants_a_class_of_torch(torch, wrong):
    with pytest.raises(InputError, match=r"TorchRule takes a class such as torch\.optim\.NAdam, got "):
        TorchRule(wrong, lr=0.01)


def test_torch_rule_wants_a_positive_lr(torch):
    with pytest.raises(InputError, match=r"lr must be positive, got 0"):
        TorchRule(torch.optim.Adam, lr=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda o: o.lbfgs(), "cannot be a rule: "),
        (lambda o: o.polyak_sgd(), "cannot be a rule: .*value"),
        (lambda o: o.scale_by_lbfgs(), r"cannot be a rule: it keeps leaf_\d of shape \(10, 5\)"),
        (lambda o: o.lion, r"OptaxRule takes what optax\.lion\(1e-2\) and similar functions return, got "),
    ],
    ids=["lbfgs", "polyak", "matrices", "function"],
)
def test_optax_transformations_that_need_more_than_gradients_are_refused(optax, make, message):
    with pytest.raises(InputError, match=message):
        OptaxRule(make(optax))


def test_adapters_take_one_system_at_a_time(torch, optax):
    two = Observation.single(np.ones(4))._replace(systems=Partition([1, 3]))
    for rule in (TorchRule(torch.optim.Adam, lr=0.01), OptaxRule(optax.adam(0.01))):
        with pytest.raises(InputError, match="takes one system at a time, got 2"):
            rule.init(two)


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(adapters, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"TorchRule needs an extra: pip install 'molopt\[torch\]'"):
        TorchRule(object, lr=0.01)
    with pytest.raises(MissingExtra, match=r"OptaxRule needs an extra: pip install 'molopt\[optax\]'"):
        OptaxRule(object())


def test_an_optax_rule_is_known_by_what_it_does_in_every_process():
    optax = pytest.importorskip("optax", reason="checked with optax: pip install 'molopt[optax]'")
    script = "import optax; from molopt.rules import OptaxRule; print(OptaxRule(optax.lion(1e-2)))"
    elsewhere = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == repr(OptaxRule(optax.lion(1e-2)))
    assert repr(OptaxRule(optax.lion(1e-2))) != repr(OptaxRule(optax.lion(2e-2)))
