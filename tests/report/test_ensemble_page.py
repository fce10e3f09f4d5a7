"""The page of an ensemble: in a real browser, without a network, with names that want to be markup."""

import json
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from chromium import EXECUTABLE, Chromium

import molopt
from molopt.ensembles.conformer import Conformer, Round, SetAside
from molopt.ensembles.ensemble import Ensemble
from molopt.molecules import Molecule
from molopt.numbering import from_one
from molopt.report.frames import RESOLUTION
from molopt.stationary.verdict import Verdict

pytest.importorskip("jinja2", reason="the page needs: pip install 'molopt[report]'")
pytest.importorskip("chemiscope", reason="drawing in 3D needs: pip install 'molopt[report]'")
from molopt.report.ensemble_page import write_ensemble_page

needs_browser = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: apt-get install chromium")

HOSTILE = "</script><img src=x onerror='window.__pwned = 1'>\u2028\ud800"
ENERGIES = "Array.from(document.querySelectorAll('#conformers tbody tr'), row => row.cells[1].textContent)"


@cache
def ensemble():
    """Conformers of serine's dipeptide on MMFF94s, found by embedding."""
    molecule = Molecule.from_smiles("CC(=O)N[C@@H](CO)C(=O)NC", name="serine dipeptide")
    starts = [one.positions for one in molecule.conformers(16, seed=2)]
    ends = molopt.relax_batch(molecule, potential="mmff94s", positions=starts, fmax=0.01, ordered=True)
    found = {
        round(end.energy, 3): Conformer(end.positions, end.energy, "etkdg", seed=seed, calls=end.force_calls,
                                        verdict=end.verdict, fmax=end.fmax, energy_left=float(end.energy_left))
        for seed, end in enumerate(ends)
    }  # fmt: skip
    kept = list(found.values())
    kept[-1] = replace(kept[-1], source="turn", seed=None)
    aside = [SetAside(kept[0].positions, kept[0].energy + 0.1, "turn", "rearranged: N3-H14 broken")]
    rounds = [
        Round(150, kept[0].energy, 2, {"etkdg": (8, 2)}),
        Round(310, kept[0].energy - 0.01, 5, {"etkdg": (16, 5)}),
    ]
    return Ensemble(molecule, kept, "mmff94s", 298.15, 6.0, aside, rounds, {"etkdg": 16}, {"mmff94s": 310}, "enough")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("ensemble") / "report.html"
    assert write_ensemble_page(path, ensemble(), "molopt conformers serine.smi", ["a note"]) == []
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
    return float((np.abs(one - other).max(axis=2) > 0.1).mean())


def settle(browser, before):
    for _ in range(100):
        picture = browser.picture("#drawing")
        if changed(before, picture) > 0.01:
            return picture
    raise AssertionError("what was to be drawn never was")


def where(browser):
    return browser.run("document.querySelector('#where').textContent")


@needs_browser
def test_conformers_are_drawn_one_by_one_and_laid_on_one_another(opened):
    empty = opened.picture("#drawing")
    opened.click("#conformers tbody tr:nth-child(2) button.open")
    second = settle(opened, empty)
    assert where(opened).startswith("Conformer 2: ")
    assert opened.run("document.querySelector('tr.current').rowIndex") == 2
    opened.click("#before")
    settle(opened, second)
    assert where(opened).startswith("Conformer 1: 0.00 kcal/mol")
    assert opened.run("document.querySelector('#before').disabled")
    one = opened.picture("#drawing")
    opened.click("#overlaid")
    settle(opened, one)
    assert where(opened).startswith(f"Conformers 1 to {len(ensemble())}")
    assert not opened.run("document.querySelector('#many').parentNode.hidden")
    opened.run("document.querySelector('#many').value = 2")
    opened.run("document.querySelector('#many').dispatchEvent(new Event('input'))")
    opened.wait("document.querySelector('#where').textContent.startsWith('Conformers 1 to 2')")
    opened.click("#one")
    assert where(opened).startswith("Conformer 1: ")


@needs_browser
def test_the_torsions_beside_a_conformer_are_its_own(opened):
    opened.click("#conformers tbody tr:nth-child(3) button.open")
    shown = opened.run("Array.from(document.querySelectorAll('#torsions dd'), cell => cell.textContent)")
    names = opened.run("Array.from(document.querySelectorAll('#torsions dt'), cell => cell.textContent)")
    expected, angles = ensemble().torsions()
    expected = list(map(from_one, expected))
    assert names == expected
    assert shown == [f"{angle:.0f}°" for angle in angles[2]]


@needs_browser
def test_a_bar_of_a_figure_leads_to_its_conformer(opened):
    bars = "Array.from(document.querySelectorAll('.picks title'))"
    second = f"{bars}.find(each => each.textContent.startsWith('conformer 2:')).parentNode"
    opened.run(f"{second}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    assert where(opened).startswith("Conformer 2: ")


@needs_browser
def test_the_page_unpacks_conformers_laid_on_the_lowest(opened):
    run = opened.run("packed.run(0).then(run => run.positions.map(frame => Array.from(frame)))")
    found = np.reshape(run, ensemble().positions.shape)
    for mine, theirs in zip(found, ensemble().positions, strict=True):
        apart = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (mine, theirs)]
        assert np.abs(apart[0] - apart[1]).max() < 2 * RESOLUTION  # moved and turned, not changed
        volumes = [np.linalg.det(x[[1, 3, 4]] - x[5]) for x in (mine, theirs)]
        assert np.sign(volumes[0]) == np.sign(volumes[1])  # nor mirrored
    kept = [atom for atom, number in enumerate(ensemble().molecule.numbers) if number > 1]
    assert np.linalg.norm(found[1, kept] - found[0, kept], axis=1).mean() < 2.5  # on one another


