"""The page of the laboratory: in a real browser, without a network, with texts that want to be markup."""

import numpy as np
import pytest
from chromium import EXECUTABLE, Chromium

import molopt
from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.track import follow
from molopt.report.lab_files import write_figures, write_lab_page

needs_browser = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: apt-get install chromium")

HOSTILE = "</script><img src=x onerror='window.__pwned = 1'>\u2028\ud800"
STEPS = 30


def seen(seed):
    """What an experiment with a hostile author sees."""
    surface = surfaces.rosenbrock()
    tracks = [follow(surface, make, STEPS, f"{make.__name__} {HOSTILE}") for make in (molopt.Adam, molopt.HeavyBall)]
    chart = Chart(
        HOSTILE, HOSTILE, "y", [Series(HOSTILE, [1, 2, 3], [1, 4, 9]), Series("foretold", [1, 3], [1, 9], "theory")]
    )
    return Outcome([SurfaceMap("a map", surface, tracks), chart], [Number(HOSTILE, 1.0, predicted=2.0)], HOSTILE)


MINE = Experiment("mine", HOSTILE, f"It is so: {HOSTILE}.", HOSTILE, seen, seen, [HOSTILE])


@pytest.fixture(scope="module")
def finding():
    return MINE.run()


@pytest.fixture
def opened(finding, tmp_path):
    path = tmp_path / "lab.html"
    write_lab_page(path, [finding], "molopt lab mine:MINE")
    browser = Chromium(tmp_path / "profile")
    browser.open(path)
    yield browser
    assert browser.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in browser.requests), browser.requests
    browser.close()


@needs_browser
def test_paths_are_played_and_stopped_and_moved_through_by_hand(opened):
    circles = "document.querySelectorAll('[data-paths=\"0\"] circle')"
    dots = f"Array.from({circles}, dot => `${{dot.getAttribute('cx')}} ${{dot.getAttribute('cy')}}`)"
    said = "document.querySelector('.player output').textContent"
    assert opened.run(said) == f"force call {STEPS + 1} of {STEPS + 1}"
    end = opened.run(dots)
    assert len(end) == 2
    opened.run("(s => { s.value = 0; s.dispatchEvent(new Event('input')); })(document.querySelector('.player input'))")
    assert opened.run(said) == f"force call 1 of {STEPS + 1}"
    assert len(set(opened.run(dots))) == 1  # all start at one point
    opened.click(".player button")
    opened.wait(f"{said}.startsWith('force call 3 ')")
    opened.click(".player button")
    stopped = opened.run(dots)
    assert opened.run("document.querySelector('.player button').textContent") == "Play"
    assert opened.run(dots) == stopped != end


@needs_browser
def test_the_dots_lie_on_the_ends_of_the_drawn_paths(opened):
    opened.run("(s => { s.value = 12; s.dispatchEvent(new Event('input')); })(document.querySelector('.player input'))")
    for place in range(2):
        apart = opened.run(
            f"""(() => {{
            const dot = document.querySelectorAll('[data-paths="0"] circle')[{place}].getBoundingClientRect();
            const x = dot.x + dot.width / 2, y = dot.y + dot.height / 2;
            let nearest = 1e9;
            for (const use of document.querySelectorAll('[data-paths="0"] svg g > use')) {{
              const line = document.querySelector(use.getAttribute('href')), matrix = use.getScreenCTM();
              for (let at = 0; at <= line.getTotalLength(); at += 0.5) {{
                const point = line.getPointAtLength(at).matrixTransform(matrix);
                nearest = Math.min(nearest, Math.hypot(point.x - x, point.y - y));
              }}
            }}
            return nearest;
            }})()"""
        )
        assert apart < 1


@needs_browser
def test_text_from_anywhere_is_text_and_never_markup(opened):
    assert opened.run("window.__pwned") is None
    assert opened.run("document.querySelectorAll('img').length") == 0


def test_a_figure_is_written_with_its_data(finding, tmp_path):
    written = write_figures(tmp_path, finding)
    assert [path.name for path in written[:3]] == ["mine-model-1.svg", "mine-model-1.png", "mine-model-1.csv"]
    assert len(written) == 12
    table = np.genfromtxt(tmp_path / "mine-molecule-2.csv", delimiter=",", skip_header=1, usecols=(1, 2))
    np.testing.assert_array_equal(table, [[1, 1], [2, 4], [3, 9], [1, 1], [3, 9]])
