"""The page of a study: in a real browser, without a network, with names that want to be markup."""

import json
import math
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from chromium import EXECUTABLE, Chromium

import molopt
from molopt.molecules import Molecule
from molopt.record import Outcome, Plan, Record
from molopt.report.elements import Cell, Figure, Heading, Table
from molopt.report.frames import RESOLUTION, superposed

pytest.importorskip("jinja2", reason="the page needs: pip install 'molopt[report]'")
pytest.importorskip("chemiscope", reason="drawing in 3D needs: pip install 'molopt[report]'")
from molopt.report.page import NO_LIBRARY, write_page
from molopt.report.viewer import VERSION

needs_browser = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: apt-get install chromium")

OPTIMIZERS = ("default", "adam", "bfgs")
HOSTILE = [
    "<script>window.__pwned = 1</script>",
    "</script><img src=x onerror='window.__pwned = 1'>",
    "\"'><svg onload='window.__pwned = 1'>",
    "{{ 7*7 }}{% for x in y %}",
    "line\u2028break",
    "half \ud800 of a pair",
    "right\u202eot tfel",
    "N" * 5000,
]


@cache
def relaxed(optimizer):
    """A record of the relaxation of a distorted butanol, every force call a frame."""
    molecule, frames = Molecule.from_smiles("CCCCO", name="butanol"), []
    distortion = np.random.default_rng(1).normal(scale=0.15, size=(len(molecule), 3))
    molecule = molecule.with_positions(molecule.positions + distortion)

    def keep(counted):
        frames.append(counted.atoms.positions.copy())

    result = molopt.relax(molecule, optimizer, "mmff94", energy_left=None, on_call=keep)
    plan = Plan(
        source="test", molecule="butanol", place=0, seed=0, smiles=molecule.smiles, charge=0, spin=1,
        numbers=molecule.numbers.tolist(), bonds=[list(map(int, bond[:2])) for bond in molecule.bonds],
        start=molecule.positions.tolist(), potential=result.potential, optimizer=result.optimizer, tuned=False,
        fmax_limit=0.05, energy_left_limit=None, step_limit=1000, versions={"molopt": molopt.__version__},
    )  # fmt: skip
    outcome = Outcome(
        result.ended, seconds=result.seconds, force_calls=result.force_calls, steps=result.steps,
        energy=result.energy, fmax=result.fmax, energies=[call.energy for call in result.trace],
        forces=[call.fmax for call in result.trace],
        frames=frames, frame_calls=range(len(frames)), end=result.atoms.positions,
        energy_left=float(result.energy_left), stationary="unchecked", identity=result.verdict.molecule,
    )  # fmt: skip
    return Record(plan, outcome)


def records(names):
    for place, name in enumerate(names):
        for optimizer in OPTIMIZERS:
            record = relaxed(optimizer)
            yield replace(record, plan=replace(record.plan, molecule=name, place=place))


def number(value):
    return Cell("-" if value is None else f"{value:g}", value)


TABLE = Table(
    "Force calls <b>",
    [Heading("optimizer"), Heading("calls", "of forces")],
    [[Cell(name), number(value)] for name, value in [("b", 9), ("<i>a", 100), ("c", None), ("d", 10.5)]],
)
FIGURE = Figure("Profile", "Of all.", '<svg viewBox="0 0 9 9" width="90"><path d="M0 0L9 9" stroke="#D55E00"/></svg>')


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "report.html"
    names = ["butanol", *HOSTILE]
    remarks = write_page(path, "Study of <b>", records(names), [FIGURE], [TABLE], [HOSTILE[0]], "molopt compare '<x>'")
    assert remarks == []
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def opened(chromium, page):
    """The page in the browser; after the test nothing has been asked of a network, and no error was said."""
    chromium.requests.clear()
    chromium.errors.clear()
    chromium.open(page)
    yield chromium
    assert chromium.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in chromium.requests), chromium.requests


def changed(one, other):
    """The share of pixels that differ enough to be seen."""
    return float((np.abs(one - other).max(axis=2) > 0.1).mean())


def draw(browser):
    """Open the first molecule, and wait until it is drawn; the drawing's picture before and after."""
    browser.run("document.querySelector('.hint').hidden = true, document.querySelector('.chosen').hidden = false")
    empty = browser.picture("#drawing")
    browser.click("button.open")
    settle(browser, lambda picture: changed(empty, picture) > 0.02)
    return empty


def settle(browser, enough):
    for _ in range(100):
        picture = browser.picture("#drawing")
        if enough(picture):
            return picture
    raise AssertionError("what was to be drawn never was")