@needs_browser
def test_the_table_has_a_row_a_conformer_and_sorts(opened):
    relative = [f"{value:.2f}" for value in ensemble().relative]
    assert opened.run(ENERGIES) == relative
    opened.click("#conformers th:nth-child(2) button")
    opened.click("#conformers th:nth-child(2) button")
    assert opened.run(ENERGIES) == relative[::-1]
    opened.click("#conformers tbody tr:nth-child(1) button.open")
    assert where(opened).startswith(f"Conformer {len(relative)}: ")


@needs_browser
def test_it_says_what_was_run_what_was_set_aside_and_how_many_there_are(opened):
    text = opened.run("document.body.innerText")
    count = len(ensemble())
    assert opened.run("document.querySelector('.counts dd').textContent") == str(count)
    for said in ("serine dipeptide: ", "molopt conformers serine.smi", "rearranged: N3-H14 broken", "a note", "enough"):
        assert said in text
    figures = opened.run("Array.from(document.querySelectorAll('#figures h3'), each => each.textContent)")
    assert figures == [
        "Energies", "Populations", "Torsions", "How far conformers are apart", "The lowest energy so far",
        "Distinct minima so far", "Where conformers came from",
    ]  # fmt: skip
    roses = opened.run("document.querySelectorAll('.roses svg').length")
    assert roses == len(ensemble().torsions()[0])
    titles = opened.run("Array.from(document.querySelectorAll('#figures title'), each => each.textContent)")
    assert any(title.startswith(f"conformer {count}: ") for title in titles)


@needs_browser
def test_nothing_is_wider_than_a_phone_and_it_is_dark_where_the_system_is(opened):
    opened.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    opened.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    opened.wait("getComputedStyle(document.body).backgroundColor === 'rgb(20, 24, 28)'")
    assert opened.run("document.documentElement.scrollWidth") == 390
    opened.ask("Emulation.clearDeviceMetricsOverride")
    opened.ask("Emulation.setEmulatedMedia", media="")


@needs_browser
def test_text_from_anywhere_is_text_and_never_markup(chromium, tmp_path):
    said = Verdict("converged", "minimum", "kept", HOSTILE)
    here = ensemble()
    named = Molecule.from_rdkit(here.molecule.to_rdkit(), name=HOSTILE)
    found = Ensemble(
        named, [replace(one, source=HOSTILE, verdict=said) for one in here], HOSTILE, 298.15, 6.0,
        [SetAside(here.positions[0], np.nan, HOSTILE, HOSTILE)], [Round(1, 0.0, 1, {HOSTILE: (1, 1)})], {HOSTILE: 1},
        {HOSTILE: 1}, HOSTILE, None, [HOSTILE],
    )  # fmt: skip
    path = tmp_path / "hostile.html"
    write_ensemble_page(path, found, HOSTILE, [HOSTILE])
    chromium.errors.clear()
    chromium.open(path)
    chromium.run("document.querySelector('button.open').click()")
    chromium.wait("document.querySelector('#where').textContent.startsWith('Conformer 1')")
    assert chromium.run("typeof window.__pwned") == "undefined"
    assert chromium.run("document.querySelectorAll('img').length") == 0
    assert chromium.errors == []


@needs_browser
def test_a_thousand_conformers_of_a_large_molecule_stay_below_10_mb(chromium, tmp_path):
    molecule = Molecule.named("peg4") if "peg4" in molopt.shipped_names() else Molecule.from_smiles("C" * 20)
    noise = np.random.default_rng(0)
    many = [
        Conformer(molecule.positions + noise.normal(scale=0.5, size=(len(molecule), 3)), energy, "turn", calls=9)
        for energy in np.linspace(0, 0.3, 1000)
    ]
    path = tmp_path / "many.html"
    assert write_ensemble_page(path, Ensemble(molecule, many, "mmff94s")) == []
    assert path.stat().st_size < 10e6
    print(f"{path.stat().st_size / 1e6:.1f} MB, opened in {chromium.open(path):.2f} s")
    assert chromium.run("document.querySelectorAll('#conformers tbody tr').length") == 1000


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_conformers_have_a_page_too(tmp_path, count):
    path = tmp_path / "few.html"
    assert write_ensemble_page(path, ensemble()[:count]) == []
    text = path.read_text(encoding="utf-8")
    assert f"{count} conformer" in text
    index = json.loads(re.search('id="index">(.*?)</script>', text)[1])
    assert len(index["conformers"]) == count


def test_a_molecule_without_torsions_has_a_page(tmp_path):
    water = Molecule.from_smiles("O", name="water")
    path = tmp_path / "water.html"
    write_ensemble_page(path, Ensemble(water, [Conformer(water.positions, 0.0)], "mmff94s"))
    assert "<h3>Torsions</h3>" not in path.read_text(encoding="utf-8")
