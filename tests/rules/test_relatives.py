"""The rules that docs/benchmarks measures beside molopt's are those of their papers; its table is that of its runs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from molopt.rules import Observation
from molopt.rules.adapters import jax_in_double

DOCS = Path(__file__).parents[2] / "docs"
STIFFNESS = 10 ** np.linspace(-1, 2, 12)  # eV/A^2


@pytest.fixture(scope="module")
def benchmarks():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "benchmarks"))
        import relative_rules
        import relatives

        yield relative_rules, relatives
    for name in ("relative_rules", "relatives", "starts", "rows"):
        sys.modules.pop(name, None)


def descent(rule):
    """Positions on the way down a valley."""
    x, taken, state, path = np.zeros(12), np.zeros(12), None, []
    for _ in range(100):
        seen = Observation.single(STIFFNESS * (x - 1), taken)
        taken, state = rule.update(seen, rule.init(seen) if state is None else state)
        x = x + taken
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize(
    ("name", "arguments", "make"),
    [
        ("Adopt", {}, lambda o: o.contrib.adopt(0.01)),
        ("Ademamix", {}, lambda o: o.contrib.ademamix(0.01)),
        ("ScheduleFree", {}, lambda o: o.contrib.schedule_free_adamw(0.01)),
        ("ScheduleFree", {"scaled": False}, lambda o: o.contrib.schedule_free_sgd(0.01)),
    ],
    ids=["adopt", "ademamix", "schedule-free", "schedule-free descent"],
)
def test_a_relative_takes_the_steps_of_optax(benchmarks, name, arguments, make):
    optax = pytest.importorskip("optax", reason="checked against optax: pip install 'molopt[optax]'")
    jax = pytest.importorskip("jax")
    with jax_in_double(jax):
        method, x, path = make(optax), jax.numpy.zeros(12), []
        update, state = jax.jit(method.update), method.init(x)
        for _ in range(100):
            step, state = update(jax.numpy.asarray(STIFFNESS) * (x - 1), state, x)
            x = x + step
            path.append(np.asarray(x))
    ours = descent(getattr(benchmarks[0], name)(lr=0.01, **arguments))
    np.testing.assert_allclose(ours, path, atol=1e-12 * np.abs(path).max())


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_a_schedule_free_run_stays_between_its_steps_and_their_mean_whatever_is_taken(benchmarks, share):
    rule = benchmarks[0].ScheduleFree(lr=0.01)
    x, taken, state = np.zeros(12), np.zeros(12), None
    for _ in range(20):
        seen = Observation.single(STIFFNESS * (x - 1), taken)
        proposed, state = rule.update(seen, rule.init(seen) if state is None else state)
        np.testing.assert_allclose((1 - rule.b1) * state.ahead + rule.b1 * state.mean, 0, atol=1e-12)
        taken = share * proposed
        x = x + taken
    assert (np.abs(state.mean).max() > 0) == (share > 0)


def test_soap_of_one_entry_is_adam(benchmarks):
    """Which has nothing to turn."""
    from molopt.rules import Adam

    gradients = np.random.default_rng(0).normal(size=(50, 1))
    paths = []
    for rule in (benchmarks[0].Soap(lr=0.1, b1=0.9, b2=0.99), Adam(lr=0.1, b1=0.9, b2=0.99)):
        state, steps = rule.init(Observation.single(gradients[0])), []
        for gradient in gradients:
            step, state = rule.update(Observation.single(gradient), state)
            steps.append(step)
        paths.append(steps)
    np.testing.assert_allclose(*paths, rtol=1e-9)


def test_soap_turns_with_its_coordinates_and_adam_does_not(benchmarks):
    """A turn of the columns: x, y and z of four atoms."""
    from molopt.rules import Adam

    rng = np.random.default_rng(0)
    gradients, turn = rng.normal(size=(20, 4, 3)), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for rule, invariant in ((benchmarks[0].Soap(lr=0.1), True), (Adam(lr=0.1), False)):
        ends = []
        for turned in (np.eye(3), turn):
            state, total = None, np.zeros(12)
            for gradient in gradients:
                seen = Observation.single((gradient @ turned).ravel(), group=3)
                step, state = rule.update(seen, rule.init(seen) if state is None else state)
                total = total + step
            ends.append(total.reshape(4, 3) @ turned.T)
        assert np.allclose(*ends, atol=1e-6) == invariant


def test_the_step_of_muon_has_equal_singular_values(benchmarks):
    rule = benchmarks[0].Muon(lr=0.1)
    seen = Observation.single(np.random.default_rng(0).normal(size=12), group=3)
    step = rule.update(seen, rule.init(seen))[0].reshape(4, 3)
    np.testing.assert_allclose(np.linalg.svd(step, compute_uv=False), 0.1 * 2)
    assert np.sqrt((step**2).sum() / 3) == pytest.approx(0.1 * 2)


@pytest.mark.parametrize(
    ("name", "against"), [("molecules", "bfgs"), ("starts", "bfgs"), ("textbook", "bfgs"), ("gfn2-xtb", "adam")]
)
def test_the_tables_that_are_published_are_those_of_the_stored_runs(benchmarks, name, against):
    relatives = benchmarks[1]
    table = relatives.printed(relatives.stored(DOCS / "notes" / "relatives_results" / f"{name}.csv"), against=against)
    assert len(table) > 5
    assert "\n".join(table) in (DOCS / "notes" / "relatives.md").read_text(encoding="utf-8")
