"""Compiled internal coordinates agree with the reference, system by system, alone and in company."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache as cached

import numpy as np
import pytest
from ase import Atoms

import molopt
from molopt.coordinates.internal import Internal
from molopt.coordinates.kernels.compilable import compilable
from molopt.coordinates.metric import Model
from molopt.optimizers.internals import Recipe

pytest.importorskip("numba")
from molopt.coordinates.kernels.group import Group

SYSTEMS = 3
NAMES = ("aladip", "tetrayne", "arachidonic", "cyclodextrin", "carbon dioxide", "acetylene", "water")
BENT = {  # symbols, positions: molecules on a line or nearly so, and one that is not
    "carbon dioxide": ("OCO", [[-1.17, 0.02, 0], [0, 0, 0], [1.16, 0, 0]]),
    "acetylene": ("HCCH", [[-1.66, 0.05, 0], [-0.6, 0, 0.01], [0.6, 0, 0], [1.66, 0, 0.04]]),
    "water": ("OHH", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]),
}


def member_of(name):
    atoms = Atoms(*BENT[name]) if name in BENT else next(iter(molopt.read(name))).atoms()
    x = atoms.positions.ravel()
    return Recipe.of(atoms).build(x), x


class Case:
    """Conformers of a molecule, what kernels and the reference say of them, and vectors to try both with."""

    def __init__(self, name):
        self.member, start = member_of(name)
        random = np.random.default_rng(1)
        shape = (SYSTEMS, start.size)
        rattle = 0.0 if name in ("carbon dioxide", "acetylene") else 0.03  # a line must stay one
        self.x = start + random.normal(0, rattle, shape)
        self.before = self.x + random.normal(0, 0.5 * rattle, shape)
        self.gradients = random.normal(0, 0.5, (2, *shape))
        self.group = Group([self.member] * SYSTEMS)
        self.old = self.group.linearize(self.before.ravel(), self.gradients[0].ravel())
        self.new = self.group.linearize(self.x.ravel(), self.gradients[1].ravel())
        self.pairs = [
            (self.member.linearize(self.before[s], self.gradients[0, s]), self.member.linearize(self.x[s], g))
            for s, g in enumerate(self.gradients[1])
        ]
        self.entries, self.places = self.member.primitives.count, start.size
        self.u = random.normal(0, 0.1, (SYSTEMS * self.entries, 3))
        self.moves = random.normal(0, 0.1, (SYSTEMS * self.places, 3))
        self.steps, self.lacks = random.normal(0, 0.05, (2, 8, SYSTEMS * self.entries))
        self.steps[:3] = 0.0

    def entry(self, s):
        return slice(s * self.entries, (s + 1) * self.entries)

    def place(self, s):
        return slice(s * self.places, (s + 1) * self.places)


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return Case(request.param)


def close(found, expected):
    """To 1e-9 of the largest entry."""
    expected = np.asarray(expected)
    return np.shape(found) == expected.shape and bool(
        np.abs(found - expected).max() <= 1e-9 * max(np.abs(expected).max(), 1e-6)
    )


def test_what_is_known_of_a_geometry(case):
    for s, (old, new) in enumerate(case.pairs):
        entry, place = case.entry(s), case.place(s)
        assert close(case.new.on_pages[2][0].values[entry], new.values)
        assert close(case.new.gradient[entry], new.gradient)
        assert close(case.new.newton[place], new.newton)
        assert close(case.new.natural_gradient[entry], new.natural_gradient)
        assert close(case.new.energy_left[s : s + 1], new.energy_left)
        assert close(case.group.between(case.old, case.new)[entry], case.member.between(old, new))


@pytest.mark.parametrize("name", ["pull_back", "to_cartesian", "solve", "apply"])
def test_products_with_displacements(case, name):
    for s, (_, new) in enumerate(case.pairs):
        own = case.place(s) if name in ("pull_back", "to_cartesian") else case.entry(s)
        for u in (case.u, case.u[:, 0]):
            assert close(getattr(case.new, name)(u)[own], getattr(new, name)(u[case.entry(s)]))


@pytest.mark.parametrize("name", ["to_internal", "solve_metric", "apply_cartesian", "solve_cartesian"])
def test_products_with_moves(case, name):
    for s, (_, new) in enumerate(case.pairs):
        own = case.entry(s) if name == "to_internal" else case.place(s)
        for moves in (case.moves, case.moves[:, 0]):
            assert close(getattr(case.new, name)(moves)[own], getattr(new, name)(moves[case.place(s)]))


def test_longest_move_and_largest_change(case):
    u = case.u[:, 0]
    for s, (_, new) in enumerate(case.pairs):
        assert close(case.new.longest(u)[s : s + 1], new.longest(u[case.entry(s)]))
        assert close(case.new.change(u)[s : s + 1], new.change(u[case.entry(s)]))


def test_lack_of_a_step(case):
    taken = case.u[:, 1]
    for s, (old, new) in enumerate(case.pairs):
        assert close(case.new.lack(case.old, taken)[case.entry(s)], new.lack(old, taken[case.entry(s)]))


@pytest.mark.parametrize(("radius", "remembered"), [(0.3, 8), (50.0, 8), (0.3, 0)])
def test_step_from_secants(case, radius, remembered):
    steps, lacks = case.steps * (remembered > 0), case.lacks * (remembered > 0)
    radii = np.full(SYSTEMS, radius)
    found = case.new.secant_step(steps, lacks, 0.5, radii, 0.3, 0.4)
    for s, (_, new) in enumerate(case.pairs):
        entry = case.entry(s)
        expected = new.secant_step(steps[:, entry], lacks[:, entry], 0.5, radii[:1], 0.3, 0.4)
        assert close(found.displacement[entry], expected.displacement)
        for number, wanted in zip(found[1:], expected[1:], strict=True):
            assert close(number[s : s + 1], wanted)


def test_move(case):
    step = case.new.secant_step(case.steps, case.lacks, 0.5, np.full(SYSTEMS, 0.3), 0.3, 0.4).displacement
    x, arrived = case.group.move(case.new, step)
    for s, (_, new) in enumerate(case.pairs):
        expected, whether = case.member.move(new, step[case.entry(s)])
        assert close(x[case.place(s)], expected)
        assert arrived[s] == np.all(whether)


def test_same_bits_alone_and_in_company(case):
    radii = np.full(SYSTEMS, 0.3)
    together = case.new.secant_step(case.steps, case.lacks, 0.5, radii, 0.3, 0.4)
    moved, _ = case.group.move(case.new, together.displacement)
    lack = case.new.lack(case.old, case.u[:, 1])
    alone = Group([case.member])
    for s in range(SYSTEMS):
        entry = case.entry(s)
        new, old = (
            alone.linearize(case.x[s], case.gradients[1, s]),
            alone.linearize(case.before[s], case.gradients[0, s]),
        )
        step = new.secant_step(case.steps[:, entry], case.lacks[:, entry], 0.5, radii[:1], 0.3, 0.4)
        assert np.array_equal(new.natural_gradient, case.new.natural_gradient[entry])
        assert np.array_equal(step.displacement, together.displacement[entry])
        assert np.array_equal(alone.move(new, step.displacement)[0], moved[case.place(s)])
        assert np.array_equal(new.lack(old, case.u[entry, 1]), lack[entry])


def test_systems_of_two_linearizations_are_put_together(case):
    mine = np.array([True, False, True])
    mixed = case.new.where(mine, case.old).select([2, 1])
    for s, source in enumerate((case.new, case.old)):
        entry, place = case.entry(2 - s), case.place(2 - s)
        assert np.array_equal(mixed.gradient[case.entry(s)], source.gradient[entry])
        moves = case.moves[: 2 * case.places]
        assert np.array_equal(
            mixed.solve_cartesian(moves)[case.place(s)],
            source.select([2 - s]).solve_cartesian(moves[case.place(s)]),
        )
        assert np.array_equal(mixed.select([s]).x, source.x[place])


def test_a_step_too_long_is_shortened_or_said_not_to_have_arrived():
    case = Case("aladip")
    logged = []
    for scale in (5.0, 20.0, 80.0):
        x, arrived = case.group.move(case.new, scale * case.u[:, 0])
        for s, (_, new) in enumerate(case.pairs):
            expected, whether = case.member.move(new, scale * case.u[case.entry(s), 0])
            assert arrived[s] == np.all(whether)
            assert np.abs(x[case.place(s)] - expected).max() < 1e-6
        logged += arrived.tolist()
    assert not all(logged)


def test_a_model_that_leaves_a_motion_out_is_shifted_and_says_so():
    member, x = member_of("aladip")
    primitives = replace(member.primitives, torsions=member.primitives.torsions[:0])
    recipe = Recipe.of(next(iter(molopt.read("aladip"))).atoms(), model="constant")
    table = recipe.table(primitives)
    kept = np.delete(member.stiffness, np.arange(member.primitives.count)[member.primitives.slices["torsion"]])
    loose = replace(member, primitives=primitives, stiffness=kept, metric=Model.of(primitives, table, kept))
    gradient = np.random.default_rng(0).normal(size=x.size)
    group, reference = Group([loose, loose]), loose.linearize(x, gradient)
    found = group.linearize(np.tile(x, 2), np.tile(gradient, 2))
    assert not reference.metric.complete
    assert not found.known.definite.any()
    assert close(found.gradient[: primitives.count], reference.gradient)
    assert not group.move(found, 0.01 * found.gradient)[1].any()


def test_which_lists_are_outdated():
    """Angles that get straight and pyramids that get flat, on the way to a molecule that is pressed to a line."""
    for name in ("aladip", "arachidonic", "tetrayne"):
        member, x = member_of(name)
        line = np.array([1.0, 0.0, 0.0])
        ways = [(x.reshape(-1, 3) * (1 - share * (1 - line))).ravel() for share in np.linspace(0, 1, 11)]
        expected = np.array([member.outdated(way)[0] for way in ways])
        found = Group([member] * len(ways)).outdated(np.concatenate(ways))
        if name == "tetrayne":  # has straight angles, which kernels leave to the reference
            assert found.all()
        else:
            assert np.array_equal(found, expected)
            assert not expected[0]
            assert expected[-1]


def test_different_molecules_are_served_together():
    names = ("aladip", "arachidonic", "water", "aladip")
    members, starts = zip(*map(member_of, names), strict=True)
    random = np.random.default_rng(3)
    xs = [start + random.normal(0, 0.02, start.size) for start in starts]
    gradients = [random.normal(0, 0.5, start.size) for start in starts]
    group = Group(members)
    old = group.linearize(np.concatenate(starts), np.concatenate(gradients))
    new = group.linearize(np.concatenate(xs), np.concatenate(gradients))
    mixed = new.where(np.array([True, False, True, False]), old).select([3, 2, 1])
    steps = 0.1 * random.normal(0, 0.1, (2, group.layout.entries.total))
    found = new.secant_step(steps, 0.1 * steps, 0.5, np.full(4, 0.3), 0.3, 0.4).displacement
    for s, member in enumerate(members):
        alone, entry, place = Group([member]), group.layout.entries.part(s), group.layout.places.part(s)
        before, now = alone.linearize(starts[s], gradients[s]), alone.linearize(xs[s], gradients[s])
        step = now.secant_step(steps[:, entry], 0.1 * steps[:, entry], 0.5, np.array([0.3]), 0.3, 0.4).displacement
        assert np.array_equal(found[entry], step)
        assert np.array_equal(new.lack(old, found)[entry], now.lack(before, step))
        assert np.array_equal(group.between(old, new)[entry], alone.between(before, now))
        assert np.array_equal(group.move(new, found)[0][place], alone.move(now, step)[0])
        if s:
            own = mixed.layout.entries.part(3 - s)
            assert np.array_equal(mixed.natural_gradient[own], (now if s == 2 else before).natural_gradient)


def test_plain_coordinates_alone_are_compiled():
    member, _ = member_of("aladip")
    assert compilable(member)
    assert not compilable(replace(member, free=False))
    assert not compilable(replace(member, metric=None))
    assert not compilable(replace(member, movable=np.zeros_like(member.movable)))
    assert not compilable(replace(member, forbidden=lambda x: np.zeros((x.size, 1))))
    assert not compilable(member_of("octanoic_dimer")[0])


def test_conformers_are_served_together():
    member, other = member_of("aladip")[0], member_of("water")[0]
    parts = Internal([member, member, other]).parts
    assert [part.layout.count for part in parts] == [3]


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_without_numba_everything_works():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import molopt\n"
        "result = molopt.relax(molopt.Molecule.from_smiles('CO'), potential='mmff94')\n"
        "print(result.converged, 'llvmlite' in sys.modules)\n"
    )
    done = run(code)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_kernels_are_loaded_before_the_clock_of_a_run_starts():
    code = (
        "import molopt; from molopt.run import Run; from molopt.optimizers.spec import OptimizerSpec\n"
        "from molopt.coordinates.kernels import back_transformation, elsewhere, linearize, secants\n"
        "used = [linearize.linearize, elsewhere.between, secants.lack, secants.secant_step, back_transformation.move]\n"
        "for optimizer, coordinates, left in (('default', 'cartesian', None), ('bfgs', None, 'auto')):\n"
        "    spec = OptimizerSpec.of(optimizer, coordinates)\n"
        "    Run(molopt.Molecule.from_smiles('CO'), spec, 'mmff94', 0.05, left, 10)\n"
        "    print([bool(kernel.signatures) for kernel in used])"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str([False] * 5), str([True] * 5)]


def test_without_a_folder_for_the_cache_kernels_still_work(tmp_path):
    (tmp_path / "taken").write_text("")
    (tmp_path / "one.py").write_text(
        "import logging; logging.basicConfig()\n"
        "from molopt.coordinates.kernels import compiling\n"
        "@compiling.kernel\n"
        "def doubled(x):\n"
        "    return 2 * x\n"
        "compiling.prepare()\n"
        "print(doubled(3.0))\n"
    )
    code = f"exec(compile(open({str(tmp_path / 'one.py')!r}).read(), '<no file>', 'exec'))"
    done = run(code, NUMBA_CACHE_DIR=str(tmp_path / "taken" / "below"))
    assert done.stdout.split() == ["6.0"], done.stderr
    assert "no folder to keep them in; set NUMBA_CACHE_DIR" in done.stderr


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache folder of one kernel, that of other sources."""
    from molopt.coordinates.kernels import compiling

    entry = type("Entry", (), {"stats": type("Stats", (), {"cache_path": str(tmp_path)})})
    monkeypatch.setattr(compiling, "entries", [entry])
    monkeypatch.setattr(compiling, "prepare", cached(compiling.prepare.__wrapped__))
    index = tmp_path / f"linearize.linearize-1.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    index.write_text("of other sources")
    return index


def said_in(caplog):
    """What a process that begins now says of compiling."""
    from molopt.coordinates.kernels import compiling

    caplog.clear()
    compiling.prepare.cache_clear()
    with caplog.at_level(logging.WARNING, logger="molopt"):
        compiling.prepare()
        compiling.prepare()
    return [record.message for record in caplog.records if "compiling" in record.message]


def test_the_first_compilation_says_what_it_does_once(caplog, cache):
    assert len(said_in(caplog)) == 1
    assert not cache.exists()
    cache.write_text("compiled")
    assert said_in(caplog) == []
    assert cache.exists()


def test_a_compilation_that_was_not_finished_is_said_again(caplog, cache):
    said_in(caplog)
    assert len(said_in(caplog)) == 1
    cache.with_name(cache.name.replace("py3", "py2")).write_text("of another Python")
    assert len(said_in(caplog)) == 1


def test_the_command_line_says_at_once_that_it_compiles(capsys, cache):
    from molopt.cli.terminal import Notes
    from molopt.coordinates.kernels import compiling

    with Notes() as notes:
        compiling.prepare()
        assert capsys.readouterr().err.startswith("note: compiling the kernels of internal coordinates, up to a minute")
        notes.tell()
    assert capsys.readouterr().err == ""
