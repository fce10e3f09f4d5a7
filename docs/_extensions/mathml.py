"""Formulas as MathML, which browsers draw by themselves: no JavaScript, no fonts and no network are needed.

Docutils converts the LaTeX. What it cannot convert is a warning, and with it an error in CI.
"""

import html
import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

NAME = re.compile(r"(?<![_^])\{[A-Za-z]+\}|(?<![\\A-Za-z])[A-Za-z]{2,}")  # \text{else} as it is, or a name: lr, eps
SIZE = re.compile(r"\\[bB]ig{1,2}[lr]?(?![A-Za-z])")  # of brackets, which docutils does not know


def upright(name: re.Match[str]) -> str:
    """Names of more than one letter are upright, so that they are not read as products."""
    return name[0] if name[0].startswith("{") else rf"\mathrm{{{name[0]}}}"


def converted(node: nodes.math | nodes.math_block, block: bool) -> str:
    """MathML of a formula; its LaTeX as code, and a warning, where docutils does not know a command."""
    text = NAME.sub(upright, SIZE.sub("", node.astext()))
    try:
        return str(tex2mathml(text, as_block=block))
    except MathError as problem:
        logging.getLogger(__name__).warning("formula %r: %s", text, problem, location=node)
        return f"<code>{html.escape(text)}</code>"


def inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(converted(node, block=False))
    raise nodes.SkipNode


def block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{converted(node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]  # Sphinx declares its values at run time
    return {"parallel_read_safe": True, "parallel_write_safe": True}
