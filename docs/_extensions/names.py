"""What single backticks mean in docstrings: code, and a link where it is a name that molopt exports.

Sphinx's own default role would link `atoms` to any attribute of that name. Functions are links where they are written
in full (`molopt.check`): an argument may have the same name.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.util.docutils import SphinxRole

import molopt
import molopt.rules

CLASSES = {
    name: f"{home}.{name}"
    for home, names in (("molopt", molopt.__all__), ("molopt.rules", molopt.rules.__all__))
    for name in names
    if name[0].isupper()
}  # a rule, rather than the optimizer of its name
link = PyXRefRole()


class Name(SphinxRole):
    """Code, or a link to the reference."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name = self.text.removesuffix("()")
        whole = name if name.startswith("molopt.") else CLASSES.get(name, "")
        if not whole or not whole.replace(".", "").isidentifier():
            return [nodes.literal(self.rawtext, self.text)], []
        text = f"{self.text} <{whole}>"
        return link("py:obj", f"`{text}`", text, self.lineno, self.inliner, self.options, self.content)


def skipped(app: Sphinx, kind: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Fields of a NamedTuple are said in its docstring; "Alias for field number 0" says nothing."""
    return True if type(member).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("name", Name())
    app.connect("autodoc-skip-member", skipped)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