@needs_browser
def test_a_molecule_is_drawn_and_its_trajectory_plays(opened):
    draw(opened)
    opened.click("#first")
    opened.wait("document.querySelector('#where').textContent.includes('start, force call 1,')")
    start, dot = opened.picture("#drawing"), opened.run("document.querySelector('.dot').getAttribute('cy')")
    opened.click("#play")
    opened.wait("document.querySelector('#where').textContent.includes('end, force call')")
    settle(opened, lambda picture: changed(start, picture) > 0.01)
    assert opened.run("document.querySelector('.dot').getAttribute('cy')") != dot
    assert opened.run("document.querySelector('#play').textContent") == "Play"  # it stops at the end


@needs_browser
def test_each_optimizers_end_can_be_seen_and_the_slider_goes_back(opened):
    draw(opened)
    names = opened.run("Array.from(document.querySelectorAll('#runs td:first-child'), cell => cell.textContent)")
    assert names == ["default", "adam", "bfgs (ASE)"]
    headings = opened.run("Array.from(document.querySelectorAll('#runs th'), cell => cell.textContent.trim())")
    assert headings[1:4] == ["ended", "end", "molecule"]
    cells = opened.run(
        "Array.from(document.querySelectorAll('#runs tbody tr:nth-child(1) td'), cell => cell.textContent)"
    )
    assert cells[1:4] == ["converged", relaxed("default").outcome.end_is, "kept"]
    assert cells[-1].endswith("?")  # energy left, where nobody looked
    opened.click("#runs tr:nth-child(3) button")
    end = f"bfgs (ASE): end, force call {relaxed('bfgs').outcome.force_calls},"
    assert opened.run("document.querySelector('#where').textContent").startswith(end)
    opened.run("document.querySelector('#frame').value = 0")
    opened.run("document.querySelector('#frame').dispatchEvent(new Event('input'))")
    assert "start, force call 1," in opened.run("document.querySelector('#where').textContent")


@needs_browser
def test_the_page_unpacks_the_geometries_and_energies_that_were_recorded(opened):
    outcome = relaxed("default").outcome
    run = opened.run("packed.run(0).then(run => ({...run, positions: run.positions.map(frame => Array.from(frame))}))")
    kept = [call - 1 for call in run["frames"]]
    assert len(kept) == min(25, len(outcome.frames))
    positions = np.reshape(run["positions"], (len(kept), -1, 3))
    # Half the resolution is what rounding loses.
    assert np.allclose(positions, superposed(outcome.frames[kept].astype(float)), atol=0.51 * RESOLUTION)
    energies = [outcome.energies[call - 1] for call in run["calls"]]
    assert np.allclose(np.array(run["energies"]) + run["base"], energies, atol=1e-6)


@needs_browser
def test_tables_sort_by_numbers_with_the_mouse_and_the_keyboard(opened):
    read = "Array.from(document.querySelectorAll('#results tbody td:first-child'), cell => cell.textContent).join(' ')"
    assert opened.run(read) == "b <i>a c d"
    opened.click("#results th.number button")
    assert opened.run(read) == "b d <i>a c"  # 9, 10.5, 100, and what has none
    opened.run("document.querySelector('#results th.number button').focus()")
    opened.press("Enter", 13)
    assert opened.run(read) == "<i>a d b c"
    assert opened.run("document.querySelector('#results th.number').ariaSort") == "descending"
    opened.click("#results th button")
    assert opened.run(read) == "<i>a b c d"


@needs_browser
def test_names_are_text_and_never_markup(opened):
    names = opened.run("Array.from(document.querySelectorAll('button.open'), button => button.textContent)")
    assert names[1:5] == HOSTILE[:4]
    assert names[5:8] == ["line\\u2028break", "half \\ud800 of a pair", "right\\u202eot tfel"]
    assert names[8] == "N" * 159 + "…"
    for place in range(len(HOSTILE)):
        opened.run(f"document.querySelectorAll('button.open')[{place + 1}].click()")
        opened.wait(f"document.querySelector('#molecule-name').textContent === {json.dumps(names[place + 1])}")
    assert opened.run("typeof window.__pwned") == "undefined"
    assert opened.run("document.querySelectorAll('img, h1 b, main i, td script').length") == 0


@needs_browser
def test_even_markup_that_got_in_could_neither_run_nor_ask_a_network(chromium, page):
    chromium.open(page)
    chromium.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.__pwned = 1\">')")
    chromium.run("document.body.append(Object.assign(document.createElement('script'), {text: 'window.__pwned = 1'}))")
    assert chromium.run("fetch('https://example.org').then(() => 'sent', () => 'refused')") == "refused"
    assert chromium.run("typeof window.__pwned") == "undefined"


