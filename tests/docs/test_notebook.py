"""The example notebook runs as it stands, and shows what it says."""

import os
from pathlib import Path

import pytest

NEEDED = "running the notebook needs: pip install nbclient nbformat ipykernel"
nbformat = pytest.importorskip("nbformat", reason=NEEDED)
nbclient = pytest.importorskip("nbclient", reason=NEEDED)
pytest.importorskip("ipykernel", reason=NEEDED)
pytest.importorskip("tblite", reason="the notebook asks GFN2-xTB: pip install 'molopt[xtb]'")

BOOK = Path(__file__).parents[2] / "docs" / "guide" / "example.ipynb"
SHOWN = ("dipeptide", "result", "ensemble", "study")  # as the last line of a cell


class Recording(nbclient.NotebookClient):
    """Keeps what was shown for a while, and is no longer there at the end."""

    changed = ()

    def process_message(self, message, cell, place):
        if message["msg_type"] == "update_display_data":
            self.changed = (*self.changed, message["content"]["data"]["text/plain"])
        return super().process_message(message, cell, place)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    book = nbformat.read(BOOK, 4)
    where, files = tmp_path_factory.mktemp("notebook"), tmp_path_factory.mktemp("files")
    running = Recording(book, timeout=120, resources={"metadata": {"path": str(where)}})
    running.execute(env=os.environ | {"TMPDIR": str(files)})
    assert not list(where.iterdir())  # its files are in a folder of their own
    book.metadata["changed"] = running.changed
    return book


def cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def last_line(cell):
    return cell.source.splitlines()[-1]


def outputs(cell, kind):
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def test_the_notebook_is_valid_and_has_no_outputs():
    book = nbformat.read(BOOK, 4)
    nbformat.validate(book)
    assert not any(cell.outputs or cell.execution_count for cell in cells(book))


def test_what_a_cell_ends_with_is_shown_as_a_table(executed):
    shown = {last_line(cell): outputs(cell, "text/html") for cell in cells(executed) if last_line(cell) in SHOWN}
    assert set(shown) == set(SHOWN)
    for pages in shown.values():
        assert "<table" in pages[-1]


def test_every_plot_is_an_image_in_the_notebook(executed):
    plots = [cell for cell in cells(executed) if last_line(cell).endswith(".plot()")]
    assert len(plots) == 4
    for cell in plots:
        assert len(outputs(cell, "image/png")) == 1


def test_nothing_is_said_that_was_not_asked_for(executed):
    said = [
        output.text
        for cell in cells(executed)
        for output in cell.outputs
        if output.output_type == "stream" and not cell.source.startswith(("print", "!"))
    ]
    assert said == []


def test_progress_says_what_the_search_is_at_and_leaves_nothing(executed):
    assert any("glycerol (14 atoms)" in text for text in executed.metadata["changed"])
    assert executed.metadata["changed"][-1] == ""


def test_the_files_that_it_names_are_written(executed):
    (listed,) = (outputs(cell, "text/plain")[0] for cell in cells(executed) if last_line(cell).startswith("sorted("))
    for name in ("dipeptide.sdf", "glycerol.sdf", "glycerol.csv", "butane.csv", "dipeptide.png"):
        assert f"'{name}'" in listed


def test_the_view_in_3d_is_a_widget_or_says_what_to_install(executed):
    (cell,) = (cell for cell in cells(executed) if last_line(cell) == "ensemble.view()")
    widget = outputs(cell, "application/vnd.jupyter.widget-view+json")
    errors = [output.evalue for output in cell.outputs if output.output_type == "error"]
    assert widget or "pip install 'molopt[report]'" in errors[0]
