"""Prodigy finds its own learning rate: what its estimate of the distance does, and that it is the published method."""

import numpy as np
import pytest

import molopt
from molopt.rules import Observation, Partition, Prodigy

STIFFNESS = 10 ** np.linspace(-1, 2, 12)  # eV/A^2, of a valley with its minimum at 1 A in each coordinate


def descent(rule, steps=200, factor=1.0):
    """The positions (steps + 1, 12) and states of a run down the valley, with a factor on the energy."""
    x = np.zeros(12)
    taken, state, path, states = np.zeros(12), None, [x], []
    for _ in range(steps):
        seen = Observation.single(factor * STIFFNESS * (x - 1), taken)
        state = rule.init(seen) if state is None else state
        taken, state = rule.update(seen, state)
        x = x + taken
        path.append(x)
        states.append(state)
    return np.array(path), states


def followed(optimizer, steps=200):
    """The positions of a run of an optimizer of torch down the valley."""
    import torch

    x = torch.zeros(12, dtype=torch.float64, requires_grad=True)
    optimizer, path = optimizer([x]), [np.zeros(12)]
    for _ in range(steps):
        x.grad = torch.tensor(STIFFNESS) * (x.detach() - 1)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (Prodigy(), {}),
        (Prodigy(d0=1e-3, correction=True), {"d0": 1e-3, "use_bias_correction": True}),
        (Prodigy(lr=0.5, b1=0.8, b2=0.99, eps=1e-3), {"lr": 0.5, "betas": (0.8, 0.99), "eps": 1e-3}),
    ],
    ids=repr,
)
def test_prodigy_takes_the_steps_of_its_authors_code(rule, options):
    prodigyopt = pytest.importorskip("prodigyopt", reason="checked against prodigyopt: pip install prodigyopt torch")
    theirs = followed(lambda parameters: prodigyopt.Prodigy(parameters, **options))
    np.testing.assert_allclose(descent(rule)[0], theirs, atol=1e-9)  # the loop lets rounding grow


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        (Prodigy(correction=True), {}),
        (
            Prodigy(lr=0.5, b1=0.8, b2=0.99, eps=1e-3, d0=1e-3, correction=True),
            {"learning_rate": 0.5, "betas": (0.8, 0.99), "eps": 1e-3, "estim_lr0": 1e-3},
        ),
    ],
    ids=repr,
)
def test_prodigy_with_correction_takes_the_steps_of_optax(rule, options):
    contrib = pytest.importorskip("optax", reason="checked against optax: pip install 'molopt[optax]'").contrib
    jax = pytest.importorskip("jax")
    from molopt.rules.adapters import jax_in_double

    with jax_in_double(jax):
        method, x, path = contrib.prodigy(**options), jax.numpy.zeros(12), [np.zeros(12)]
        update, state = jax.jit(method.update), method.init(x)
        for _ in range(200):
            step, state = update(jax.numpy.asarray(STIFFNESS) * (x - 1), state, x)
            x = x + step
            path.append(np.asarray(x))
    np.testing.assert_allclose(descent(rule)[0], path, atol=1e-9)


def test_the_estimate_grows_only():
    _, states = descent(Prodigy())
    estimates = np.array([state.d[0] for state in states])
    assert (np.diff(estimates) >= 0).all()
    assert estimates[-1] > 1e4 * estimates[0]


@pytest.mark.parametrize("d0", [1e-8, 1e-6, 1e-4, 1e-2])
def test_the_estimate_never_passes_the_distance_to_the_minimum(d0):
    """Which is 1 A for each entry: the bound is exact where the surface is convex, wherever it starts."""
    _, states = descent(Prodigy(d0=d0), steps=1000)
    assert 0.1 < states[-1].d[0] <= 1


@pytest.mark.parametrize("factor", [2.0**-30, 2.0**20])
def test_without_eps_the_path_does_not_know_the_unit_of_energy(factor):
    np.testing.assert_array_equal(descent(Prodigy(eps=0), factor=factor)[0], descent(Prodigy(eps=0))[0])


def test_the_path_hardly_knows_where_the_estimate_began():
    ends = [descent(Prodigy(d0=d0), steps=1000)[0][-1] for d0 in (1e-8, 1e-6, 1e-4)]
    for end in ends:
        np.testing.assert_allclose(end, 1, atol=0.05)


def test_each_system_of_a_batch_has_an_estimate_of_its_own():
    rng = np.random.default_rng(0)
    gradients, scale = rng.normal(size=(50, 12)), np.repeat([1.0, 100.0], [3, 9])
    rule, two = Prodigy(d0=1e-3), Partition([3, 9])

    def follow(gradients, systems):
        taken, path = np.zeros(gradients.shape[1]), []
        state = None
        for gradient in gradients:
            seen = Observation(gradient, taken, systems, Partition([3] * (len(gradient) // 3)), np)
            taken, state = rule.update(seen, rule.init(seen) if state is None else state)
            path.append(taken)
        return np.array(path), state

    gradients = scale * (gradients + 1)
    together, state = follow(gradients, two)
    small, first = follow(gradients[:, :3], Partition([3]))
    large, second = follow(gradients[:, 3:], Partition([9]))
    np.testing.assert_array_equal(together, np.hstack([small, large]))
    np.testing.assert_array_equal(state.d, [first.d[0], second.d[0]])
    assert state.d[0] != state.d[1]


def relaxed(**arguments):
    molecule = molopt.Molecule.named("aladip")
    atoms = molecule.atoms()
    atoms.calc = molopt.potential("mmff94", molecule)
    return molopt.Prodigy(atoms, logfile=None, **arguments)


def test_a_rejected_step_leaves_the_place_of_a_run_where_it_was():
    """Else the way of the step before it would be missing from all that follows."""
    optimizer = relaxed()
    start, before, rejected = optimizer.atoms.get_positions(), None, 0
    for _ in optimizer.irun(fmax=0.01, steps=200):
        if optimizer.memory is not None:
            here = optimizer.memory.point.x
            rejected += before is not None and np.array_equal(here, before)
            before = here
            place = optimizer.memory.after.moved
            np.testing.assert_allclose(place, here - start.ravel(), atol=1e-9)
    assert rejected


@pytest.mark.parametrize("coordinates", ["cartesian", "internal"])
def test_a_molecule_relaxes_without_an_argument(coordinates):
    assert relaxed(coordinates=coordinates).run(fmax=0.01, steps=600)


def test_without_control_the_method_itself_relaxes_a_molecule():
    assert relaxed(control=None).run(fmax=0.05, steps=1000)