@needs_browser
def test_it_is_light_or_dark_as_the_system_is_until_told_otherwise(opened):
    paper = "getComputedStyle(document.body).backgroundColor"
    for scheme, colour in (("dark", "rgb(20, 24, 28)"), ("light", "rgb(255, 255, 255)")):
        opened.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        opened.wait(f"{paper} === '{colour}'")
    opened.click("#theme")
    assert opened.run(paper) == "rgb(20, 24, 28)"
    opened.ask("Emulation.setEmulatedMedia", media="print")
    assert opened.run(paper) == "rgb(255, 255, 255)"
    assert opened.run("getComputedStyle(document.querySelector('#panel')).display") == "none"
    assert opened.run("getComputedStyle(document.querySelector('.list')).maxHeight") == "none"
    opened.ask("Emulation.setEmulatedMedia", media="")
    opened.click("#theme")


@needs_browser
def test_a_browser_without_webgl_says_so_and_shows_the_rest(page, tmp_path):
    browser = Chromium(tmp_path, ["--disable-3d-apis"])
    try:
        browser.open(page)
        browser.click("button.open")
        browser.wait("document.querySelector('#drawing').textContent.includes('WebGL')")
        browser.click("#first")
        assert "start, force call 1" in browser.run("document.querySelector('#where').textContent")
        assert browser.errors == []
    finally:
        browser.close()


def synthetic(molecules, optimizers, potentials, atoms=75, calls=200):
    """Runs of helical chains that writhe, each atom on a way of its own."""
    generator, frames, record = np.random.default_rng(0), 25, relaxed("default")
    angle = np.arange(atoms)
    chain = np.stack([2 * np.cos(angle), 2 * np.sin(angle), 0.4 * angle], axis=1)
    for place in range(molecules):
        for optimizer in range(optimizers):
            for potential in range(potentials):
                way = generator.normal(size=(frames, atoms, 3)) * 0.3 * np.geomspace(1, 0.01, frames)[:, None, None]
                plan = replace(
                    record.plan, molecule=f"chain {place}", place=place, numbers=[6] * atoms, bonds=[],
                    start=chain.tolist(), optimizer=f"adam?lr={optimizer + 1}", potential=f"potential {potential}",
                )  # fmt: skip
                fall = np.exp(-np.arange(calls) / 20) * generator.uniform(1, 2, calls)
                outcome = Outcome(
                    "converged", force_calls=calls, energy=fall[-1], fmax=0.01, energies=fall, forces=fall,
                    frames=chain + np.cumsum(way, axis=0), frame_calls=np.linspace(0, calls - 1, frames).astype(int),
                )  # fmt: skip
                yield Record(plan, outcome)


@needs_browser
def test_thirty_molecules_with_ten_optimizers_stay_below_10_mb_and_open_in_3_seconds(chromium, tmp_path):
    path = tmp_path / "large.html"
    write_page(path, "Large", synthetic(30, 10, 2))
    seconds = chromium.open(path)
    print(f"{path.stat().st_size / 1e6:.1f} MB, opened in {seconds:.2f} s")
    assert path.stat().st_size < 10e6
    assert seconds < 3


def test_a_run_that_crashed_and_one_that_exploded_do_not_spoil_the_page(tmp_path):
    record = relaxed("default")
    crashed = replace(record, outcome=Outcome("crashed", error="segmentation fault", seconds=0.1))
    frames = np.array(
        [record.plan.start, np.full_like(record.plan.start, math.nan), np.multiply(record.plan.start, 1e6)]
    )
    exploded = Outcome(
        "exploded", error="far", energies=[1.0, math.nan, 1e30], forces=[1, 2, 3], frames=frames, frame_calls=[0, 1, 2]
    )
    path = tmp_path / "report.html"
    assert write_page(path, "Failures", [crashed, replace(record, outcome=exploded)]) == []
    assert "0 of 2" in path.read_text()


def without(package, code, directory):
    """Run code in an interpreter that has all that this one has but for one package."""
    site = Path(sysconfig.get_paths()["purelib"])
    for entry in site.iterdir():
        if not entry.name.lower().startswith(package):
            (directory / entry.name).symlink_to(entry)
    ours = Path(molopt.__file__).parents[1]
    path = ":".join(str(place) for place in ([directory] if ours == site else [ours, directory]))
    command = [sys.executable, "-S", "-c", code]
    return subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False)


def test_without_the_drawing_library_the_page_says_what_is_missing(tmp_path):
    code = f"""
from pathlib import Path
from molopt.report.page import write_page
print(*write_page(Path({str(tmp_path / "report.html")!r}), "Study", []), sep="\\n")
"""
    (tmp_path / "site").mkdir()
    ran = without("chemiscope", code, tmp_path / "site")
    assert ran.stdout == f"{NO_LIBRARY}\n", ran.stderr
    assert "molopt[report]" in (tmp_path / "report.html").read_text()


def test_the_extra_asks_for_the_version_that_the_page_was_tried_with():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert f"chemiscope=={VERSION}" in project["project"]["optional-dependencies"]["report"]
