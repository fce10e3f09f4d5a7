"""What a notebook shows of results, and figures: quick, of this page alone, and nothing in a name is markup."""

import io
import subprocess
import sys
import time
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from matplotlib.figure import Figure
from matplotlib.image import imread
from rdkit import Chem

import molopt
from molopt import InputError, MissingExtra, Molecule, check, conformers, relax, relax_batch, scan
from molopt.comparison import Study
from molopt.comparison.settings import Settings
from molopt.drawing.svg import own_prefix
from molopt.ensembles.ensemble import Conformer, Ensemble
from molopt.execution.serial import SerialExecutor
from molopt.molecules.drawing import MOST, structure_svg
from molopt.optimizers.spec import OptimizerSpec
from molopt.stationary.verdict import Verdict

HOSTILE = "<script>alert(1)</script>"
SOON = 0.2  # s of CPU, after matplotlib is loaded
KINDS = ("Molecule", "Result", "Ensemble", "Scan", "Check", "Study")
DRAWN = ("Result", "Ensemble", "Scan", "Study")
VIEWED = ("Molecule", "Result", "Ensemble", "Scan")


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """One of each, all of molecules with a hostile name."""
    glycol = f"OCCO {HOSTILE}"
    file = tmp_path_factory.mktemp("molecules") / "glycol.smi"
    file.write_text(f"{glycol}\n")
    found = {
        "Molecule": Molecule.of(glycol),
        "Result": relax(glycol),
        "Ensemble": conformers(glycol, count=5),
        "Scan": scan(glycol, (0, 1, 2, 3), range(0, 361, 60)),
        "Check": check(relax(glycol).molecule),
    }
    optimizers = tuple(str(OptimizerSpec.of(name)) for name in ("default", "bfgs"))
    study = Study.begin(file.parent / "study", Settings((str(file),), ("mmff94",), optimizers, 0.05, "auto", 300))
    list(study.go(SerialExecutor(), study.cases(study.settings.molecules())))
    yield found | {"Study": study}
    study.store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_shows_a_page_in_which_no_name_is_markup(things, kind):
    page = things[kind]._repr_html_()
    assert "<script" not in page
    ElementTree.fromstring(f"<div>{page}</div>")  # every element is closed
    assert "<table" in page or "<pre>" in page
    if kind != "Study":
        assert "&lt;script&gt;" in page
        assert "<svg" in page


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_notebook_shows_is_there_at_once(things, kind):
    things[kind]._repr_html_()
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        things[kind]._repr_html_()
        seconds.append(time.process_time() - begun)
    assert min(seconds) < SOON


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_notebook_shows_fetches_nothing_and_runs_nothing(things, kind):
    page = things[kind]._repr_html_()
    for element in ElementTree.fromstring(f"<div>{page}</div>").iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert not (name.endswith("href") and not value.startswith(("#", "data:image/png")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_is_one_line(things, kind):
    said = repr(things[kind])
    assert said.startswith(f"<{kind} ")
    assert said.endswith(">")
    assert "\n" not in said


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize(("ending", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_a_plot_is_a_figure_and_a_file_as_its_ending_says(things, kind, ending, begins, tmp_path):
    path = tmp_path / f"figure{ending}"
    assert isinstance(things[kind].plot(path), Figure)
    assert path.read_bytes().startswith(begins)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", DRAWN)
def test_a_plot_without_a_path_writes_nothing_and_shows_itself_in_a_notebook(things, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = things[kind].plot()
    data, size = figure._repr_png_()
    pixels = imread(io.BytesIO(data))
    assert pixels.shape[1] == pytest.approx(2 * size["width"], abs=2)  # fine enough for a fine screen
    assert (pixels[0, 0, :3] == 1).all()  # readable on a dark page, too
    assert not list(tmp_path.iterdir())


def test_a_plot_of_another_ending_or_into_nowhere_is_bad_input(things, tmp_path):
    with pytest.raises(InputError, match=r"ends with \.png, \.svg, \.pdf, got .*run\.jpeg"):
        things["Result"].plot(tmp_path / "run.jpeg")
    with pytest.raises(InputError, match="could not be written"):
        things["Result"].plot(tmp_path / "nowhere" / "run.png")
    assert not list(tmp_path.iterdir())


def test_a_name_in_any_script_is_drawn_without_a_warning(tmp_path):
    result = relax("O 水 $x_1$ \\frac")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result.plot(tmp_path / "water.png")
        result.plot(tmp_path / "water.svg")
    assert "水 $x_1$ \\frac" in (tmp_path / "water.svg").read_text(encoding="utf-8")


def test_figures_need_neither_pyplot_nor_a_screen():
    code = "from molopt import relax; relax('O').plot(); import sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_matplotlib_is_loaded_when_a_figure_is_asked_for():
    code = (
        "from molopt import Ensemble, Scan, relax, conformers, scan; from molopt.comparison import Study\n"
        "repr(relax('O')); import sys; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_figure_of_a_run_has_every_force_call_and_ends_at_the_energy_left(things):
    result = things["Result"]
    energy, force = result.plot().axes
    line, end = energy.get_lines()[:2]
    assert line.get_xdata().tolist() == list(range(1, result.force_calls + 1))
    assert end.get_ydata()[0] == pytest.approx(1e3 * float(result.energy_left))
    assert force.get_lines()[0].get_ydata() == pytest.approx([call.fmax for call in result.trace])
    assert [line.get_ydata()[0] for panel in (energy, force) for line in panel.get_lines()[2:]] == [1.0, 0.05]
    assert "minimum" in energy.get_title()


def test_the_figure_of_a_run_without_an_estimate_is_above_its_end():
    copper = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.6]], cell=[10, 10, 10], pbc=True)
    copper.calc = EMT()
    result = relax(copper)
    assert result.energy_left is None
    (energy, _) = result.plot().axes
    assert energy.get_ylabel() == "above the end (meV)"
    assert "no SMILES" not in result._repr_html_()


def test_a_run_that_failed_at_once_is_shown_all_the_same():
    (refused,) = relax_batch(["CCO", Atoms("He2", [[0, 0, 0], [0, 0, 0]])][1:])
    assert refused.error in refused._repr_html_() or "why" in refused._repr_html_()
    assert refused.plot().axes[0].get_title().endswith("failed after 0 force calls")


def test_a_result_says_which_criteria_it_had_to_meet():
    assert relax("O", fmax=0.01).criteria == (molopt.Fmax(0.01), molopt.EnergyLeft(0.001))
    (batched,) = relax_batch([Molecule.of("O")], fmax=0.01)
    assert batched.criteria == (molopt.Fmax(0.01), molopt.EnergyLeft(0.001))
    tight = relax("O", criteria="gaussian:tight")
    assert [type(each).__name__ for each in tight.criteria] == ["Fmax", "Gaussian"]
    assert tight.as_dict()["criteria"][1] == "Gaussian(name='tight')"


def test_the_figure_of_an_ensemble_has_every_conformer_at_its_energy_and_population(things):
    found = things["Ensemble"]
    left, right = found.plot().axes
    marks = next(line for line in left.get_lines() if len(line.get_xdata()))
    assert marks.get_ydata() == pytest.approx(found.relative)
    assert marks.get_xdata() == pytest.approx(100 * found.populations)
    assert "298.15 K" in left.get_xlabel()
    apart = np.concatenate([line.get_xdata() for line in right.get_lines()])
    assert sorted(apart) == pytest.approx(sorted(found.rmsd()[0]), abs=1e-6)


def test_the_distance_from_the_lowest_keeps_the_order_of_the_ensemble(things):
    found = things["Ensemble"].sorted_by("radius_of_gyration")
    assert found.rmsd_from_lowest() == pytest.approx(found.rmsd()[found.energies.argmin()], abs=1e-6)


def test_no_conformers_are_shown_too(things):
    nothing = Ensemble(things["Molecule"], [], "mmff94s")
    assert "no conformers" in nothing._repr_html_()
    assert nothing.plot().axes
    with pytest.raises(InputError, match="no geometry"):
        nothing.view()


def test_saddles_alone_are_drawn_though_nothing_lives_there(things):
    molecule = things["Molecule"]
    saddle = Conformer(molecule.positions, -1.0, verdict=Verdict("unconverged", "saddle", "kept"))
    left, _ = Ensemble(molecule, [saddle], "mmff94s").plot().axes
    (marks,) = left.get_lines()
    assert marks.get_markerfacecolor() == "white"
    assert left.get_xlim()[1] > 0


def test_a_study_without_runs_says_so(things, tmp_path):
    with Study.begin(tmp_path / "empty", things["Study"].settings) as study:
        assert "runs" in study._repr_html_()
        with pytest.raises(InputError, match="has no runs yet"):
            study.plot()


def test_a_study_is_shown_after_it_was_closed_too(things):
    with Study.open(things["Study"].folder) as study:
        shown = study._repr_html_()
    assert "geometric mean" in shown
    assert study._repr_html_() == shown
    assert study.plot().axes


def test_different_figures_of_a_page_share_no_ids():
    assert own_prefix("run", np.arange(3.0)) != own_prefix("run", np.arange(4.0))
    assert own_prefix("run", np.arange(3.0)) == own_prefix("run", np.arange(3.0))


@pytest.mark.parametrize("smiles", ["CCO", "[Na+].[Cl-]", "[H][H]", "[CH3]", "c1ccc2ccccc2c1", "F/C=C/F", "[Fe+2]"])
def test_a_formula_is_drawn_in_the_colours_of_its_page(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    drawn = ElementTree.fromstring(structure_svg(mol, HOSTILE))
    assert drawn.get("aria-label") == HOSTILE
    inks = " ".join(element.get("style", "") for element in drawn.iter())
    assert "currentColor" in inks or "light-dark" in inks
    assert not [element.tag for element in drawn.iter() if element.tag.rpartition("}")[2] not in ("svg", "path", "g")]


def test_a_formula_shows_nothing_that_a_file_notes_of_its_atoms():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    bare = structure_svg(mol, "ethanol")
    for atom in mol.GetAtoms():
        atom.SetProp("atomNote", HOSTILE)
        atom.SetProp("_displayLabel", HOSTILE)
        atom.SetProp("atomLabel", HOSTILE)
        atom.SetAtomMapNum(7)
    assert structure_svg(mol, "ethanol") == bare


def test_what_is_too_large_to_make_out_is_not_drawn():
    assert structure_svg(Chem.MolFromSmiles("C" * MOST), "chain")
    assert structure_svg(Chem.MolFromSmiles("C" * (MOST + 1)), "chain") == ""


def test_bonds_without_orders_are_drawn_or_left_out_without_an_error():
    benzene = Molecule.from_distances(Molecule.of("c1ccccc1").atoms())
    assert benzene._repr_html_().count("<table") == 1


@pytest.mark.parametrize("kind", VIEWED)
def test_a_view_is_a_widget_of_chemiscope(things, kind):
    chemiscope = pytest.importorskip("chemiscope", reason="a view in 3D needs: pip install 'molopt[report]'")
    with pytest.warns(UserWarning, match="only displays a widget in an interactive notebook"):
        widget = things[kind].view()
    assert isinstance(widget, chemiscope.widget.ChemiscopeWidgetBase)


def test_a_view_without_chemiscope_says_what_to_install(things, monkeypatch):
    monkeypatch.setitem(sys.modules, "chemiscope", None)  # as Python has it of what cannot be imported
    with pytest.raises(MissingExtra, match=r"pip install 'molopt\[report\]'"):
        things["Molecule"].view()


def test_the_house_style_has_one_place():
    package = Path(molopt.__file__).parent
    told = [path for path in package.rglob("*.py") if "rc_context" in path.read_text() or "pyplot" in path.read_text()]
    assert {path.parent.name for path in told} <= {"drawing"}
