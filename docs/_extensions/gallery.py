"""The gallery: each script of a folder with what its docstring says and the picture that it writes.

```{gallery}
```
"""

import ast
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RUNNERS = ("run.py", "conftest.py")  # what runs the scripts is not one of them


def entry(script: Path) -> list[str]:
    """A script as Markdown: its title, the rest of its docstring, its picture, and the script itself."""
    said = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem
    title, _, rest = said.partition("\n")
    picture = script.with_suffix(".png")
    lines = [f"## {title.rstrip('.')}", "", *rest.strip().splitlines(), ""]
    if picture.exists():
        lines += [f"![{title.rstrip('.')}]({picture.name})", ""]
    return [*lines, f"```{{literalinclude}} {script.name}", ":language: python", "```", ""]


class Gallery(SphinxDirective):
    """All scripts of the folder of this page, sorted by name."""

    def run(self) -> list[nodes.Node]:
        source, _ = self.get_source_info()
        folder = Path(source).parent
        lines: list[str] = []
        for script in sorted(folder.glob("*.py")):
            if script.name not in RUNNERS:
                self.env.note_dependency(str(script))
                lines += entry(script)
        found = nodes.section()
        found.document = self.state.document
        self.state.nested_parse(StringList(lines, source=source), 0, found, match_titles=True)  # type: ignore[arg-type]  # docutils types it as a node
        return found.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
